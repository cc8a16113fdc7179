"""What a gateway sent and nobody understood: kept as it came, counted, and listed for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.gateway.received import Unread
from clinic.record.database import Record
from clinic.record.schema.receipts import receipt_unread


@dataclass(frozen=True, slots=True)
class UnreadEntry:
    """One entry as it is listed: when it came, why it was not understood, and what it said."""

    id: int
    at: datetime
    gateway: str
    why: str
    body: str


def keep_unread(record: Record, clock: Clock, entries: Sequence[Unread]) -> int:
    """Keep what was not understood; how many were new. What comes again inserts nothing."""
    if not entries:
        return 0
    now = clock.now()
    rows = {
        (one.gateway, one.digest): {
            "gateway": one.gateway,
            "digest": one.digest,
            "why": one.why,
            "body": one.body,
            "received_at": now,
        }
        for one in entries
    }
    with record.write() as connection:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(receipt_unread).on_conflict_do_nothing()
        counted = {"preserve_rowcount": True}
        done = connection.execute(statement, list(rows.values()), execution_options=counted)
        return int(done.rowcount)


def count_unread(record: Record) -> int:
    """How many there are."""
    with record.read() as connection:
        query = sa.select(sa.func.count()).select_from(receipt_unread)
        return int(connection.scalar(query) or 0)


def list_unread(record: Record, *, limit: int) -> list[UnreadEntry]:
    """The newest first."""
    columns = ("id", "received_at", "gateway", "why", "body")
    query = sa.select(*(receipt_unread.c[name] for name in columns))
    with record.read() as connection:
        rows = connection.execute(query.order_by(receipt_unread.c.id.desc()).limit(limit))
        return [UnreadEntry(*row) for row in rows]
