"""What one would type next, by how an operation stands: every sentence of these leads on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from clinic.change.core import states
from clinic.change.core.outcomes import LATER_OPERATION, RERUN
from clinic.change.kinds.table import UNDO, kind_of
from clinic.change.operations import Operation
from clinic.change.review.checklist import NOTHING, OVER_CAP
from clinic.record.database import Record
from clinic.record.schema.change import operation, operation_item

# What the checklist refused, and would refuse again: to ask for the same once more leads nowhere
_REFUSED: Final[Mapping[str, tuple[str, ...]]] = {
    NOTHING: ("cohort operations list",),
    OVER_CAP: ("cohort operations select --help", "cohort settings"),
}


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
    if (
        found.state == states.FAILED
        and found.undo_of is not None
        and (way := _undo_later(record, found))
    ):
        return way
    if found.state == states.FAILED and (steps := _REFUSED.get(found.state_reason or "")):
        return list(steps)
    if found.state in states.CLOSED or found.state == states.FAILED:
        return _again(record, number)
    return _after(record, found)


def _undo_later(record: Record, refused: Operation) -> list[str]:
    """Of an undo: the later operation that is undone first; or without whom it changed, if others are left."""
    later = sa.select(sa.func.max(sa.cast(operation_item.c.detail, sa.Integer))).where(
        operation_item.c.operation_id == refused.id, operation_item.c.outcome == LATER_OPERATION
    )
    with record.read() as connection:
        number = connection.scalar(later)
    if number is None:
        return []
    partly = f'cohort operations undo {refused.undo_of} --partly --reason "…"'
    return [
        f'cohort operations undo {number} --reason "…"',
        *([partly] if refused.will_change else []),
    ]


def _again(record: Record, number: int) -> list[str]:
    """To ask for it once more; where somebody has, what became of that."""
    asked = sa.select(sa.func.max(operation.c.id)).where(
        operation.c.rerun_of == number,
        operation.c.state.not_in(states.CLOSED),
        # One that was refused for another reason may be asked for again
        sa.or_(operation.c.state != states.FAILED, operation.c.state_reason == NOTHING),
    )
    with record.read() as connection:
        newest = connection.scalar(asked)
    if newest is not None:
        return [f"cohort operations show {newest}"]
    return [f"cohort operations rerun {number}"]


def _after(record: Record, ended: Operation) -> list[str]:
    """Those of whom something is left again; then back, if there is a way back."""
    left = sa.exists().where(
        operation_item.c.operation_id == ended.id, operation_item.c.outcome.in_(RERUN)
    )
    with record.read() as connection:
        is_left = connection.scalar(sa.select(left))
    again = _again(record, ended.id) if is_left else []
    if ended.kind != UNDO and not kind_of(ended.kind).undoable:
        return again
    return [*again, f'cohort operations undo {ended.id} --reason "…"']
