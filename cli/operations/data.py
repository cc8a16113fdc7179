"""`cohort operations export|visit`: data that leave, and visits that are booked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from cli.operations import session
from cli.operations.options import Key, NoRun, Reason, Selection, Yes, told
from cli.operations.session import Asking
from cli.proof import Me, SecretFd
from cli.times import day


def export(
    selection: Selection,
    reason: Reason,
    what: Annotated[
        Literal["patients", "clinical", "visits", "full"],
        typer.Option(help="Patient list, clinical summary, visit history, or the full record."),
    ] = "patients",
    format_: Annotated[
        Literal["csv", "xlsx"], typer.Option("--format", help="The full record is xlsx only.")
    ] = "xlsx",
    purpose: Annotated[
        str,
        typer.Option(
            help="What it is for: care, administration, recall, feedback, research, marketing. Under research "
            "the National Data Opt-out is applied and counted."
        ),
    ] = "",
    recipient: Annotated[
        str, typer.Option(help='Who gets the file: "ICB, contracts team".', show_default=False)
    ] = "",
    encrypt_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AGE1…",
            help="Public key (age) of who is to read it, and nobody else; again for several.",
        ),
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """
    Export patients' data to one file. A team lead approves.

    The file is in the home's folder [bold]exports[/], readable by its owner alone. There is no undo:
    what was exported cannot be called back. With --encrypt-to only the reader's key opens it:
    age -d -i key.txt export-7.xlsx.age > export-7.xlsx
    """
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    asked = {
        "what": what, "format": format_, "purpose": purpose, "recipient": recipient,
        "encrypt_to": encrypt_to or [],
    }  # fmt: skip
    told(session.request("export", selection, asked, how))


def visit(
    selection: Selection,
    reason: Reason,
    visit_type: Annotated[str, typer.Option("--type", help='For example "wellness visit".')],
    since: Annotated[
        datetime, typer.Option("--from", parser=day, metavar="DAY", help="First day.")
    ],
    until: Annotated[datetime, typer.Option("--to", parser=day, metavar="DAY", help="Last day.")],
    minutes: Annotated[int, typer.Option(min=5, max=480, help="How long a visit takes.")] = 15,
    provider: Annotated[
        str,
        typer.Option(help="A provider's code; auto: shared at each facility; own: the patient's."),
    ] = "auto",
    between: Annotated[
        str, typer.Option(help="Time of day, within opening hours: 09:00-12:00.")
    ] = "",
    per_day: Annotated[
        int | None,
        typer.Option(min=1, help="Most visits per provider and day; none: the settings'."),
    ] = None,
    repeat: Annotated[
        str,
        typer.Option(metavar="RRULE", help='One visit in each span: "FREQ=MONTHLY;INTERVAL=3".'),
    ] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """
    Book a visit for each patient, where there is time. A manager approves.

    Patients for whom there is no time are listed with the reason: cohort operations show N --outcome no_slot
    """
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    parameters: dict[str, Any] = {
        "type": visit_type, "from": f"{since:%Y-%m-%d}", "to": f"{until:%Y-%m-%d}",
        "minutes": minutes, "provider": provider, "between": between, "per_day": per_day,
        "repeat": repeat,
    }  # fmt: skip
    told(session.request("visit", selection, parameters, how))
