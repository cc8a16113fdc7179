"""How operations stand that are not at their good end: for the day's overview."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from clinic.change.core import states
from clinic.change.operations import Operation, operation_of
from clinic.record.database import Record
from clinic.record.schema.change import operation

RECENT: Final = timedelta(days=1)
BAD: Final = frozenset({states.FAILED, states.DONE_WITH_CONFLICTS})


def operations_now(record: Record, now: datetime) -> list[Operation]:
    """
    Those that have not ended, and those of the last day that failed or changed not everybody.

    What was asked for again since is told of there.
    """
    c = operation.c
    again = sa.alias(operation)
    followed = sa.exists().where(sa.or_(again.c.rerun_of == c.id, again.c.undo_of == c.id))
    query = (
        sa.select(operation)
        .where(
            sa.or_(
                c.state.in_(states.BEFORE | {states.RUNNING}),
                c.state.in_(BAD) & (c.finished_at >= now - RECENT) & ~followed,
            )
        )
        .order_by(c.id)
    )
    with record.read() as connection:
        return [operation_of(row) for row in connection.execute(query).mappings()]
