"""
A second approver: asks for an operation's approval, and reads what became of it.

The decision itself is made in clinic/govern/approvals/approvals.py, by a person who proves who they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.core.states import APPROVED, EXPIRED, PLANNED, REJECTED, RUNNING, WAITING
from clinic.change.kinds.table import UNDO, kind_of, words_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.clock import Clock
from clinic.govern.approval_rows import note_run
from clinic.govern.approvals.approvals import latest, request_approval
from clinic.record.database import Record
from clinic.record.schema.change import operation, operation_item
from clinic.record.schema.govern import approval
from clinic.settings import Settings

PARAMETER: Final = "parameter "  # before the name of each, in what the approver sees
_OPEN: Final = (WAITING, APPROVED)


def ask(
    record: Record, clock: Clock, settings: Settings, operation_id: int, *, flow_run_id: str | None
) -> None:
    """
    Ask for the approval of a planned operation; of one that was asked for already only the run is noted.

    Raises:
        NotAllowed: the requester is no active operator, or their role may not ask for this
    """
    with record.write() as connection:
        planned = find_operation(connection, operation_id, lock=True)
        if planned.state in _OPEN:
            open_one = latest(connection, subject="operation", subject_id=operation_id)
            if open_one is not None:
                note_run(connection, open_one, flow_run_id)
        if planned.state != PLANNED:
            return
        number = request_approval(
            connection,
            clock,
            subject="operation",
            subject_id=operation_id,
            kind=planned.kind,
            digest=planned.digest or "",
            requested_by=planned.requested_by,
            summary=counts_of(connection, planned),
            reason=planned.reason,
            flow_run_id=flow_run_id,
            expires_in=timedelta(hours=settings.operations.approval_hours),
        )
        set_state(connection, operation_id, WAITING, approval_id=number)


def answer(record: Record, clock: Clock, operation_id: int) -> str:
    """
    What became of the request: "waiting", "approved", "rejected", "expired" or "withdrawn".

    Writes the decision to the operation: rejected or expired it has then ended. One that was begun
    stays "approved".
    """
    with record.write() as connection:
        asked = find_operation(connection, operation_id, lock=True)
        if asked.state not in _OPEN:
            return APPROVED if asked.state == RUNNING else asked.state
        found = _read(connection, asked, clock.now())
        if found in _OPEN and found != asked.state:
            # Back to waiting: who approved it was disabled before it began
            set_state(connection, operation_id, found)
        if found in (REJECTED, EXPIRED):
            set_state(connection, operation_id, found, state_reason=found, finished_at=clock.now())
        return found


def why_closed(record: Record, operation_id: int) -> str:
    """
    Why an operation ended before it began, and by whom: one sentence for Prefect, which keeps it in clear.

    What they noted is their own words, and may be of a patient: it stays on the record.
    """
    with record.read() as connection:
        ended = find_operation(connection, operation_id)
        found = latest(connection, subject="operation", subject_id=operation_id)
    if ended.state == REJECTED and found is not None and found.decided_by:
        noted = f" (why: cohort approvals show {found.id})" if found.note else ""
        return f"Operation {operation_id} was rejected by {found.decided_by}{noted}"
    if ended.state == EXPIRED:
        return f"Operation {operation_id} has expired: nobody decided or began in time"
    return f"Operation {operation_id} was {ended.state} by {ended.requested_by}"


def _read(connection: Connection, asked: Operation, now: datetime) -> str:
    found = latest(connection, subject="operation", subject_id=asked.id)
    if found is None or found.state in ("void", "used"):
        return WAITING
    if found.state in _OPEN and found.expires_at <= now:
        return EXPIRED
    return found.state


def note_decisions(record: Record, clock: Clock) -> list[int]:
    """
    Write to every operation what was decided of it, if whoever decided was stopped before that.

    The numbers of those that are approved and not started.
    """
    with record.read() as connection:
        of_operation = (approval.c.subject == "operation") & (
            approval.c.subject_id == operation.c.id
        )
        decided = approval.c.state.in_((APPROVED, REJECTED, EXPIRED)) | (
            approval.c.expires_at <= clock.now()
        )
        found = connection.scalars(
            sa.select(operation.c.id)
            .join(approval, of_operation)
            .where(operation.c.state.in_(_OPEN), decided | (operation.c.state == APPROVED))
            .order_by(operation.c.id)
            .distinct()
        ).all()
    return [key for key in found if answer(record, clock, key) == APPROVED]


def counts_of(connection: Connection, planned: Operation) -> dict[str, int | str]:
    """For the approver: how many patients, how many of them cannot be changed and why. No patient."""
    found = connection.execute(
        sa.select(
            operation_item.c.outcome,
            sa.func.count(sa.distinct(operation_item.c.patient_id)),
        )
        .where(operation_item.c.operation_id == planned.id, operation_item.c.outcome != WILL_CHANGE)
        .group_by(operation_item.c.outcome)
        .order_by(operation_item.c.outcome)
    )
    private = () if planned.kind == UNDO else kind_of(planned.kind).private
    settings = {
        f"{PARAMETER}{name}": _shown(value)
        for name, value in planned.parameters.items()
        if name not in private
    }
    counts: dict[str, int | str] = {
        "selected": planned.selected,
        words_of(planned.kind).will: planned.will_change,
    }
    return counts | dict(found.tuples().all()) | settings


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
