"""
The audit trail: who did what to whom, from what to what, and why (ALC-40, NEW-10).

Everything is written in the caller's transaction: what was done and its trace are one commit.
Two layers: an *act* for each thing a person or an operation did, and an *item* for each field of a patient
that it changed: the operation's own before-image, sealed where it stands (clinic/govern/audit/rows.py).
An item that was applied and not sealed makes `verify` fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.audit.anchor import write_anchor
from clinic.govern.audit.chain import SYSTEM, Seal, append_block, seal, seal_text
from clinic.govern.audit.faults import Fault
from clinic.govern.audit.rows import act_line, as_json, items_text, patients_changed
from clinic.govern.audit.seals import Rows, digest_of, keep_marks, marks_of_rows
from clinic.govern.audit.verify import VerifyResult, verify
from clinic.govern.tied import OF_PEOPLE, require_person, require_subject
from clinic.record.schema.govern import approval, audit_act, operator

NO_ROWS: Final[Rows] = {}

__all__ = [
    "Act",
    "Fault",
    "Rows",
    "VerifyResult",
    "record_act",
    "seal_chunk",
    "stream_of",
    "verify",
    "write_act",
    "write_anchor",
]


@dataclass(frozen=True, kw_only=True)
class Act:
    """
    One row of the trail (ALC-40).

    operation_type: a kind of clinic/govern/people/roles.py, or what a person did: "approval.approved" …
    patients_affected: how many; which ones is in the items
    old_values, new_values: of the act as a whole, without a patient's values; each patient's own
        are in the items
    subject, subject_id: what it was done to: "operation" 7, "campaign" 3, "approval" 12, "operator"
    outcome: "done", "refused", … a code
    timestamp: None: now
    """

    operator: str
    operation_type: str
    subject: str
    subject_id: int | None = None
    approver: str | None = None
    patients_affected: int = 0
    old_values: Mapping[str, Any] | None = None
    new_values: Mapping[str, Any] | None = None
    reason: str | None = None
    outcome: str = "done"
    timestamp: datetime | None = None


def stream_of(subject: str, subject_id: int | None) -> str:
    """The chain that an act on `subject` goes to: one an operation and a campaign, one for the rest."""
    return f"{subject}-{subject_id}" if subject in ("operation", "campaign") else SYSTEM


def record_act(connection: Connection, clock: Clock, act: Act, *, rows: Rows = NO_ROWS) -> None:
    """
    Write one act and seal it, in the caller's transaction.

    Args:
        rows: keys of rows of sealed tables (tables.py) that this transaction has written; they are
            sealed as they are now. The row of an act on an approval or an operator is so by itself.
            Whatever writes such a row tells it here, or `verify` names it

    Raises:
        RecordUnsafe: this process has not the key of this trail
        NotAllowed: it is of patients of other facilities than those that who acts, or approves, is tied to
    """
    write_act(connection, act, clock.now(), rows=rows)


def write_act(connection: Connection, act: Act, now: datetime, *, rows: Rows = NO_ROWS) -> None:
    """`record_act` for a caller that was handed an instant instead of a clock."""
    if act.outcome == "done":  # what was refused, or found, is told whosever it is
        for name in filter(None, (act.operator, act.approver)):
            require_subject(connection, name, act.subject, act.subject_id, step=act.operation_type)
        if act.subject in OF_PEOPLE and act.new_values and "name" in act.new_values:
            require_person(connection, act.operator, act.new_values["name"])
    row: dict[str, Any] = {
        "timestamp": (act.timestamp or now).astimezone(UTC),
        "operator": act.operator,
        "approver": act.approver,
        "operation_type": act.operation_type,
        "patients_affected": act.patients_affected,
        "old_values": as_json(act.old_values),
        "new_values": as_json(act.new_values),
        "reason": act.reason,
        "subject": act.subject,
        "subject_id": act.subject_id,
        "outcome": act.outcome,
    }
    stream = stream_of(act.subject, act.subject_id)
    marks = marks_of_rows(connection, {**_rows_of(act), **rows})
    sealed = seal([act_line(row)])
    sealed = replace(sealed, marks=sealed.marks + digest_of(marks))
    number = append_block(connection, stream=stream, sealed=sealed, sealed_at=now)
    connection.execute(audit_act.insert(), {"stream": stream, "number": number, **row})
    keep_marks(connection, stream, number, marks)


def _rows_of(act: Act) -> Rows:
    """The row that an act on an approval or an operator has always just written; of a refused try, none."""
    if act.outcome != "done":
        return NO_ROWS
    if act.subject == "approval" and act.subject_id is not None:
        return {approval: [act.subject_id]}
    if act.subject == "operator" and act.new_values and "name" in act.new_values:
        return {operator: [act.new_values["name"]]}
    return NO_ROWS


def seal_chunk(
    connection: Connection,
    clock: Clock,
    *,
    operation_id: int,
    chunk: int,
    patients: tuple[int, int],
    approved: Seal | None = None,
) -> int:
    """
    Seal what a chunk of an operation changed, in the caller's transaction; how many patients those are.

    A chunk that changed nothing needs no block and gets none. Writers of one stream wait here for each
    other until they commit, so call it last.

    Args:
        patients: the first and the last of the chunk
        approved: the seal of the whole chunk as it was approved, if everybody in it was changed as
            was approved; None: read what was
    """
    first, last = patients
    if approved is None:
        sealed = seal_text(items_text(connection, operation_id, first, last))
        count, first, last = patients_changed(connection, operation_id, first, last)
    else:
        sealed, count = approved, approved.count
    if not sealed.count:
        return 0
    append_block(
        connection,
        stream=stream_of("operation", operation_id),
        sealed=sealed,
        sealed_at=clock.now(),
        operation_id=operation_id,
        chunk=chunk,
        patients=(first, last),
    )
    return count
