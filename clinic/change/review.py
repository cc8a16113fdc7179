"""
What a person looks at before and after: whom it concerns, by name, what changes, and who cannot and why.

For the terminal alone: it holds patients' names and values (ALC-15).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.outcomes import SAYS, WILL_CHANGE
from clinic.change.states import CHANGED_SOMETHING
from clinic.record.database import Record
from clinic.record.schema.change import follow_up, operation, operation_item
from clinic.record.schema.people import appointment, patient


@dataclass(frozen=True)
class Line:
    """One item of an operation and its patient. `own_id`: the NHS number, or the local id."""

    own_id: str
    name: str
    field: str
    old: str | None
    new: str | None
    outcome: str
    says: str


@dataclass(frozen=True)
class Counted:
    """How many patients have an outcome, and what it means."""

    outcome: str
    says: str
    patients: int


@dataclass(frozen=True)
class Task:
    """What people must still do (ALC-23)."""

    code: str
    subject: str
    count: int


def count_outcomes(record: Record, operation_id: int) -> list[Counted]:
    """Every outcome of the operation's items, the largest number of patients first."""
    count = sa.func.count(sa.distinct(operation_item.c.patient_id))
    with record.read() as connection:
        found = connection.execute(
            sa.select(operation_item.c.outcome, count)
            .where(operation_item.c.operation_id == operation_id)
            .group_by(operation_item.c.outcome)
            .order_by(count.desc(), operation_item.c.outcome)
        ).all()
        begun = _has_begun(connection, operation_id)
    return [Counted(*_told(outcome, begun=begun), patients) for outcome, patients in found]


def read_lines(
    record: Record, operation_id: int, *, outcomes: Sequence[str] = (), limit: int = 20
) -> list[Line]:
    """
    The first `limit` items by patient, with names and ids.

    Args:
        outcomes: only these; none: all, those who cannot be changed first
    """
    i, p = operation_item.c, patient.c
    name = sa.func.coalesce(p.given_name, "") + " " + sa.func.coalesce(p.family_name, "")
    own_id = sa.func.coalesce(p.nhs_number, p.local_id, sa.cast(i.patient_id, sa.Text))
    lines = (
        sa.select(own_id, name, i.field, i.old, i.new, i.outcome)
        .select_from(operation_item.outerjoin(patient, p.id == i.patient_id))
        .where(i.operation_id == operation_id)
        .order_by(i.outcome == WILL_CHANGE, i.patient_id, i.field, i.subject_id)
        .limit(limit)
    )
    if outcomes:
        lines = lines.where(i.outcome.in_(outcomes))
    with record.read() as connection:
        found = connection.execute(lines).all()
        begun = _has_begun(connection, operation_id)
    return [
        Line(own, shown, field, old, new, *_told(outcome, begun=begun))
        for own, shown, field, old, new, outcome in found
    ]


def _has_begun(connection: Connection, operation_id: int) -> bool:
    state = connection.scalar(sa.select(operation.c.state).where(operation.c.id == operation_id))
    return state in CHANGED_SOMETHING


def _told(outcome: str, *, begun: bool) -> tuple[str, str]:
    """The outcome as people are told of it: what was to be changed has been, once it is through."""
    if outcome == WILL_CHANGE and begun:
        return "changed", "Changed, or about to be: this operation has begun."
    return outcome, SAYS[outcome]


def list_tasks(record: Record, operation_id: int) -> list[Task]:
    """The checklist of follow-ups of an operation."""
    c = follow_up.c
    with record.read() as connection:
        found = connection.execute(
            sa.select(c.code, c.subject, c.count)
            .where(c.operation_id == operation_id)
            .order_by(c.code, c.subject)
        )
        return [Task(*row) for row in found]


def visits_to_book(record: Record, operation_id: int) -> list[tuple[str, datetime, str]]:
    """ALC-20: the visits that were cancelled to be booked anew: patient's id, time, visit type."""
    i = operation_item.c
    own_id = sa.func.coalesce(patient.c.nhs_number, patient.c.local_id)
    with record.read() as connection:
        found = connection.execute(
            sa.select(own_id, appointment.c.starts_at, appointment.c.visit_type)
            .select_from(
                operation_item.join(appointment, appointment.c.id == i.subject_id).join(
                    patient, patient.c.id == i.patient_id
                )
            )
            .where(
                i.operation_id == operation_id,
                i.field == "visit_status",
                i.new == "cancelled",
                i.outcome == WILL_CHANGE,
            )
            .order_by(appointment.c.starts_at)
        )
        return [(own, at, kind) for own, at, kind in found.tuples()]
