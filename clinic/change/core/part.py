"""A part of an operation: what is planned, compared and written in one statement."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.record.schema.change import operation_item


@dataclass(frozen=True)
class Part:
    """The items of one operation for a range of patients."""

    operation_id: int
    first: int
    last: int

    def items(self, items: FromClause = operation_item) -> ColumnElement[bool]:
        """Which rows they are."""
        return sa.and_(
            items.c.operation_id == self.operation_id,
            items.c.patient_id.between(self.first, self.last),
        )

    def changing(self, *fields: str, items: FromClause = operation_item) -> ColumnElement[bool]:
        """Those of these fields that are to be changed."""
        return sa.and_(self.items(items), items.c.outcome == WILL_CHANGE, items.c.field.in_(fields))
