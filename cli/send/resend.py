"""`cohort resend`: send again what failed, and only that."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from cli import console
from cli.options import Accept, CampaignNumber, Json, Rows, send_unasked
from cli.proof import Me, SecretFd, who_acts


def resend(
    campaign: CampaignNumber,
    rows: Rows = None,
    yes: Annotated[bool, send_unasked()] = False,
    accept: Accept = None,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Send again what failed of a campaign, whole or chosen rows; numbers are read again.

    Calls that reached nobody are made again by the rules of their gateway: not too often, nor at the same
    time of day. What was delivered, what is sent and waits for its receipt, and what is unknown is never
    sent again; nor is a row that another resend has taken. First the review, as with any campaign.
    """
    from cli.message import steps
    from cli.message.options import Manner, What, Who, accepted
    from cli.message.session import message_cohort

    made, by = _begin(campaign, row_numbers(rows), accepted(accept or ()), me, secret_fd)
    console.say(f"Campaign {made} sends the failures of campaign {campaign} again.")
    _say_later(campaign)
    # Warnings were accepted when it was first sent
    manner = Manner(yes=yes, json=json, accept_warnings=True, proven=by)
    then = message_cohort(Who(resume=made), What(), manner, use_server=steps.use_server)
    console.next_commands(*then)


def _begin(
    campaign: int, rows: list[int] | None, accept: dict[str, str], me: str, secret_fd: int | None
) -> tuple[int, str]:
    """The campaign of the failures, and who asked for it."""
    from cli.wiring import get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.message.asking import carrying_on

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        made = carrying_on.resend(
            record, SystemClock(), settings, campaign, by=by, rows=rows, accept=accept,
            request_key=f"resend-{uuid.uuid4()}",
        )  # fmt: skip
        return made, by


def _say_later(campaign: int) -> None:
    """Calls that this one does not make yet."""
    from cli.wiring import LocalTime, get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.message.prepare.resend import waiting_calls

    settings = get_settings()
    with open_record(settings) as record:
        waiting = waiting_calls(record, settings, campaign, SystemClock().now())
    if waiting.later and waiting.first is None:
        console.say(
            f"{waiting.later:,} more of its calls may be made in no hour of hours.voice: all are too near the "
            "time of day of the last one (apart_hours of the gateway)"
        )
    elif waiting.later:
        first = LocalTime(settings).show(waiting.first)
        console.say(
            f"{waiting.later:,} more of its calls may be made from {first} on: cohort resend {campaign}"
        )


def row_numbers(text: str | None) -> list[int] | None:
    """Row numbers as they are typed, with commas between."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise typer.BadParameter("write row numbers with commas between: 2,5,9") from None
