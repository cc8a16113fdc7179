"""
A redaction is begun with an approval that is used up, and ended when nothing is left to do.

Killed between, it goes on.

    approved ──► begun: triggers let its values become the stub ──► ended
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.approval_rows import Approval
from clinic.govern.audit.rows import as_json
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.redact.sealed import Decision
from clinic.record.schema.govern import approval, redaction


def begin_redaction(
    connection: Connection,
    clock: Clock,
    asked: Approval,
    *,
    patient_id: int | None = None,
    operation_id: int | None = None,
    who: str | None = None,
    what: str | None = None,
    removes_before: datetime | None = None,
) -> int:
    """
    Open it with the approval that this transaction has used; its number.

    Args:
        asked: of `require_approved`
        patient_id, operation_id: whose values may become the stub
        who: by which the same person is found again
        what, removes_before: of retention: which class may go, as far as it is older
    """
    values: dict[str, Any] = {
        "kind": asked.kind, "patient_id": patient_id, "operation_id": operation_id, "who": who,
        "ground": asked.reason, "approval_id": asked.id, "asked_by": asked.requested_by,
        "approved_by": asked.decided_by, "begun_at": clock.now(), "what": what,
        "removes_before": removes_before,
    }  # fmt: skip
    return insert_redaction(connection, clock, values)


def insert_redaction(connection: Connection, clock: Clock, values: dict[str, Any]) -> int:
    """Open one by all that its row says, and tell the trail."""
    made = sa.insert(redaction).values(**values).returning(redaction.c.id)
    number = int(connection.execute(made).scalar_one())
    _tell(connection, clock, number, "redaction.begun")
    return number


def end_redaction(
    connection: Connection, clock: Clock, redaction_id: int, counts: dict[str, int]
) -> None:
    """Close it: from now on the triggers keep everything again."""
    connection.execute(
        sa.update(redaction)
        .where(redaction.c.id == redaction_id)
        .values(ended_at=clock.now(), counts=as_json(counts))
    )
    _tell(connection, clock, redaction_id, "redaction.ended", counts)


def decision_of(connection: Connection, redaction_id: int) -> Decision:
    """What was decided, as its acts are to prove it."""
    query = (
        sa.select(redaction, approval.c.subject, approval.c.subject_id, approval.c.digest)
        .outerjoin(approval, approval.c.id == redaction.c.approval_id)
        .where(redaction.c.id == redaction_id)
    )
    row = connection.execute(query).one()
    return Decision(
        redaction_id=row.id, kind=row.kind,
        of=(row.subject or row.kind, row.subject_id or row.patient_id or 0),
        approval_id=row.approval_id, digest=row.digest, asked_by=row.asked_by,
        approved_by=row.approved_by, ground=row.ground, said=row.said,
    )  # fmt: skip


def open_redactions(connection: Connection) -> list[tuple[int, int | None, datetime]]:
    """Number, patient and beginning of those that were begun and not ended: each is to be run to its end."""
    c = redaction.c
    rows = connection.execute(
        sa.select(c.id, c.patient_id, c.begun_at).where(c.ended_at.is_(None)).order_by(c.id)
    )
    return [(row.id, row.patient_id, row.begun_at) for row in rows]


def _tell(
    connection: Connection,
    clock: Clock,
    redaction_id: int,
    step: str,
    counts: dict[str, int] | None = None,
) -> None:
    row = connection.execute(sa.select(redaction).where(redaction.c.id == redaction_id)).one()
    act = Act(
        operator=row.asked_by, approver=row.approved_by, operation_type=step, subject="redaction",
        subject_id=redaction_id, new_values=counts, reason=row.ground,
    )  # fmt: skip
    record_act(connection, clock, act, rows={redaction: [redaction_id]})
