"""An export's file and its trace: the SHA-256 of what was exported is audited, or it is not published."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import RUNNING
from clinic.change.export.export import write_file
from clinic.change.export.file import Written
from clinic.change.operations import Operation, find_operation, get_operation
from clinic.change.run.summary import summarize
from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.clinical import export_file
from clinic.record.schema.govern import approval
from clinic.settings import Settings


def export(record: Record, clock: Clock, settings: Settings, operation_id: int) -> Written:
    """
    Write the operation's file and note it; one that is noted already is left as it is.

    Raises:
        NotAllowed: the operation has not begun, or some of its patients are not noted in the audit trail
    """
    known = find_file(record, operation_id)
    if known is not None:
        return known
    running = get_operation(record, operation_id)
    if running.state != RUNNING or summarize(record, operation_id).remaining:
        raise NotAllowed(
            "export-not-begun",
            f"operation {operation_id} is {running.state}: its patients must be noted first; "
            f"cohort operations resume {operation_id}",
        )
    written = write_file(record, settings, operation_id, running.parameters)
    with record.write() as connection:
        _note(connection, clock, running, written)
    return written


def find_file(record: Record, operation_id: int) -> Written | None:
    """What the operation exported; None: nothing yet."""
    c = export_file.c
    with record.read() as connection:
        row = connection.execute(
            sa.select(c.name, c.sha256, c.size, c.rows).where(c.operation_id == operation_id)
        ).one_or_none()
    return None if row is None else Written(*row)


def _note(connection: Connection, clock: Clock, running: Operation, written: Written) -> None:
    """The file's row and its act: what left, on whose approval, by which fingerprint."""
    file: dict[str, Any] = {
        "name": written.name,
        "sha256": written.sha256,
        "size": written.size,
        "rows": written.rows,
    }
    locked = find_operation(connection, running.id, lock=True)
    if locked.state != RUNNING or connection.scalar(
        sa.select(export_file.c.operation_id).where(export_file.c.operation_id == running.id)
    ):
        raise NotAllowed(
            "export-twice", f"another run of operation {running.id} wrote its file: leave it to it"
        )
    connection.execute(
        sa.insert(export_file).values(operation_id=running.id, written_at=clock.now(), **file)
    )
    approver = connection.scalar(
        sa.select(approval.c.decided_by).where(approval.c.id == running.approval_id)
    )
    record_act(
        connection,
        clock,
        Act(
            operator=running.requested_by,
            approver=approver,
            operation_type="export.file",
            subject="operation",
            subject_id=running.id,
            new_values=file,
            reason=running.reason,
        ),
    )
