"""What an export does to a patient: nothing, but it is noted of each one, as every operation's doing is."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause

from clinic.change.core.part import Part
from clinic.record.schema.people import patient


@dataclass(frozen=True)
class ExportField:
    """
    That a patient's data leave. Nothing is written, and nothing that anybody edits meanwhile is in the
    way: the file has what the record has when it is written. Only whoever is gone cannot be exported.
    """

    name: str = "export"
    of_visit: bool = False

    def holder(
        self, items: FromClause, part: Part | None = None
    ) -> tuple[FromClause, ColumnElement[bool]]:
        holder = sa.select(patient.c.id, sa.literal(0).label("version")).subquery()
        return holder, holder.c.id == items.c.patient_id

    def value(self, items: FromClause, holder: FromClause) -> ColumnElement[str]:
        return sa.cast(sa.null(), sa.Text)

    def write(self, connection: Connection, part: Part, *, alone: bool) -> None:
        """Nothing: what is exported is written to a file (clinic/change/export/export.py)."""
