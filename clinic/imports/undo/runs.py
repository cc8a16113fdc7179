"""The imports that were made, newest first, and what can be said of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.imports.journal import did_something
from clinic.record.database import Record
from clinic.record.schema.systems.imports import import_run


@dataclass(frozen=True)
class Run:
    """
    An import as it was made.

    ended_at: None where it was killed, or is at work; counts: outcome → rows
    more: it did something besides that cannot be taken back row by row: marks of safe contact, needs
    changed: it added or changed something
    values_gone_at: when its values went, their time being over: it cannot be put back any more
    """

    id: int
    kind: str
    source: str
    rows: int
    began_at: datetime
    began_by: str
    ended_at: datetime | None
    counts: Mapping[str, int]
    undone_at: datetime | None
    undone_by: str | None
    more: bool
    values_gone_at: datetime | None
    changed: bool


def list_runs(record: Record, *, limit: int = 20) -> list[Run]:
    """The newest."""
    query = sa.select(*_COLUMNS).order_by(import_run.c.id.desc()).limit(limit)
    with record.read() as connection:
        return [_run(row) for row in connection.execute(query)]


def get_run(record: Record, number: int) -> Run:
    """
    One of them.

    Raises:
        NotFound: there is no such import
    """
    with record.read() as connection:
        row = connection.execute(
            sa.select(*_COLUMNS).where(import_run.c.id == number)
        ).one_or_none()
    if row is None:
        raise NotFound("import-unknown", f"there is no import {number}; see: cohort imports list")
    return _run(row)


_COLUMNS = (*(
    import_run.c[name]
    for name in (
        "id", "kind", "source", "rows", "began_at", "began_by", "ended_at", "counts", "undone_at",
        "undone_by", "more", "values_gone_at",
    )
), did_something().label("changed"))  # fmt: skip


def _run(row: sa.Row[tuple[object, ...]]) -> Run:
    values = dict(row._mapping)
    values["changed"] = bool(values["changed"])
    values["counts"] = orjson.loads(values["counts"]) if values["counts"] else {}
    return Run(**values)
