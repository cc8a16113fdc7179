"""`cohort patients safe-contact`: how a patient may be contacted without putting them at risk."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.looks.noting import looked, why
from cli.options import WhyLook
from cli.proof import Me, SecretFd, prove_me, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.record.database import Record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    How a patient may be contacted without putting them at risk. Obeyed by everything that messages patients,
    also by what waits already; on no list, export or log.
    """,
)
Patient = Annotated[str, typer.Argument(help="NHS number, or the practice's own id.")]
Reason = Annotated[str, typer.Option(help="Why, in a few words; asked for if not given.")]


class Channel(StrEnum):
    """What a patient may be contacted by."""

    sms = "sms"
    email = "email"
    voice = "voice"


@app.command("set")
def set_for(
    patient: Patient,
    channel: Annotated[
        list[Channel] | None,
        typer.Option(help="A channel that is safe; may be given again. None given: no channel is."),
    ] = None,
    number: Annotated[
        bool,
        typer.Option(
            "--number",
            help="Ask for a number that is safe, and use it instead of any other; alone: by SMS and voice.",
        ),
    ] = False,
    reason: Reason = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Say how a patient may be contacted safely: by no channel, by some, or by one number alone.

    Whoever works here may say so, and it counts at once. To allow more than what is in force takes a team
    lead or manager. The number is asked for, so that it is in no history of commands. The trail says that
    something was set, and by whom: not for which patient, nor what.
    """
    from clinic.clock import SystemClock
    from clinic.practice.safe_contact import set_safe_contact

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        key = _find(record, patient)
        set_safe_contact(
            record,
            SystemClock(),
            key,
            channels=[each.value for each in channel or ()],
            number=typer.prompt("Safe number", err=True) if number else "",
            reason=reason or typer.prompt("Reason", err=True),
            by=by,
            phones=settings.phones,
        )
    console.say("It is set, and obeyed from the next message on.")


@app.command()
def show(patient: Patient, reason: WhyLook = "", me: Me = "", secret_fd: SecretFd = None) -> None:
    """What is set for a patient, and what was: for team leads and managers; that you looked is on the trail."""
    from clinic.clock import SystemClock
    from clinic.govern.access.look import at_patient
    from clinic.practice.safe_contact import see_safe_contact

    settings, asked = get_settings(), why(reason)
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        key = _find(record, patient)
        found = see_safe_contact(record, SystemClock(), key, by=by.name)
        looked(record, settings, at_patient(key), reason=asked)
    at = LocalTime(settings).show
    for one in found:
        heading = "In force" if one.ended_at is None else f"Until {at(one.ended_at)}"
        rows = [
            ("Channels", ", ".join(one.channels) or "none"),
            ("Number", one.number or "as on the record"),
            ("Reason", one.reason),
            ("Set", f"{at(one.set_at)} by {one.set_by} ({one.source})"),
        ]
        if one.ended_at is not None:
            rows.append(("Ended", f"by {one.ended_by}: {one.ended_why}"))
        console.show_table(heading, ["", ""], rows)


@app.command()
def lift(patient: Patient, reason: Reason = "", me: Me = "", secret_fd: SecretFd = None) -> None:
    """End it: the patient is contacted as everybody else. For team leads and managers."""
    from clinic.clock import SystemClock
    from clinic.practice.safe_contact import lift_safe_contact

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        key = _find(record, patient)
        why = reason or typer.prompt("Reason", err=True)
        lift_safe_contact(record, SystemClock(), key, reason=why, by=by.name)
    console.say("It is lifted: the patient is contacted as everybody else.")
    console.say(
        "If an import set it, correct the mark where the import comes from: it would set it again."
    )


def _find(record: Record, known_as: str) -> int:
    from clinic.message.outcomes.outreach import find_patient

    with record.read() as connection:
        return find_patient(connection, known_as)
