"""Runs the failed part of an operation again, as an operation of its own (ALC-36)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import RERUN
from clinic.change.core.states import CLOSED, ENDED, FAILED
from clinic.change.kinds.table import UNDO
from clinic.change.operations import Operation, Request, find_operation, insert_operation
from clinic.change.selection.selection import select_by_query
from clinic.clock import Clock
from clinic.errors import OperationRefused
from clinic.record.database import Record
from clinic.record.schema.change import operation, operation_item
from clinic.settings import Settings


def request_rerun(
    record: Record,
    clock: Clock,
    settings: Settings,
    *,
    of: int,
    requested_by: str,
    request_key: str,
) -> int:
    """
    Ask for the same operation again for those patients of it who were locked, changed by somebody else
    meanwhile, or refused by the database; the new operation's id. It needs an approval of its own.
    One that was closed before it began is asked for again as a whole.

    Raises:
        NotFound: there is no such operation
        OperationRefused: it has not ended (a run that stopped is started again instead), or nothing
            of it is left
    """
    with record.write() as connection:
        ended = find_operation(connection, of, lock=True)
        known = connection.scalar(
            sa.select(operation.c.id).where(operation.c.request_key == request_key)
        )
        if known is not None:
            return int(known)
        if ended.state not in ENDED:
            raise OperationRefused(
                "rerun-not-ended",
                f"operation {of} is {ended.state}, so there is nothing to ask for again; "
                f"what it waits for: cohort operations show {of}",
            )
        return insert_operation(
            connection,
            clock,
            settings,
            Request(
                kind=ended.kind,
                parameters=ended.parameters,
                selection_id=_whom(connection, clock, settings, ended, requested_by),
                requested_by=requested_by,
                reason=ended.reason,
                request_key=request_key,
                undo_of=ended.undo_of if ended.kind == UNDO else None,
                rerun_of=of,
            ),
        )


def _whom(
    connection: Connection, clock: Clock, settings: Settings, ended: Operation, by: str
) -> int:
    """The selection: the same where nothing had begun, else those of whom something is left."""
    if ended.state in CLOSED:
        return ended.selection_id
    left = operation_item.c
    everybody = ended.state == FAILED
    patients = sa.select(left.patient_id).where(
        left.operation_id == ended.id, sa.true() if everybody else left.outcome.in_(RERUN)
    )
    if not connection.scalar(sa.select(patients.exists())):
        raise OperationRefused(
            "rerun-nothing",
            f"nothing is left of operation {ended.id}: everybody was changed, or need not be; "
            f"to put it back: cohort operations undo {ended.id} --reason …",
        )
    taken = select_by_query(
        connection, clock, settings, patients,
        source="rerun", criteria={"operation": ended.id}, taken_by=by,
    )  # fmt: skip
    return taken.id
