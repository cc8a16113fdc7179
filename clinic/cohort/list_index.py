"""The lists that were imported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list

# Begins the request key of all that is made to be looked at and then deleted
# (clinic/message/prepare/preview.py)
PREVIEW: Final = "preview-"


def is_preview(key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a request key bears the mark of a preview."""
    return key.startswith(PREVIEW, autoescape=True)


@dataclass(frozen=True)
class TakenList:
    """A list as it was imported. `rows` is None while it is still being read."""

    id: int
    name: str
    source: str
    file_name: str | None
    rows: int | None
    taken_at: datetime
    taken_by: str


def list_taken(record: Record, *, limit: int = 50) -> list[TakenList]:
    """The latest lists, newest first; none that is only previewed."""
    columns = [cohort_list.c[name] for name in TakenList.__dataclass_fields__]
    query = (
        sa.select(*columns)
        .where(~is_preview(cohort_list.c.request_key))
        .order_by(cohort_list.c.id.desc())
        .limit(limit)
    )
    with record.read() as connection:
        return [TakenList(**row._mapping) for row in connection.execute(query)]
