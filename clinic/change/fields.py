"""
What operations change: columns of a patient, columns of a visit, and tags.

Each field knows how to read its present value as text, whose version guards it, and how to write one
part of an operation in one statement. A new operation on these fields needs nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause, Table

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.core.part import Part
from clinic.change.export.field import ExportField
from clinic.change.visits.field import VisitField
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, patient, patient_tag
from clinic.record.statistics import count_grown


class Field(Protocol):
    """One thing that operations change."""

    @property
    def name(self) -> str:
        """As it stands in `operation_item.field`."""

    @property
    def of_visit(self) -> bool:
        """Whether a visit carries it; else the patient does."""

    def holder(
        self, items: FromClause, part: Part | None = None
    ) -> tuple[FromClause, ColumnElement[bool]]:
        """
        The row that carries it and its version, and how an item finds it.

        Args:
            part: whose items they are, if an outer join must not read more than theirs
        """

    def value(self, items: FromClause, holder: FromClause) -> ColumnElement[str]:
        """Its present value as text."""

    def write(self, connection: Connection, part: Part, *, alone: bool) -> None:
        """Write `new` of every item that is to be changed. `alone`: raise the version as well."""


@dataclass(frozen=True)
class ColumnField:
    """A column of `patient` or `appointment`."""

    name: str
    table: Table
    column: str

    @property
    def of_visit(self) -> bool:
        return self.table is appointment

    def _key(self, items: FromClause) -> ColumnElement[int]:
        return items.c.subject_id if self.of_visit else items.c.patient_id

    def holder(
        self, items: FromClause, part: Part | None = None
    ) -> tuple[FromClause, ColumnElement[bool]]:
        holder = self.table.alias()
        return holder, holder.c.id == self._key(items)

    def value(self, items: FromClause, holder: FromClause) -> ColumnElement[str]:
        return as_text(holder.c[self.column])

    def write(self, connection: Connection, part: Part, *, alone: bool) -> None:
        changing = part.changing(self.name)
        keys = sa.select(self._key(operation_item)).where(changing)
        # A range of the key beside it: without statistics PostgreSQL would read the whole table
        bounds = sa.true() if self.of_visit else self.table.c.id.between(part.first, part.last)
        values: dict[str, Any] = {self.column: self._new(connection, part)}
        if alone or self.of_visit:
            values["version"] = self.table.c.version + 1
        connection.execute(
            sa.update(self.table).where(bounds, self.table.c.id.in_(keys)).values(values)
        )

    def write_if_unchanged(self, connection: Connection, part: Part) -> int:
        """
        Write a patient's column and raise the version where both are as they were reviewed, in one
        statement. How many patients; if not all, undo this and look who was not so.
        """
        holder, own = self.table.c, operation_item.alias()
        written = connection.execute(
            sa.update(self.table)
            .where(
                part.changing(self.name, items=own),
                self._is_own(own, part),
                holder.id.between(part.first, part.last),
                own.c.version_before == holder.version,
                self._is_alive(),
                own.c.old.is_not_distinct_from(as_text(holder[self.column])),
            )
            .values(
                {
                    self.column: sa.cast(own.c.new, holder[self.column].type),
                    "version": holder.version + 1,
                }
            )
        )
        return written.rowcount

    def _is_alive(self) -> ColumnElement[bool]:
        """Who died since the review keeps what they had, though no version moved."""
        return sa.true() if self.of_visit else self.table.c.death_date.is_(None)

    def _is_own(self, own: FromClause, part: Part) -> ColumnElement[bool]:
        """The item of the row that is written, by the items' key."""
        holder = self.table.c
        return sa.and_(
            own.c.operation_id == part.operation_id,
            own.c.patient_id == (holder.patient_id if self.of_visit else holder.id),
            own.c.field == self.name,
            own.c.subject_id == (holder.id if self.of_visit else 0),
        )

    def _new(self, connection: Connection, part: Part) -> ColumnElement[Any]:
        """The one new value if all have the same, else each item's own."""
        new = operation_item.c.new
        least, greatest, given, count = connection.execute(
            sa.select(
                sa.func.min(new), sa.func.max(new), sa.func.count(new), sa.func.count()
            ).where(part.changing(self.name))
        ).one()
        kind = self.table.c[self.column].type
        if least == greatest and given in (0, count):
            return sa.cast(sa.literal(least, sa.Text), kind)
        own = operation_item.alias()
        each = sa.select(sa.cast(own.c.new, kind)).where(self._is_own(own, part))
        return each.correlate(self.table).scalar_subquery()


