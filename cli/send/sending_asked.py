"""`cohort sending ask`: what the gateway took since the record was set back, by its own list."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.clock import Clock
    from clinic.message.incoming.sent_since import Asked
    from clinic.record.database import Record
    from clinic.settings import Settings

_FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%d"]


def ask(
    file: Annotated[
        Path | None,
        typer.Option(
            help="The provider's list as a CSV file with a column 'reference' (and perhaps 'status'), of all "
            "that it took since then; without it the gateway is asked (sms.sent_list)."
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=_FORMATS,
            help="From when on, on the practice's clock. Without it: since the first "
            "campaign came into doubt.",
        ),
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Take from the gateway's own list what was sent since the record was set back. Sends nothing.

    What is in the list is never sent again, and the rest of each held campaign may be resumed. What is in the
    list and not in the record was sent by campaigns that were made after the backup: they are counted, and
    listed by reference in a file in the home.
    """
    from clinic.clock import SystemClock

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        asked = ask_gateway(record, settings, clock, file=file, since=since, by=by)
    show(settings, asked, clock)
    console.next_commands(
        "cohort sending status", *(f"cohort resume {number}" for number in asked.campaigns[:5])
    )


def ask_gateway(
    record: Record,
    settings: Settings,
    clock: Clock,
    *,
    by: str,
    file: Path | None = None,
    since: datetime | None = None,
) -> Asked:
    """
    The same without telling it.

    Raises:
        NotAllowed: nothing is in doubt; or the gateway cannot be asked, and no file is given
        GatewayProblem, ListRefused: there is no such list
    """
    from clinic.errors import NotAllowed
    from clinic.gateway.http.sms import HttpSms
    from clinic.gateway.incoming.sent_list import fetch_sent, read_sent_file
    from clinic.message.incoming.sent_since import ask as act
    from clinic.message.incoming.sent_since import require_since

    name = HttpSms.name
    if file is None and not (settings.sms.url and settings.sms.sent_list):
        raise NotAllowed(
            "gateway-not-askable",
            "the settings do not say that the gateway lists what it took (sms.sent_list). If its pages do, "
            "export that list as CSV with our references: cohort sending ask --file LIST.csv",
        )
    start = require_since(record, name, _moment(settings, since))
    pages = (
        read_sent_file(file, gateway=name)
        if file is not None
        else fetch_sent(settings.sms, start, gateway=name)
    )
    return act(record, clock, pages, gateway=name, since=start, by=by)


def _moment(settings: Settings, said: datetime | None) -> datetime | None:
    return said and said.replace(tzinfo=LocalTime(settings).zone).astimezone(UTC)


def show(settings: Settings, asked: Asked, clock: Clock) -> None:
    """What the list says, and what it cannot say."""
    at = LocalTime(settings).show
    console.say(
        f"Since {at(asked.since)} the gateway took {asked.listed:,} messages; {asked.known:,} of them are of "
        "campaigns that this record knows, and are not sent again."
    )
    if asked.strange:
        path = _write(settings, asked, clock)
        from clinic.values.text import counted

        strange = counted(len(asked.strange), "message is", "messages are")
        campaigns = counted(asked.lost_campaigns, "campaign")
        console.say(
            f"[bold red]{strange} of {campaigns} that this record "
            "does not know[/]: they were made after the backup. To whom they went only the provider's "
            f"own list says; their references are in {path}. Do not send those lists again without it."
        )
    if asked.campaigns:
        console.say("Not in doubt any more: campaign " + ", ".join(map(str, asked.campaigns)) + ".")


def _write(settings: Settings, asked: Asked, clock: Clock) -> Path:
    """References, times and what became of them: no patient's data."""
    from clinic.record.private import open_private

    path = settings.home / f"sent-unknown-{clock.now():%Y%m%d-%H%M%S}.csv"
    with open_private(path, encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["reference", "status", "at"])
        rows.writerows(
            [one.reference, one.outcome, one.happened_at.isoformat() if one.happened_at else ""]
            for one in asked.strange
        )
    return path
