"""Tells the journal's triggers (clinic/record/edit_log.py) that an operation writes in this transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.change import operation_writing


def announce(connection: Connection, operation_id: int) -> None:
    """From here on changes are this operation's own, and no edits of others."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.select(sa.func.set_config("cohort.operation", str(operation_id), True))
        )
    else:
        connection.execute(sa.insert(operation_writing).values(operation_id=operation_id))


def withdraw(connection: Connection) -> None:
    """Others' edits are noted again. If the transaction fails instead, `announce` is undone with it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.set_config("cohort.operation", "", True)))
    else:
        connection.execute(sa.delete(operation_writing))