@dataclass(frozen=True)
class TagField:
    """Whether a patient has a tag: "1" or "0"."""

    name: str = "tag"
    of_visit: bool = False

    def holder(
        self, items: FromClause, part: Part | None = None
    ) -> tuple[FromClause, ColumnElement[bool]]:
        holder = patient.alias()
        return holder, holder.c.id == items.c.patient_id

    def value(self, items: FromClause, holder: FromClause) -> ColumnElement[str]:
        return has_tag(holder.c.id, items.c.subject_id)

    def write(self, connection: Connection, part: Part, *, alone: bool) -> None:
        changing = part.changing(self.name)
        pairs = sa.select(operation_item.c.patient_id, operation_item.c.subject_id).where(changing)
        connection.execute(
            sa.insert(patient_tag).from_select(
                ["patient_id", "tag_id"], pairs.where(operation_item.c.new == "1")
            )
        )
        count_grown(connection, patient_tag)
        connection.execute(
            sa.delete(patient_tag).where(
                patient_tag.c.patient_id.between(part.first, part.last),
                sa.tuple_(patient_tag.c.patient_id, patient_tag.c.tag_id).in_(
                    pairs.where(operation_item.c.new == "0")
                ),
            )
        )


def as_text(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A column's value as the items keep it."""
    return value if isinstance(value.type, sa.String) else sa.cast(value, sa.Text)


def has_tag(patient_id: ColumnElement[int], tag_id: ColumnElement[int]) -> ColumnElement[str]:
    """ "1" or "0": whether the patient has the tag."""
    held = (
        sa.exists()
        .where(patient_tag.c.patient_id == patient_id, patient_tag.c.tag_id == tag_id)
        .correlate_except(patient_tag)
    )
    return sa.case((held, "1"), else_="0")


def raise_versions(connection: Connection, part: Part, fields: tuple[str, ...]) -> None:
    """Count up the version of every patient of whom one of `fields` changed."""
    keys = sa.select(operation_item.c.patient_id).where(part.changing(*fields))
    connection.execute(
        sa.update(patient)
        .where(patient.c.id.between(part.first, part.last), patient.c.id.in_(keys))
        .values(version=patient.c.version + 1)
    )


_PATIENT = {
    "status": "status",
    "facility": "facility_id",
    "provider": "provider_id",
    "insurance_plan": "insurance_plan",
    "postcode": "postcode",
    "email": "email",
    "mobile": "mobile",
    "address": "address",
    "title": "title",
    "sex": "sex",
    "preferred_channel": "preferred_channel",
}
_VISIT = {
    "visit_provider": "provider_id",
    "visit_facility": "facility_id",
    "visit_status": "status",
}

# In the order in which they are written. migrations/first/triggers.py watches the same
FIELDS: Final[dict[str, Field]] = {
    **{name: ColumnField(name, patient, column) for name, column in _PATIENT.items()},
    "tag": TagField(),
    "export": ExportField(),
    "visit": VisitField(),
    **{name: ColumnField(name, appointment, column) for name, column in _VISIT.items()},
}


def fields_in(connection: Connection, part: Part) -> tuple[str, ...]:
    """What this part really changes, in the order in which fields are written."""
    found = set(
        connection.execute(
            sa.select(operation_item.c.field)
            .where(part.items(), operation_item.c.outcome == WILL_CHANGE)
            .distinct()
        ).scalars()
    )
    return tuple(name for name in FIELDS if name in found)
