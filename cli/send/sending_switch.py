"""`cohort sending`: whether anything is sent from this record at all; stop it, and allow it again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.erase.patients import erase_again
from cli.options import Json, Why
from cli.proof import Me, SecretFd, anchor_of, prove_me, who_stops
from cli.send import sending_asked
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from clinic.clock import Clock
    from clinic.message.campaign.sending_stop import Sending
    from clinic.record.database import Record
    from clinic.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Whether anything is sent from this record at all.

    Sending stops by itself when the record was restored, copied or failed over: messages may have been sent
    that it does not know of. A person finds out what was sent, and allows it again.
    """,
)
app.command("ask")(sending_asked.ask)


@app.command()
def status(
    json: Json = False,
) -> None:
    """
    Whether it is stopped, since when and why, and which campaigns wait for a person.

    A record that was restored, copied or failed over is noticed here too, before anything tries to send.
    """
    from clinic.clock import SystemClock
    from clinic.message.campaign.sending_stop import sending
    from clinic.message.sending.restore_guard import hold_if_restored, home_of

    settings = get_settings()
    with open_record(settings) as record:
        hold_if_restored(record, SystemClock(), home_of(settings))
        found = sending(record)
    if json:
        console.show_json(asdict(found))
    else:
        _show(found, settings)


@app.command()
def stop(reason: Why = "", me: Me = "") -> None:
    """Stop all sending from now on. Anybody may; campaigns keep their state."""
    from clinic.clock import SystemClock
    from clinic.message.campaign.sending_stop import sending, stop_by_person

    settings = get_settings()
    with open_record(settings) as record:
        stop_by_person(record, SystemClock(), by=who_stops(record, settings, me), reason=reason)
        found = sending(record)
    console.say("What a gateway is being given at this moment may still be sent; nothing else is.")
    _show(found, settings)


@app.command()
def allow(
    reason: Annotated[
        str,
        typer.Option(help="What happened and how you know what was sent; kept in the audit trail."),
    ],
    reminded_through: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Appointments up to and including this day were reminded of by what the record has "
            "lost: they are not reminded of again.",
        ),
    ] = None,
    no_reminders_lost: Annotated[
        bool,
        typer.Option(
            "--no-reminders-lost", help="After a restore: no evening's reminders were lost."
        ),
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Allow sending again. Needs a manager who knows what was sent; asks for your password.

    After a restore a gateway that lists what it took is asked first (cohort sending ask). Campaigns that were
    held stay held: each is resumed (cohort resume N --left …) or cancelled.
    """
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed, RecordUnsafe
    from clinic.govern.audit.trail import write_anchor
    from clinic.message.campaign.sending_stop import allow as act
    from clinic.message.campaign.sending_stop import sending
    from clinic.message.sending.restore_guard import accept, home_of

    settings = get_settings()
    clock = SystemClock()
    first: tuple[str, ...] = ()
    if not reason.strip():
        raise NotAllowed("reason-missing", "say what happened: --reason")
    with open_record(settings) as record:
        by = _who(record, settings, me, secret_fd)
        _ask_first(record, settings, clock, by)
        erase_again(record, clock, settings.home)
        with record.write() as connection:
            if reminded_through is None and not no_reminders_lost:
                _require_said(connection, clock)
            told = _note_reminded(connection, clock, settings, reminded_through, by)
            act(connection, clock, by=by, reason=reason, told=told)
            accept(connection, home_of(settings))
        try:
            write_anchor(record, anchor_of(settings))
        except RecordUnsafe:  # right after a restore: the anchor knows of more than the trail
            console.say(
                "[yellow]The audit trail was set back too[/]: begin another anchor; the old one is kept "
                "beside it."
            )
            first = ('cohort audit anchor --anew --reason "…"',)
        found = sending(record)
    if told:
        console.say(f"{told['reminded']} appointments are taken as reminded of already.")
    _show(found, settings, *first)


def _ask_first(record: Record, settings: Settings, clock: Clock, by: str) -> None:
    """What the gateway took since, if it can be asked; without its answer campaigns stay in doubt."""
    from clinic.errors import GatewayProblem
    from clinic.gateway.http.sms import HttpSms
    from clinic.message.incoming.sent_since import in_doubt_since

    if not (settings.sms.url and settings.sms.sent_list) or not in_doubt_since(
        record, HttpSms.name
    ):
        return
    try:
        asked = sending_asked.ask_gateway(record, settings, clock, by=by)
        sending_asked.show(settings, asked, clock)
    except GatewayProblem as problem:
        console.say(f"[yellow]The gateway could not be asked[/]: {problem.says}.")


def _require_said(connection: Connection, clock: Clock) -> None:
    """After a set-back somebody must say which reminders were given."""
    from clinic.message.campaign.sending_stop import BY_PERSON, MOVED, read_stop
    from clinic.message.reminders.reminded_before import require_said

    stop = read_stop(connection)
    if stop is not None and stop.code not in (BY_PERSON, MOVED):
        require_said(connection, clock)


def _note_reminded(
    connection: Connection, clock: Clock, settings: Settings, day: datetime | None, by: str
) -> dict[str, int | str]:
    from clinic.message.reminders.reminded_before import note_reminded

    until = LocalTime(settings).end(day)
    if until is None:
        return {}
    return {
        "reminded": note_reminded(connection, clock, until, by=by),
        "reminded_before": until.isoformat(),
    }


def _who(record: Record, settings: Settings, me: str, secret_fd: int | None) -> str:
    """A proven manager; before there is any operator, whoever sits at the machine."""
    from clinic.errors import NotAllowed
    from clinic.govern.people.operators import list_operators
    from clinic.govern.people.roles import may

    if not list_operators(record):
        return me or settings.operator
    person = prove_me(record, settings, me, secret_fd)
    if not may(person.role, "approve", "campaign"):
        raise NotAllowed(
            "sending-role",
            f"a manager allows sending; {person.name} is {person.role.replace('_', ' ')}",
        )
    return person.name


def _show(found: Sending, settings: Settings, *first: str) -> None:
    at = LocalTime(settings).show
    if found.stopped is None:
        console.say("Sending is allowed.")
    else:
        stop = found.stopped
        console.say(f"[bold red]Nothing is sent[/] since {at(stop.at)} ({stop.by}): {stop.says}.")
    if found.last_intent:
        console.say(
            f"The last messages that this record knows of were sent {at(found.last_intent)}."
        )
    held = [f"cohort show {number}" for number in found.held[:5]]
    if found.held:
        numbers = ", ".join(map(str, found.held))
        console.say(f"Held until somebody resumes or cancels each: campaign {numbers}.")
    if found.stopped is not None:
        console.next_commands('cohort sending allow --reason "…"', *held)
    elif first or held:
        console.next_commands(*first, *held)
