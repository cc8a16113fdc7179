"""Runs the failed part of an operation again, as an operation of its own (ALC-36)."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.change.kinds import UNDO
from clinic.change.operations import Request, find_operation, insert_operation
from clinic.change.outcomes import RERUN
from clinic.change.selection import select_by_query
from clinic.change.states import DONE, DONE_WITH_CONFLICTS, FAILED
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
        if ended.state not in (DONE, DONE_WITH_CONFLICTS, FAILED):
            raise OperationRefused(
                "rerun-not-ended",
                f"operation {of} is {ended.state}: resume it instead (cohort operations resume {of})",
            )
        left = operation_item.c
        patients = sa.select(left.patient_id).where(
            left.operation_id == of,
            left.outcome.in_(RERUN) if ended.state != FAILED else sa.true(),
        )
        taken = select_by_query(
            connection, clock, settings, patients,
            source="rerun", criteria={"operation": of}, taken_by=requested_by,
        )  # fmt: skip
        return insert_operation(
            connection,
            clock,
            settings,
            Request(
                kind=ended.kind,
                parameters=ended.parameters,
                selection_id=taken.id,
                requested_by=requested_by,
                reason=ended.reason,
                request_key=request_key,
                undo_of=ended.undo_of if ended.kind == UNDO else None,
                rerun_of=of,
            ),
        )
