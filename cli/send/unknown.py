"""`cohort unknown`: resolve messages of unknown delivery status."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import typer

from cli import console
from cli.options import CampaignNumber, Rows
from cli.proof import Me, SecretFd, prove_me, who_acts
from cli.wiring import get_settings, governed, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Messages with unknown delivery status: two people say what became of them.

    One asks, another approves (cohort approve), then it is resolved. Possible after 72 hours, since until
    then a delivery receipt may tell. "not-sent" lets them be sent again, which may cause duplicates.
    """,
)
As = Annotated[Literal["sent", "not-sent"], typer.Option("--as", help="What became of them.")]


@app.command()
def ask(
    campaign: CampaignNumber,
    fate: As,
    reason: Annotated[str, typer.Option(help="How you know; no patient's data.")],
    rows: Rows = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Ask another person to agree what became of a campaign's unknown messages."""
    from cli.send.resend import row_numbers
    from clinic.clock import SystemClock
    from clinic.message.incoming.resolve_unknown import ask_to_settle

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        person = prove_me(record, settings, me, secret_fd)
        number = ask_to_settle(
            record, SystemClock(), campaign, "sent" if fate == "sent" else "not_sent",
            rows=row_numbers(rows), requested_by=person.name, reason=reason,
            expires_in=timedelta(hours=settings.release.approval_hours),
        )  # fmt: skip
    console.say(f"Request {number} waits for another person.")
    again = f" --rows {rows}" if rows else ""
    console.next_commands(
        f"cohort approve {number}", f"cohort unknown settle {campaign} --as {fate}{again}"
    )


@app.command()
def settle(
    campaign: CampaignNumber, fate: As, rows: Rows = None, me: Me = "", secret_fd: SecretFd = None
) -> None:
    """Resolve exactly what was approved."""
    from cli.send.resend import row_numbers
    from clinic.clock import SystemClock
    from clinic.message.incoming.resolve_unknown import settle_unknowns
    from clinic.values.text import counted

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        done = settle_unknowns(
            record, SystemClock(), campaign, "sent" if fate == "sent" else "not_sent",
            rows=row_numbers(rows), by=by,
        )  # fmt: skip
    console.say(f"{counted(done.applied, 'message')} resolved as {fate}.")
    if fate == "not-sent":
        console.next_commands(f"cohort resend {campaign}", f"cohort show {campaign}")
    else:
        console.next_commands(f"cohort show {campaign}")
