"""
Two persons: asks for an operation's approval, and reads what became of it.

The decision itself is made in clinic/govern/approvals.py, by a person who proves who they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.kinds import UNDO, kind_of, words_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.change.outcomes import WILL_CHANGE
from clinic.change.states import EXPIRED, PLANNED, REJECTED, RUNNING, WAITING
from clinic.clock import Clock
from clinic.govern.approvals import latest, request_approval
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.settings import Settings

APPROVED = "approved"


def ask(
    record: Record, clock: Clock, settings: Settings, operation_id: int, *, flow_run_id: str | None
) -> None:
    """
    Ask for the approval of a planned operation; one that was asked for already is left as it is.

    Raises:
        NotAllowed: the requester is no active operator, or their role may not ask for this
    """
    with record.write() as connection:
        planned = find_operation(connection, operation_id, lock=True)
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
    What became of the request: "waiting", "approved", "rejected" or "expired".

    Writes a rejection or an expiry to the operation, which has then ended. One that was begun stays
    "approved".
    """
    with record.write() as connection:
        asked = find_operation(connection, operation_id, lock=True)
        if asked.state != WAITING:
            return APPROVED if asked.state == RUNNING else asked.state
        found = _read(connection, asked, clock.now())
        if found in (REJECTED, EXPIRED):
            set_state(connection, operation_id, found, state_reason=found, finished_at=clock.now())
        return found


def _read(connection: Connection, asked: Operation, now: datetime) -> str:
    found = latest(connection, subject="operation", subject_id=asked.id)
    if found is None or found.state in ("void", "used"):
        return WAITING
    if found.state == "waiting" and found.expires_at <= now:
        return EXPIRED
    return found.state


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
        f"parameter {name}": _shown(value)
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
