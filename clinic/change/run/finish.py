"""Ends an operation: its state, its follow-ups, its act in the audit trail, its locks: one transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import DONE, DONE_WITH_CONFLICTS, FAILED, RUNNING
from clinic.change.kinds.table import UNDO, kind_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.change.run.plan import plan_of
from clinic.change.run.summary import Summary, summary_of
from clinic.clock import Clock
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.change import follow_up, operation_item
from clinic.record.schema.govern import approval
from clinic.settings import Settings


def finish(record: Record, clock: Clock, settings: Settings, operation_id: int) -> Summary:
    """
    End the operation if nothing is left of it; how it stands.

    If nothing at all was applied, it has failed and changed nothing (ALC-37): its patients are free. If
    something is left after something was applied, it keeps its locks: running it again goes on.
    """
    with record.write() as connection:
        running = find_operation(connection, operation_id, lock=True)
        counts = summary_of(connection, operation_id)
        if running.state != RUNNING:
            return counts
        if counts.remaining and counts.processed:
            return counts
        state = _state(counts)
        set_state(connection, operation_id, state, finished_at=clock.now())
        if counts.applied:
            _list_follow_ups(connection, clock, settings, running)
        act = _act(connection, running, counts, state)
        record_act(connection, clock, act, rows={operation_item: [operation_id]})
        return summary_of(connection, operation_id)


def _state(counts: Summary) -> str:
    if counts.remaining:
        return FAILED
    return DONE_WITH_CONFLICTS if counts.conflicts or counts.failed else DONE


def _act(connection: Connection, ended: Operation, counts: Summary, state: str) -> Act:
    """ALC-40: who, whose approval, what, how many, why. Which patients: in the items."""
    approver = connection.scalar(
        sa.select(approval.c.decided_by).where(approval.c.id == ended.approval_id)
    )
    return Act(
        operator=ended.requested_by,
        approver=approver,
        operation_type=ended.kind,
        subject="operation",
        subject_id=ended.id,
        patients_affected=counts.applied,
        new_values=dict(ended.parameters),
        reason=ended.reason,
        outcome=state,
    )


def _list_follow_ups(
    connection: Connection, clock: Clock, settings: Settings, ended: Operation
) -> None:
    """ALC-23: what people must still do. An undo leaves nothing that its operation had not."""
    if ended.kind == UNDO:
        return
    made = kind_of(ended.kind).follow_ups(connection, plan_of(clock, settings, ended))
    if made:
        connection.execute(
            sa.insert(follow_up),
            [
                {
                    "operation_id": ended.id,
                    "code": each.code,
                    "subject": each.subject,
                    "count": each.count,
                }
                for each in made
            ],
        )
