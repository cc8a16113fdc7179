"""What one would type next, by how an operation stands: every sentence of these leads on."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.change import states
from clinic.change.kinds import UNDO, kind_of
from clinic.change.operations import Operation
from clinic.change.outcomes import RERUN
from clinic.record.database import Record
from clinic.record.schema.change import operation_item


def next_steps(record: Record, found: Operation) -> list[str]:
    """Commands, the likeliest first; none where nothing is left to do."""
    number = found.id
    if found.state in (states.REQUESTED, states.PLANNED):
        return [f"cohort operations resume {number}", f"cohort operations withdraw {number}"]
    if found.state == states.WAITING:
        return [
            f"cohort approvals show {found.approval_id}",
            f"cohort operations withdraw {number}",
        ]
    if found.state in (states.APPROVED, states.RUNNING):
        return [f"cohort operations show {number}", f"cohort operations resume {number}"]
    if found.state in states.CLOSED or found.state == states.FAILED:
        return [f"cohort operations rerun {number}"]
    return _after(record, found)


def _after(record: Record, ended: Operation) -> list[str]:
    """Those of whom something is left again; then back, if there is a way back."""
    left = sa.exists().where(
        operation_item.c.operation_id == ended.id, operation_item.c.outcome.in_(RERUN)
    )
    with record.read() as connection:
        is_left = connection.scalar(sa.select(left))
    again = [f"cohort operations rerun {ended.id}"] if is_left else []
    if ended.kind != UNDO and not kind_of(ended.kind).undoable:
        return again
    return [*again, f'cohort operations undo {ended.id} --reason "…"']
