"""
What was asked for and is not wanted any more: withdrawn by whoever asked, or closed on schedule.

Only before anything has begun: what runs is put back by an undo.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from clinic.change.core.states import BEFORE, EXPIRED, PLANNED, REQUESTED, WITHDRAWN
from clinic.change.operations import find_operation, set_state
from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approval_rows import act_on, latest, move
from clinic.govern.audit.trail import record_act
from clinic.record.database import Record
from clinic.record.schema.change import operation
from clinic.settings import Settings

NOT_ASKED = "not-asked-for"  # nobody asked for its approval in time


def withdraw(record: Record, clock: Clock, operation_id: int, *, by: str) -> None:
    """
    Take a request back; one that was withdrawn already is left as it is.

    Args:
        by: the name of a proven operator

    Raises:
        NotFound: there is no such operation
        NotAllowed: another person asked for it, or it has begun or ended
    """
    with record.write() as connection:
        asked = find_operation(connection, operation_id, lock=True)
        if asked.requested_by != by:
            raise NotAllowed(
                "withdraw-other",
                f"{asked.requested_by} asked for operation {operation_id} and alone may withdraw it; "
                f"another person may reject it: cohort operations show {operation_id}",
            )
        if asked.state == WITHDRAWN:
            return
        if asked.state not in BEFORE:
            raise NotAllowed(
                "withdraw-begun",
                f"operation {operation_id} is {asked.state} and cannot be withdrawn any more; "
                f"see: cohort operations show {operation_id}",
            )
        now = clock.now()
        open_one = latest(connection, subject="operation", subject_id=operation_id)
        if open_one is not None and open_one.state in ("waiting", "approved"):
            move(connection, open_one, "void", now=now)
            record_act(connection, clock, act_on(open_one, "withdrawn", operator=by))
        set_state(connection, operation_id, WITHDRAWN, state_reason=None, finished_at=now)


def expire_plans(record: Record, clock: Clock, settings: Settings) -> int:
    """Close what was planned, and whose approval nobody asked for as long as one waits; how many."""
    oldest = clock.now() - timedelta(hours=settings.operations.approval_hours)
    with record.write() as connection:
        return connection.execute(
            sa.update(operation)
            .where(operation.c.state.in_((REQUESTED, PLANNED)), operation.c.requested_at <= oldest)
            .values(state=EXPIRED, state_reason=NOT_ASKED, finished_at=clock.now())
        ).rowcount
