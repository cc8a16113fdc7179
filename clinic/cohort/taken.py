"""The lists that were taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list


@dataclass(frozen=True)
class TakenList:
    """A list as it was taken in. `rows` is None while it is still being read."""

    id: int
    name: str
    source: str
    file_name: str | None
    rows: int | None
    taken_at: datetime
    taken_by: str


def list_taken(record: Record, *, limit: int = 50) -> list[TakenList]:
    """The latest lists, newest first."""
    columns = [cohort_list.c[name] for name in TakenList.__dataclass_fields__]
    query = sa.select(*columns).order_by(cohort_list.c.id.desc()).limit(limit)
    with record.read() as connection:
        return [TakenList(**row._mapping) for row in connection.execute(query)]
