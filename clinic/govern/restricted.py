"""Who is restricted: their data are kept, and used for no message, list, export or operation (NEW-36)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.record.schema.govern import restriction

_c = restriction.c


def all_restricted(connection: Connection) -> list[int]:
    """The ids of all for whom a restriction holds: they are few."""
    return list(connection.scalars(sa.select(_c.patient_id).where(_c.lifted_at.is_(None))))


def is_restricted(patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether one holds for this patient."""
    return patient_id.in_(sa.select(_c.patient_id).where(_c.lifted_at.is_(None)))
