"""
Locks: a patient belongs to one running operation at a time.

Nothing is written to hold one. An operation that is `running` holds the patients of its items that will
change, or have been changed; when it ends they are free. So a lock cannot be lost or left behind, and
belongs to the operation's number and not to a process: after a kill the resumed run holds it still.
Operations begin one after the other, so that no two of them can both find a patient free.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.core.outcomes import LOCKED, WILL_CHANGE
from clinic.change.core.states import RUNNING
from clinic.govern.audit.chain import hold
from clinic.record.schema.change import operation, operation_item

_i = operation_item.c
_running = operation.alias("running")
_RUNNING: Final = sa.select(_running.c.id).where(_running.c.state == RUNNING).correlate(None)
_ONE_RUNS: Final = _RUNNING.exists()


def holder_of(patient_id: ColumnElement[int]) -> ColumnElement[int]:
    """The running operation that holds the patient; null: none does. Costs nothing while none runs."""
    item = operation_item.alias("held")
    holder = sa.select(sa.func.min(item.c.operation_id)).where(
        item.c.patient_id == patient_id,
        item.c.outcome == WILL_CHANGE,
        item.c.operation_id.in_(_RUNNING),
    )
    return sa.case((_ONE_RUNS, holder.correlate_except(item).scalar_subquery()))


def wait_to_begin(connection: Connection) -> None:
    """Until this transaction ends, no other operation begins."""
    hold(connection, "operations begin")


def leave_out_held(connection: Connection, operation_id: int) -> None:
    """
    Patients whom another operation holds get the outcome `locked`, with that operation's number.

    Call it after `wait_to_begin`, in the transaction that lets this operation run, before it does.
    """
    if not connection.scalar(sa.select(_ONE_RUNS)):
        return
    holder = holder_of(_i.patient_id)
    connection.execute(
        sa.update(operation_item)
        .where(_i.operation_id == operation_id, _i.outcome == WILL_CHANGE, holder.is_not(None))
        .values(outcome=LOCKED, detail=sa.cast(holder, sa.Text))
    )
