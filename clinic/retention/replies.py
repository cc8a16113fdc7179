"""
What patients wrote: 8 years after it came (the health record's period), and their record has ended too.

The row stays, with its day and its mark: decisions point to it ("reply 12"). Of children until they are 25, and
of whoever was seen in these years, it stays whole: the period is of a record, and counts from when they were
last seen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.govern import REMOVED
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, TAIL_DIGITS, patient
from clinic.record.schema.receipts import reply
from clinic.retention.age import kept_on, years_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened, in_blocks
from clinic.retention.stubs import digest_of_keys
from clinic.settings.operations import Retention

WHAT: Final = "replies"
BLOCK: Final = 2_000


def plan(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many, and how many of them are held."""
    ids = due(connection, now, settings)
    oldest = connection.scalar(
        sa.select(sa.func.min(reply.c.happened_at)).where(_old(now, settings))
    )
    since = oldest and years_before(oldest, -settings.reply_years)
    all_old = sa.select(sa.func.count()).where(_old(now, settings), _of(held("patient")))
    is_held = int(connection.scalar(all_old) or 0)
    authority = f"retention.reply_years {settings.reply_years}"
    return Due(WHAT, len(ids), len(ids), since if ids else None, is_held, "decision", authority)


def due(connection: Connection, now: datetime, settings: Retention) -> list[int]:
    """Ids, in their order."""
    kept = kept_on(now, settings.reply_years)
    query = sa.select(reply.c.id).where(
        _old(now, settings), reply.c.state == "done", ~_of(held("patient")), ~_of(kept)
    )
    return list(connection.scalars(query.order_by(reply.c.id)))


def before(now: datetime, settings: Retention) -> datetime:
    """What came later stays."""
    return years_before(now, settings.reply_years)


def remove(record: Record, clock: Clock, settings: Retention, opened: Opened) -> int:
    """Take text, address and note out of what is due; how many replies."""
    del clock

    def take(connection: Connection, ids: list[int]) -> None:
        connection.execute(
            sa.update(reply)
            .where(is_any_of(reply.c.id, ids))
            .values(text=REMOVED, address="", note=None)
        )
        of = ("approval", opened.decision.approval_id)
        opened.leave_stub(connection, WHAT, of, len(ids), digest_of_keys(ids))

    return in_blocks(record, lambda some: due(some, opened.at, settings)[:BLOCK], take)


def _old(now: datetime, settings: Retention) -> sa.ColumnElement[bool]:
    return (reply.c.happened_at < before(now, settings)) & (reply.c.text != REMOVED)


def _of(patients: sa.Select[tuple[int]]) -> sa.ColumnElement[bool]:
    """Whether a reply came from the number or address of one of these patients."""
    by_mail = reply.c.channel == "email"
    tail = sa.func.substr(reply.c.address, sa.func.length(reply.c.address) - (TAIL_DIGITS - 1))
    number = sa.literal_column(MOBILE_TAIL) == tail
    mail = sa.literal_column(EMAIL_PLAIN) == sa.func.lower(reply.c.address)
    return sa.exists().where(patient.c.id.in_(patients), (by_mail & mail) | (~by_mail & number))
