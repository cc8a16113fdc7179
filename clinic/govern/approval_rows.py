"""An approval as it is read, and the two writings of each of its steps: its state and its act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act
from clinic.record.schema.govern import approval

State = Literal["waiting", "approved", "rejected", "used", "void", "expired"]


@dataclass(frozen=True, kw_only=True)
class Approval:
    """
    A request for approval and its answer.

    subject, subject_id: what waits for it: "operation" 7, "campaign" 3
    kind: of clinic/govern/people/roles.py: decides whose approval it needs
    digest: SHA-256 (hexadecimal) of all that was reviewed
    summary: counts and codes for the approver, without a patient's values
    """

    id: int
    subject: str
    subject_id: int
    kind: str
    digest: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    summary: Mapping[str, int | str]
    reason: str
    flow_run_id: str | None
    state: State
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    used_at: datetime | None


def approval_of(row: sa.RowMapping) -> Approval:
    """The row as a value."""
    return Approval(**{**row, "summary": orjson.loads(row["summary"])})


def latest(connection: Connection, *, subject: str, subject_id: int) -> Approval | None:
    """The newest request for this subject, whatever became of it; locked until the transaction ends."""
    c = approval.c
    query: sa.Select[Any] = (
        sa.select(approval)
        .where(c.subject == subject, c.subject_id == subject_id)
        .order_by(c.id.desc())
        .limit(1)
        .with_for_update()
    )
    row = connection.execute(query).mappings().first()
    return approval_of(row) if row else None


def existing(connection: Connection, approval_id: int) -> Approval:
    """
    This approval, locked until the transaction ends.

    Raises:
        NotFound: there is none of this number
    """
    query = sa.select(approval).where(approval.c.id == approval_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(
            "approval-unknown", f"there is no approval {approval_id}; see: cohort approvals"
        )
    return approval_of(row)


def why_closed(asked: Approval, now: datetime) -> NotAllowed | None:
    """Why nobody can answer this request any more; None: it waits."""
    if asked.state != "waiting":
        return NotAllowed("approval-decided", f"it is decided already: {asked.state}")
    if asked.expires_at <= now:
        return NotAllowed("approval-expired", "the approval has expired: ask again")
    return None


def move(
    connection: Connection,
    asked: Approval,
    state: State,
    *,
    now: datetime,
    decided_by: str | None = None,
    note: str | None = None,
) -> None:
    """The one writer of an approval's state."""
    values: dict[str, Any] = {"state": state}
    if decided_by is not None:
        values |= {"decided_by": decided_by, "decided_at": now, "note": note}
    if state == "used":
        values["used_at"] = now
    connection.execute(
        approval.update()
        .where(approval.c.id == asked.id, approval.c.state == asked.state)
        .values(**values)
    )


def reopen(connection: Connection, decided_by: str) -> list[Approval]:
    """
    Let requests that this person approved, and whose work has not begun, wait for another again.

    The caller writes the acts.
    """
    c = approval.c
    chosen = (c.state == "approved") & (c.decided_by == decided_by)
    found = connection.execute(sa.select(approval).where(chosen).order_by(c.id)).mappings()
    reopened = [approval_of(row) for row in found]
    connection.execute(
        approval.update()
        .where(chosen)
        .values(state="waiting", decided_by=None, decided_at=None, note=None)
    )
    return reopened


def open_requests_of(connection: Connection, requested_by: str) -> list[Approval]:
    """What this person asked for that waits, or is approved and has not begun; locked."""
    c = approval.c
    found = connection.execute(
        sa.select(approval)
        .where(c.requested_by == requested_by, c.state.in_(("waiting", "approved")))
        .order_by(c.id)
        .with_for_update()
    ).mappings()
    return [approval_of(row) for row in found]


def note_run(connection: Connection, asked: Approval, flow_run_id: str | None) -> None:
    """The run that waits for this decision, once there is one; it is no part of what is sealed."""
    if flow_run_id is not None and flow_run_id != asked.flow_run_id:
        connection.execute(
            approval.update().where(approval.c.id == asked.id).values(flow_run_id=flow_run_id)
        )


def bound(asked: Approval) -> dict[str, Any]:
    """What an act on an approval says of it."""
    return {
        "subject": asked.subject,
        "subject_id": asked.subject_id,
        "kind": asked.kind,
        "digest": asked.digest,
        "expires_at": asked.expires_at.isoformat(),
    }


def act_on(
    asked: Approval,
    step: str,
    *,
    operator: str,
    approver: str | None = None,
    reason: str | None = None,
    outcome: str = "done",
) -> Act:
    """The act of one step of an approval. `reason`: None: the request's own."""
    return Act(
        operator=operator,
        approver=approver,
        operation_type=f"approval.{step}",
        subject="approval",
        subject_id=asked.id,
        new_values=bound(asked),
        reason=asked.reason if reason is None else reason,
        outcome=outcome,
    )
