"""
Locks: a patient belongs to one running operation at a time.

Taken for all patients of an operation when it begins, given back when it ends. They belong to the
operation's number, not to a process: after a kill the resumed run holds them still. The table's key is
the patient, so that two operations cannot both believe to hold one.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.change.outcomes import LOCKED, WILL_CHANGE
from clinic.record.schema.change import operation_item, operation_lock


def take_locks(connection: Connection, operation_id: int, wanted: int) -> int:
    """
    Lock the patients who will change; those whom another operation holds get the outcome `locked`
    with that operation's number. How many were locked.

    Args:
        wanted: how many there are to be locked
    """
    i = operation_item.c
    mine = sa.and_(i.operation_id == operation_id, i.outcome == WILL_CHANGE)
    patients = (
        sa.select(i.patient_id, sa.literal(operation_id))
        .where(mine)
        .distinct()
        .order_by(i.patient_id)  # the same order for everybody: no deadlock
    )
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    taken = connection.execute(
        insert(operation_lock)
        .from_select(["patient_id", "operation_id"], patients)
        .on_conflict_do_nothing(),
        execution_options={"preserve_rowcount": True},
    ).rowcount
    if taken == wanted:
        return taken
    holder = (
        sa.select(sa.cast(operation_lock.c.operation_id, sa.Text))
        .where(operation_lock.c.patient_id == operation_item.c.patient_id)
        .scalar_subquery()
    )
    others = sa.select(operation_lock.c.patient_id).where(
        operation_lock.c.operation_id != operation_id
    )
    connection.execute(
        sa.update(operation_item)
        .where(mine, i.patient_id.in_(others))
        .values(outcome=LOCKED, detail=holder)
    )
    return taken


def give_locks_back(connection: Connection, operation_id: int) -> None:
    """The operation has ended: its patients are free."""
    connection.execute(
        sa.delete(operation_lock).where(operation_lock.c.operation_id == operation_id)
    )
