"""
Old and new values of imports, 24 months after their end: that one was made, by whom, with which counts stays.

Whose values are gone cannot be put back any more (clinic/imports/undo): it is marked in the transaction in
which the first of them go. The keys of what it added stay, by which an opt-out is known to its source.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held
from clinic.record.database import Record
from clinic.record.schema.systems.imports import import_change, import_run
from clinic.retention.age import months_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened, in_blocks
from clinic.retention.stubs import digest_of_keys
from clinic.settings.operations import Retention

WHAT: Final = "import-values"
BLOCK: Final = 20_000

_r, _c = import_run.c, import_change.c
_KEY: Final = (_c.table_name, _c.row_id, _c.field)
_AT: Final = sa.func.coalesce(_r.ended_at, _r.began_at)
_IS_HELD: Final = sa.func.coalesce(_c.patient_id, 0).in_(held("patient"))  # 0: a place, nobody's


def plan(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many imports, how many values in them, and in how many some are held."""
    ids = due(connection, now, settings)
    own = sa.select(sa.func.count()).where(_c.import_id.in_(ids), ~_IS_HELD)
    rows = int(connection.scalar(own) or 0)
    oldest = connection.scalar(
        sa.select(sa.type_coerce(sa.func.min(_AT), _r.began_at.type)).where(_r.id.in_(ids))
    )
    is_held = connection.scalar(
        sa.select(sa.func.count()).select_from(import_run).where(*_over(now, settings, _IS_HELD))
    )
    months = settings.import_months
    return Due(
        WHAT, len(ids), rows, oldest and months_before(oldest, -months), int(is_held or 0), "decision",
        f"retention.import_months {months}",
    )  # fmt: skip


def due(connection: Connection, now: datetime, settings: Retention) -> list[int]:
    """Numbers of imports."""
    query = sa.select(_r.id).where(*_over(now, settings, ~_IS_HELD))
    return list(connection.scalars(query.order_by(_r.id)))


def before(now: datetime, settings: Retention) -> datetime:
    """What ended later keeps its values."""
    return months_before(now, settings.import_months)


def remove(record: Record, clock: Clock, settings: Retention, opened: Opened) -> int:
    """Take the values of every import that is due; how many imports."""
    del clock
    with record.read() as connection:
        ids = due(connection, opened.at, settings)
    for number in ids:
        in_blocks(
            record, partial(_some, number=number), partial(_take, opened=opened, number=number)
        )
    return len(ids)


def _some(connection: Connection, number: int) -> list[tuple[str, int, str]]:
    """Keys of the next block, in their order."""
    query = sa.select(*_KEY).where(_c.import_id == number, ~_IS_HELD).order_by(*_KEY).limit(BLOCK)
    return list(connection.execute(query).tuples())


def _take(
    connection: Connection, keys: list[tuple[str, int, str]], opened: Opened, number: int
) -> None:
    last = sa.tuple_(*(sa.literal(part) for part in keys[-1]))
    connection.execute(
        sa.delete(import_change).where(_c.import_id == number, ~_IS_HELD, sa.tuple_(*_KEY) <= last)
    )
    connection.execute(
        sa.update(import_run)
        .where(_r.id == number, _r.values_gone_at.is_(None))
        .values(values_gone_at=opened.at)
    )
    digest = digest_of_keys(f"{table}/{row}/{field}" for table, row, field in keys)
    opened.leave_stub(connection, WHAT, ("import", number), len(keys), digest)


def _over(
    now: datetime, settings: Retention, which: sa.ColumnElement[bool]
) -> tuple[sa.ColumnElement[bool], ...]:
    """Imports whose time is over, and that have such values."""
    return before(now, settings) > _AT, sa.exists().where(_c.import_id == _r.id, which)
