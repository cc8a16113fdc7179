"""What was sent on each of the last days, and what became of it: for a picture, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import sqlalchemy as sa

from clinic.message import states
from clinic.message.campaign.counting import first_message_since
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.record.told import is_told

_FAILED = (states.UNDELIVERED, states.REJECTED, states.UNKNOWN)


@dataclass(frozen=True)
class Day:
    """
    Messages that were sent on a day, by what is known of them now; of dry runs and the outbox none was.

    failed: not delivered, refused by the gateway, or nobody knows
    """

    day: date
    delivered: int = 0
    sent: int = 0
    failed: int = 0

    @property
    def all(self) -> int:
        """All that were sent."""
        return self.delivered + self.sent + self.failed


def deliveries_by_day(record: Record, *, today: date, zone: tzinfo, days: int = 14) -> list[Day]:
    """The last days up to this one, the oldest first, each by the practice's own calendar."""
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    starts = [_start(day, zone) for day in (*dates, today + timedelta(days=1))]
    with record.read() as connection:
        rows = connection.execute(_query(starts)).all()
    found: dict[tuple[int, str], int] = {}
    for place, state, count in rows:
        known = (
            "delivered" if state == states.DELIVERED else "failed" if state in _FAILED else "sent"
        )
        found[place, known] = found.get((place, known), 0) + int(count)
    names = ("delivered", "sent", "failed")
    return [
        Day(day, *(found.get((place, name), 0) for name in names))
        for place, day in enumerate(dates)
    ]


def _start(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _query(starts: Sequence[datetime]) -> sa.Select[tuple[int, str, int]]:
    """One walk over the messages since then; told by another's message, nothing of their own was sent."""
    place = sa.case(
        *((message.c.sent_at < end, sa.literal(n)) for n, end in enumerate(starts[1:])),
        else_=sa.literal(-1),
    )
    return (
        sa.select(place.label("place"), message.c.state, sa.func.count())
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .where(
            message.c.id >= first_message_since(starts[0]),
            message.c.sent_at >= starts[0],
            message.c.sent_at < starts[-1],
            campaign.c.dry_run.is_(False),
            campaign.c.gateway != states.OUTBOX,
            ~is_told(),
        )
        .group_by(place, message.c.state)
    )
