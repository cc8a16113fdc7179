"""
The checklist before anything is run (ALC-34), computed and shown to the approver.

Not one box is ticked by a person: each is a question to the database, asked when it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.digest import digest_of
from clinic.change.kinds import UNDO, kind_of, words_of
from clinic.change.locks import holder_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.change.outcomes import LATER_OPERATION, LOCKED, WILL_CHANGE
from clinic.change.states import FAILED, PLANNED
from clinic.clock import Clock
from clinic.errors import OperationRefused
from clinic.govern.operators import find_operator
from clinic.govern.roles import may
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.settings import Settings

# ALC-46
CAUTION = (
    "Bulk operations affect many records and cannot easily be undone. "
    "Look at the numbers and the list before you decide."
)


@dataclass(frozen=True)
class Check:
    """
    One point of the checklist.

    holds: None: it does not apply
    stops: whether nothing is run unless it holds; else it is a warning
    """

    code: str
    holds: bool | None
    says: str
    stops: bool = True


def checklist(record: Record, settings: Settings, operation_id: int) -> list[Check]:
    """
    Every point, as things stand now.

    Raises:
        NotFound: there is no such operation
    """
    with record.read() as connection:
        return _checks(connection, settings, find_operation(connection, operation_id))


def require_ready(record: Record, clock: Clock, settings: Settings, operation_id: int) -> None:
    """
    Refuse a planned operation of which a point stops it: it has then failed, and changed nothing.

    Raises:
        OperationRefused: the first point that does not hold
    """
    with record.write() as connection:
        planned = find_operation(connection, operation_id, lock=True)
        if planned.state != PLANNED:
            return
        stop = _first_stop(_checks(connection, settings, planned))
        if stop is not None:
            set_state(
                connection, operation_id, FAILED, state_reason=stop.code, finished_at=clock.now()
            )
    if stop is not None:  # only now: what became of it is committed
        raise OperationRefused(stop.code, stop.says)


def _first_stop(checks: list[Check]) -> Check | None:
    return next((check for check in checks if check.stops and check.holds is False), None)


def _checks(connection: Connection, settings: Settings, planned: Operation) -> list[Check]:
    cap = settings.operations.cap
    return [
        Check(
            "nothing-to-change",
            planned.will_change > 0,
            f"{planned.will_change:,} of {planned.selected:,} selected patients "
            f"{words_of(planned.kind).will}",
        ),
        Check("over-the-cap", planned.selected <= cap, f"at most {cap:,} patients are selected"),
        Check(
            "review-changed",
            planned.digest is not None and digest_of(connection, planned) == planned.digest,
            "selection and plan are as they were planned",
        ),
        _requester(connection, planned),
        Check("reason-missing", bool(planned.reason), "a reason is given"),
        _locks(connection, planned),
        _later(connection, planned),
        _undoable(planned),
    ]


def _requester(connection: Connection, planned: Operation) -> Check:
    person = find_operator(connection, planned.requested_by)
    allowed = person is not None and person.active and may(person.role, "request", planned.kind)
    return Check("requester-may", allowed, "the requester's role may ask for this")


def _locks(connection: Connection, planned: Operation) -> Check:
    is_held = holder_of(operation_item.c.patient_id).is_not(None)
    count = _patients(
        connection,
        planned,
        sa.or_(
            operation_item.c.outcome == LOCKED,
            sa.and_(operation_item.c.outcome == WILL_CHANGE, is_held),
        ),
    )
    return Check(
        "patients-locked",
        count == 0,
        f"{count:,} patients are being changed by another operation: they are left out and listed",
        stops=False,
    )


def _later(connection: Connection, planned: Operation) -> Check:
    """Undo in reverse order: what a later operation changed is put back by undoing that one first."""
    if planned.kind != UNDO:
        return Check("undo-later-operation", None, "no undo")
    later = operation_item.c.outcome == LATER_OPERATION
    count = _patients(connection, planned, later)
    newest = connection.scalar(
        sa.select(sa.func.max(sa.cast(operation_item.c.detail, sa.Integer))).where(
            operation_item.c.operation_id == planned.id, later
        )
    )
    return Check(
        "undo-later-operation",
        count == 0,
        f"{count:,} patients were changed by a later operation"
        + (f": undo operation {newest} first, or leave them out (--partly)" if count else ""),
        stops=not planned.parameters.get("partly"),
    )


def _undoable(planned: Operation) -> Check:
    if planned.kind == UNDO or kind_of(planned.kind).undoable:
        return Check("undo", True, "it can be undone: old values are kept for each patient")
    return Check("undo", None, "it cannot be undone (N/A): what leaves cannot be called back")


def _patients(connection: Connection, planned: Operation, which: ColumnElement[bool]) -> int:
    found = connection.scalar(
        sa.select(sa.func.count(sa.distinct(operation_item.c.patient_id))).where(
            operation_item.c.operation_id == planned.id, which
        )
    )
    return int(found or 0)
