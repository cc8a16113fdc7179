"""`cohort remind`: remind of appointments now, after a look at who, which number and which visit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from cli.options import (
    HOW,
    WHAT,
    Accept,
    AcceptWarnings,
    Covers,
    DryRun,
    JsonResult,
    ListName,
    Outbox,
    OverrideGate,
    by_channel,
    send_unasked,
)
from cli.proof import Me, SecretFd
from cli.times import day

_WHICH = "Which appointments (all must match)"


def remind(
    days: Annotated[
        int | None,
        typer.Option(
            min=0, max=28, help="From now to so many days ahead; 2 if not told.",
            rich_help_panel=_WHICH, show_default=False,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", metavar="DAY", parser=day, help="On this day or later.", rich_help_panel=_WHICH
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", metavar="DAY", parser=day, help="On this day or earlier.", rich_help_panel=_WHICH
        ),
    ] = None,
    place: Annotated[str | None, typer.Option(help="Where.", rich_help_panel=_WHICH)] = None,
    provider: Annotated[
        str | None, typer.Option(help="With whom: a provider's code.", rich_help_panel=_WHICH)
    ] = None,
    facility: Annotated[
        str | None, typer.Option(help="A facility's code.", rich_help_panel=_WHICH)
    ] = None,
    visit_type: Annotated[
        str | None, typer.Option("--type", help="Of this type.", rich_help_panel=_WHICH)
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="in_person, telephone or video.", rich_help_panel=_WHICH)
    ] = None,
    session_type: Annotated[
        str | None, typer.Option(help="Of this session type.", rich_help_panel=_WHICH)
    ] = None,
    booking_requirement: Annotated[
        str | None, typer.Option(help="With this booking requirement.", rich_help_panel=_WHICH)
    ] = None,
    speciality: Annotated[
        str | None, typer.Option(help="The provider's speciality.", rich_help_panel=_WHICH)
    ] = None,
    minimum_age: Annotated[
        int | None, typer.Option(min=0, max=130, help="The patient's.", rich_help_panel=_WHICH)
    ] = None,
    template: Annotated[
        str, typer.Option(help="The vendor's, or one of your own.", rich_help_panel=WHAT)
    ] = "appointment-reminder",
    channel: Annotated[
        Literal["sms", "email", "voice"], by_channel(WHAT)
    ] = "sms",
    name: ListName = "Appointment reminders",
    covers: Covers = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the list and stop.", rich_help_panel=HOW)
    ] = False,
    leave_out: Annotated[
        str | None,
        typer.Option(metavar="3,7", help="Rows of the list to leave out.", rich_help_panel=HOW),
    ] = None,
    seen: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Only if it is still the list of that --preview.",
            rich_help_panel=HOW,
        ),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show the whole list, however long.", rich_help_panel=HOW)
    ] = False,
    dry_run: DryRun = False,
    outbox: Outbox = False,
    yes: Annotated[bool, send_unasked(HOW)] = False,
    accept_warnings: AcceptWarnings = False,
    override_gate: OverrideGate = None,
    accept: Accept = None,
    json: JsonResult = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:  # fmt: skip
    """
    Remind patients of their appointments now, beside the nightly run. Each appointment once, by either.

    First the list: how many, who is left out and why, each message with its patient, number and visit.
    Leave rows out, say yes, and the rest is sent. What you leave out is left out of this run alone.

    [bold]Examples[/]

      cohort remind --days 1 --facility F1

      cohort remind --from 2026-03-02 --to 2026-03-06 --provider P01 --template own-reminder

      cohort remind --days 1 --preview

      cohort remind --days 7 --covers group:dialysis --preview

    A DAY is 2026-03-31 or 31/03/2026.

    Exit codes: 0 all sent, or nobody left to remind · 2 refused, nothing was sent · 3 not confirmed, nothing
    was sent · 4 work remains or delivery status unknown.
    """
    from cli import console
    from cli.message.options import Manner, accepted
    from cli.remind.options import Choice
    from cli.remind.session import remind_patients
    from cli.send.resend import row_numbers
    from clinic.message.asking.answering import of_warnings

    values = {
        "days": days,
        "first_date": since and since.date(),
        "last_date": until and until.date(),
        "place": place,
        "provider": provider,
        "facility": facility,
        "visit_type": visit_type,
        "mode": mode,
        "session_type": session_type,
        "booking_requirement": booking_requirement,
        "speciality": speciality,
        "minimum_age": minimum_age,
        "template": template,
        "channel": channel,
        "list_name": name,
        "covers": covers,
        "dry_run": dry_run,
        "outbox": outbox,
        "override_gate": override_gate,
        "accept": {**(of_warnings() if accept_warnings else {}), **accepted(accept or ())},
    }
    then = remind_patients(
        {key: value for key, value in values.items() if value is not None},
        Manner(yes=yes, accept_warnings=accept_warnings, json=json, me=me, secret_fd=secret_fd),
        Choice(preview, tuple(row_numbers(leave_out) or ()), seen, show_all),
    )
    console.next_commands(*then)
