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

from clinic.change.core.naming import read_names
from clinic.change.core.outcomes import (
    ALREADY_SO,
    LATER_OPERATION,
    LOCKED,
    SAYS,
    WILL_CHANGE,
)
from clinic.change.core.states import CHANGED_SOMETHING, RUNNING
from clinic.change.kinds.table import words_of
from clinic.change.operations import find_operation
from clinic.errors import NotFound
from clinic.record.database import Record
from clinic.record.schema.change import follow_up, operation_item
from clinic.record.schema.people import appointment, patient


@dataclass(frozen=True)
class Line:
    """
    One item of an operation and its patient.

    own_id: the NHS number, or the local id
    old, new: a facility, provider or tag by its code and name, all else as it is stored
    """

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
        telling = _telling(connection, operation_id)
    return [Counted(*telling.of(outcome), patients) for outcome, patients in found]


def counts_sentence(record: Record, operation_id: int) -> str:
    """
    "8 selected: 6 will be changed, 1 is so already, 1 is deceased", each patient once.

    A patient of whom something will be changed counts there, whatever stays of them.
    """
    i = operation_item.c
    own = sa.case((i.outcome == WILL_CHANGE, "0"), else_=i.outcome)
    each = (
        sa.select(sa.func.min(own).label("outcome"))
        .where(i.operation_id == operation_id)
        .group_by(i.patient_id)
        .subquery()
    )
    with record.read() as connection:
        found = find_operation(connection, operation_id)
        rows = connection.execute(
            sa.select(each.c.outcome, sa.func.count()).group_by(each.c.outcome)
        ).tuples()
        counts = dict(rows.all())
        telling = _telling(connection, operation_id)
    changed = counts.pop("0", 0)
    parts = [f"{changed:,} {telling.of(WILL_CHANGE)[1].rstrip('.').lower()}"]
    more = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts += [f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in more]
    if rest := found.selected - changed - sum(counts.values()):
        parts.append(f"{rest:,} not concerned")
    return f"{found.selected:,} selected: {', '.join(parts)}"


def read_lines(
    record: Record,
    operation_id: int,
    *,
    outcomes: Sequence[str] = (),
    limit: int = 20,
    skip: int = 0,
) -> list[Line]:
    """
    `limit` items by patient, with names and ids, after the first `skip`.

    Args:
        outcomes: only these; none: all, those who cannot be changed first, then those who can,
            and last those who need not; `changed` is `will_change`, once it is through

    Raises:
        NotFound: there is no such outcome
    """
    wanted = [WILL_CHANGE if outcome == "changed" else outcome for outcome in outcomes]
    if unknown := sorted(set(wanted) - SAYS.keys()):
        raise NotFound(
            "outcome-unknown",
            f"there is no outcome {', '.join(unknown)}; there are: changed, {', '.join(SAYS)}",
        )
    i, p = operation_item.c, patient.c
    name = sa.func.coalesce(p.given_name, "") + " " + sa.func.coalesce(p.family_name, "")
    own_id = sa.func.coalesce(p.nhs_number, p.local_id, sa.cast(i.patient_id, sa.Text))
    rank = sa.case((i.outcome == WILL_CHANGE, 1), (i.outcome == ALREADY_SO, 2), else_=0)
    lines = (
        sa.select(own_id, name, i.field, i.subject_id, i.old, i.new, i.outcome, i.detail)
        .select_from(operation_item.outerjoin(patient, p.id == i.patient_id))
        .where(i.operation_id == operation_id)
        .order_by(rank, i.patient_id, i.field, i.subject_id)
        .limit(limit)
        .offset(skip)
    )
    if wanted:
        lines = lines.where(i.outcome.in_(wanted))
    with record.read() as connection:
        found = connection.execute(lines).all()
        telling = _telling(connection, operation_id)
        names = read_names(connection)
    return [
        Line(
            own, shown, names.field(field, subject), names.value(field, old),
            names.value(field, new), *telling.of(outcome, detail),
        )
        for own, shown, field, subject, old, new, outcome, detail in found
    ]  # fmt: skip


@dataclass(frozen=True)
class _Telling:
    """How outcomes of one operation are told, by its kind and by how far it is."""

    kind: str
    state: str

    def of(self, outcome: str, detail: str | None = None) -> tuple[str, str]:
        """The code and its sentence: what was to be changed has been, once it is through."""
        words = words_of(self.kind)
        if outcome == WILL_CHANGE:
            if self.state not in CHANGED_SOMETHING:
                return outcome, f"{words.will.capitalize()}."
            begun = ", or about to be: this operation has begun" if self.state == RUNNING else ""
            return "changed", f"{words.done.capitalize()}{begun}."
        if outcome in (LOCKED, LATER_OPERATION) and detail:
            return outcome, f"{SAYS[outcome]} It is operation {detail}."
        return outcome, SAYS[outcome]


def _telling(connection: Connection, operation_id: int) -> _Telling:
    found = find_operation(connection, operation_id)
    return _Telling(found.kind, found.state)


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
    """
    ALC-20: the visits that were cancelled to be rebooked: patient's id, time, visit type.

    Raises:
        NotFound: there is no such operation
    """
    i = operation_item.c
    own_id = sa.func.coalesce(patient.c.nhs_number, patient.c.local_id)
    with record.read() as connection:
        find_operation(connection, operation_id)
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
