"""Messages that the outbox keeps, of trials and demonstrations: gone after 30 days. Each key stays used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import is_of_held_message
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.outbox import outbox, outbox_submission
from clinic.retention.due import Due
from clinic.retention.stubs import Stub, digest_of_keys, leave_stub
from clinic.settings.operations import Retention

WHAT: Final = "outbox"
BLOCK: Final = 20  # submissions, of 1,000 messages at most


def plan_outbox(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many messages, and how many of them are held."""
    kept = is_of_held_message(outbox.c.reference)
    things, rows, oldest, is_held = connection.execute(
        sa.select(
            sa.func.count(sa.distinct(sa.case((~kept, outbox.c.submission_id)))),
            sa.func.count(sa.case((~kept, 1))),
            sa.type_coerce(sa.func.min(outbox_submission.c.taken_at), outbox_submission.c.taken_at.type),
            sa.func.count(sa.case((kept, 1))),
        )
        .join(outbox_submission)
        .where(_old(now, settings))
    ).one()  # fmt: skip
    since = oldest and oldest + timedelta(days=settings.outbox_days)
    return Due(WHAT, things, rows, since if rows else None, is_held, "clock", _authority(settings))


def empty_outbox(
    record: Record, clock: Clock, settings: Retention, *, block: int = BLOCK, most: int = 10_000
) -> int:
    """Remove what is due, some submissions a transaction, at most so many; how many messages."""
    gone = 0
    for _ in range(0, most, block):
        with record.write() as connection:
            keys = _keys(connection, clock.now(), settings, block)
            if not keys:
                return gone
            which = is_any_of(outbox.c.submission_id, keys) & ~is_of_held_message(
                outbox.c.reference
            )
            found = list(
                connection.scalars(
                    sa.select(outbox.c.reference).where(which).order_by(outbox.c.reference)
                )
            )
            connection.execute(sa.delete(outbox).where(which))
            stub = Stub(
                WHAT, "outbox", keys[0], len(found), digest_of_keys(found), _authority(settings),
                clock.now(),
            )  # fmt: skip
            leave_stub(connection, stub)
            gone += len(found)
    return gone


def _keys(connection: Connection, now: datetime, settings: Retention, limit: int) -> list[int]:
    query: sa.Select[Any] = (
        sa.select(sa.distinct(outbox.c.submission_id))
        .join(outbox_submission)
        .where(_old(now, settings), ~is_of_held_message(outbox.c.reference))
        .order_by(outbox.c.submission_id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def _old(now: datetime, settings: Retention) -> sa.ColumnElement[bool]:
    return outbox_submission.c.taken_at < now - timedelta(days=settings.outbox_days)


def _authority(settings: Retention) -> str:
    return f"retention.outbox_days {settings.outbox_days:g}"
