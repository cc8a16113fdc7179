"""
Who was changed, and who is deceased, since the review: asked whenever a person looks or decides.

The same questions as when it is applied (conflicts.py), put to all items at once and without writing.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.fields import FIELDS
from clinic.change.kinds.table import UNDO, kind_of
from clinic.change.operations import Operation
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import patient

_i = operation_item.c


@dataclass(frozen=True)
class Since:
    """How many patients, of those that were to be changed."""

    changed: int
    died: int


def since_review(connection: Connection, planned: Operation) -> Since:
    """Patients of whom an item is not as it was reviewed, and patients who are deceased."""
    of_it = (_i.operation_id == planned.id) & (_i.outcome == WILL_CHANGE)
    names = connection.scalars(sa.select(_i.field).where(of_it).distinct()).all()
    by_version = planned.kind != UNDO and kind_of(planned.kind).by_version(planned.parameters)
    changed = [_changed(name, by_version=by_version) for name in FIELDS if name in names]
    dead = sa.exists().where(patient.c.id == _i.patient_id, patient.c.death_date.is_not(None))
    dead_stay = planned.kind == UNDO or kind_of(planned.kind).dead_stay
    return Since(
        _patients(connection, of_it & sa.or_(sa.false(), *changed)),
        _patients(connection, of_it & dead) if dead_stay else 0,
    )


def _changed(name: str, *, by_version: bool) -> sa.ColumnElement[bool]:
    field = FIELDS[name]
    holder, found = field.holder(operation_item)
    as_reviewed = [found, field.value(operation_item, holder).is_not_distinct_from(_i.old)]
    if by_version or field.of_visit or name == "visit":
        as_reviewed.append(holder.c.version == _i.version_before)
    return (_i.field == name) & ~sa.exists().where(*as_reviewed)


def _patients(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    found = connection.scalar(sa.select(sa.func.count(sa.distinct(_i.patient_id))).where(which))
    return int(found or 0)
