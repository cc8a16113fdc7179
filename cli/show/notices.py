"""Notices to staff, as the terminal shows them: of one operation, and those that did not reach everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from cli import console
from cli.wiring import LocalTime

if TYPE_CHECKING:
    from clinic.notify.status import Notice
    from clinic.record.database import Record
    from clinic.settings import Settings


def notices_now(record: Record, operation_id: int) -> list[Notice]:
    """Those of an operation, as they stand."""
    from clinic.clock import SystemClock
    from clinic.notify.status import notices_of

    return notices_of(record, operation_id, SystemClock().now())


def show_notices(record: Record, settings: Settings, operation_id: int) -> None:
    """Who was to be told of it, and whether they were (ALC-32)."""
    at = LocalTime(settings).show
    if found := notices_now(record, operation_id):
        console.show_table(
            "Notices",
            ["Campaign", "To", "Requested by", "On", "Sent", "Not sent", "Status"],
            [
                (n.campaign_id, n.audience, n.requested_by, at(n.asked_at), n.sent, n.not_sent, n.says)
                for n in found
            ],
            right=(0, 4, 5),
        )  # fmt: skip


def untold_now(record: Record) -> list[Notice]:
    """Notices of the last week that did not reach everybody."""
    from clinic.clock import SystemClock
    from clinic.notify.status import failed_lately

    return failed_lately(record, SystemClock().now())


def show_untold(untold: list[Notice]) -> None:
    """A line for each, and where to look."""
    for each in untold:
        said = f"The notice of operation {each.operation_id} to {each.audience} {each.says}."
        console.say(f"[yellow]{escape(said)}[/]")
    if untold:
        ids = dict.fromkeys(each.operation_id for each in untold)
        console.next_commands(*(f"cohort operations show {number}" for number in ids))
