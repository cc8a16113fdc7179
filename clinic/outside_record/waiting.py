"""What waits to be saved outside: read a block at a time, and written back as it became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.restricted import is_restricted
from clinic.outside_record.problems import BUSY, Problem
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.database import Record
from clinic.record.schema.systems.outside_record import outside_item

_COLUMNS: Final = (
    "id", "state", "has", "remote_id", "version", "tries", "not_before", "problem", "problem_says",
    "changed_at",
)  # fmt: skip
_READ: Final = (
    "id", "kind", "item_id", "stream", "patient_id", "state", "wanted", "has", "remote_id", "version",
    "tries",
)  # fmt: skip
_OWN: Final = (
    "state",
    "has",
    "remote_id",
    "version",
    "tries",
)  # what is written when it was asked for
_PATIENCE: Final = 3  # tries that follow each other at once
_LONGEST_WAIT: Final = timedelta(hours=6)


@dataclass(frozen=True)
class Item:
    """A row of `outside_item`, as it is or is to be."""

    id: int
    kind: str
    item_id: int
    stream: str
    patient_id: int | None
    state: str
    wanted: str
    has: str | None
    remote_id: str | None
    version: str | None
    tries: int
    not_before: datetime | None = None
    problem: Problem | None = None
    read: tuple[Any, ...] | None = None  # what of it the row said that this was read from

    def saved(self, remote_id: str, version: str) -> Item:
        """It is there, with the status that was wanted when it was read."""
        return replace(
            self, state="saved", has=self.wanted, remote_id=remote_id or self.remote_id,
            version=version or None, tries=0,
        )  # fmt: skip

    def there(self, remote_id: str) -> Item:
        """It is there, but with what status is to be asked."""
        return replace(self, has=None, remote_id=remote_id, version=None)

    def refused(self, problem: Problem) -> Item:
        """The other side said no."""
        return replace(self, state="refused", problem=problem)

    def later(self, now: datetime, says: str) -> Item:
        """It is asked again; after a few tries not before some time."""
        tries = self.tries + 1
        wait = min(timedelta(seconds=15) * 2 ** min(tries, 12), _LONGEST_WAIT)
        return replace(
            self, has=None if self.remote_id else self.has, version=None, tries=tries,
            not_before=now + wait if tries >= _PATIENCE or not self.remote_id else None,
            problem=Problem(BUSY, says),
        )  # fmt: skip


def next_items(record: Record, now: datetime, limit: int) -> list[Item]:
    """The oldest that may be asked for now, all of one kind; nothing of whoever is restricted (NEW-36)."""
    o = outside_item.c
    ready = (o.state == "waiting") & (o.not_before.is_(None) | (o.not_before <= now))
    ready &= o.patient_id.is_(None) | ~is_restricted(o.patient_id)
    with record.read() as connection:
        kind = connection.scalar(sa.select(o.kind).where(ready).order_by(o.id).limit(1))
        rows = connection.execute(
            sa.select(*(o[name] for name in _READ))
            .where(ready, o.kind == kind)
            .order_by(o.id)
            .limit(limit)
        )
        return [Item(**row, read=tuple(row[name] for name in _OWN)) for row in rows.mappings()]


def note_items(record: Record, clock: Clock, items: Sequence[Item]) -> list[Item]:
    """
    Write what became of them; whose wanted status has changed since waits again.

    Of whom another process has noted something since they were read, nothing: this one stood still, and what it
    heard is older than that. Returns those that were written.
    """
    if not items:
        return []
    now = clock.now()
    with record.write() as connection:
        items = _as_read(connection, items)
        update_rows(connection, outside_item, _COLUMNS, [_row(item, now) for item in items])
        o = outside_item.c
        connection.execute(
            sa.update(outside_item)
            .where(
                is_any_of(o.id, [item.id for item in items]),
                o.state == "saved",
                o.wanted != o.has,
            )
            .values(state="waiting")
        )
    return items


def _as_read(connection: Connection, items: Sequence[Item]) -> list[Item]:
    o = outside_item.c
    query = sa.select(o.id, *(o[name] for name in _OWN))
    of_these = query.where(is_any_of(o.id, [item.id for item in items])).with_for_update()
    now = {row[0]: tuple(row[1:]) for row in connection.execute(of_these)}
    return [item for item in items if now.get(item.id) == item.read]


def _row(item: Item, now: datetime) -> tuple[Any, ...]:
    problem = item.problem
    return (
        item.id, item.state, item.has, item.remote_id, item.version, item.tries, item.not_before,
        problem.code if problem else None, problem.says[:200] if problem else None, now,
    )  # fmt: skip
