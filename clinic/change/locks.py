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
from sqlalchemy import Connection

from clinic.change.outcomes import LOCKED, WILL_CHANGE
from clinic.change.states import RUNNING
from clinic.govern.audit_chain import hold
from clinic.record.schema.change import operation, operation_item

_o, _i = operation.c, operation_item.c

# patient_id, operation_id: who is held, and by which operation. Empty while none runs
held: Final = (
    sa.select(_i.patient_id, sa.func.min(_o.id).label("operation_id"))
    .select_from(operation.join(operation_item, _i.operation_id == _o.id))
    .where(_o.state == RUNNING, _i.outcome == WILL_CHANGE)
    .group_by(_i.patient_id)
    .subquery("held")
)


def wait_to_begin(connection: Connection) -> None:
    """Until this transaction ends, no other operation begins."""
    hold(connection, "operations begin")


def leave_out_held(connection: Connection, operation_id: int) -> None:
    """
    Patients whom another operation holds get the outcome `locked`, with that operation's number.

    Call it after `wait_to_begin`, in the transaction that lets this operation run.
    """
    others = sa.select(_o.id).where(_o.state == RUNNING, _o.id != operation_id).limit(1)
    if connection.scalar(others) is None:
        return
    holder = (
        sa.select(sa.cast(held.c.operation_id, sa.Text))
        .where(held.c.patient_id == _i.patient_id)
        .scalar_subquery()
    )
    connection.execute(
        sa.update(operation_item)
        .where(
            _i.operation_id == operation_id,
            _i.outcome == WILL_CHANGE,
            _i.patient_id.in_(sa.select(held.c.patient_id)),
        )
        .values(outcome=LOCKED, detail=holder)
    )
