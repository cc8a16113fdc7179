"""
The audit trail: who did what to whom, from what to what, and why (ALC-40, NEW-10).

Everything is written in the caller's transaction: what was done and its trace are one commit.
Two layers: an *act* for each thing a person or an operation did, and an *item* for each patient whose
record it changed. Items may be written by INSERT … SELECT into `audit_item` and then sealed
(`seal_chunk`); an item that was not sealed makes `verify` fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from clinic.clock import Clock, SystemClock
from clinic.govern.anchor import write_anchor
from clinic.govern.audit_chain import SYSTEM, append_block, seal
from clinic.govern.audit_rows import act_line, as_json, items_of
from clinic.govern.audit_verify import Fault, VerifyResult, verify
from clinic.record.bulk import insert_rows
from clinic.record.schema.govern import audit_act, audit_item

__all__ = [
    "CHUNK",
    "Act",
    "Fault",
    "Item",
    "VerifyResult",
    "record_act",
    "record_items",
    "seal_chunk",
    "stream_of",
    "verify",
    "write_act",
    "write_anchor",
]

CHUNK: Final = 1000  # most items a block
_MACHINE: Final = SystemClock()
_COLUMNS: Final = ("stream", "chunk", "patient_id", "old_values", "new_values")


@dataclass(frozen=True, kw_only=True)
class Act:
    """
    One row of the trail (ALC-40).

    operation_type: a kind of clinic/govern/roles.py, or what a person did: "approval.approved" …
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


@dataclass(frozen=True)
class Item:
    """One patient changed: old and new values by field; None: there was, or is, nothing."""

    patient_id: int
    old_values: Mapping[str, Any] | None
    new_values: Mapping[str, Any] | None


def stream_of(subject: str, subject_id: int | None) -> str:
    """The chain that an act on `subject` goes to: one an operation and a campaign, one for the rest."""
    return f"{subject}-{subject_id}" if subject in ("operation", "campaign") else SYSTEM


def record_act(connection: Connection, clock: Clock, act: Act) -> None:
    """
    Write one act and seal it, in the caller's transaction.

    Raises:
        RecordUnsafe: this process has not the key of this trail
    """
    write_act(connection, act, clock.now())


def write_act(connection: Connection, act: Act, now: datetime) -> None:
    """`record_act` for a caller that was handed an instant instead of a clock."""
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
    number = append_block(connection, stream=stream, sealed=seal([act_line(row)]), sealed_at=now)
    connection.execute(audit_act.insert().values(stream=stream, number=number, **row))


def record_items(
    connection: Connection,
    clock: Clock,
    *,
    stream: str,
    operation_id: int,
    chunk: int,
    items: Iterable[Item],
) -> None:
    """
    Write a chunk of patients changed and seal it, in the caller's transaction.

    Args:
        stream: of `stream_of`
        chunk: its number in the stream; each is written once
        items: at most 1,000, each patient once
    """
    rows = [
        (stream, chunk, item.patient_id, as_json(item.old_values), as_json(item.new_values))
        for item in items
    ]
    insert_rows(connection, audit_item, _COLUMNS, rows)
    seal_chunk(connection, stream=stream, operation_id=operation_id, chunk=chunk, clock=clock)


def seal_chunk(
    connection: Connection,
    *,
    stream: str,
    operation_id: int,
    chunk: int,
    clock: Clock = _MACHINE,
) -> int:
    """
    Seal the items just written for `chunk`, in the caller's transaction; how many there are.

    A chunk without items needs no block and gets none. Writers of one stream wait here for each
    other until they commit, so call it last.
    """
    rows = items_of(connection, stream, chunk)
    if not rows:
        return 0
    append_block(
        connection,
        stream=stream,
        sealed=seal(rows),
        sealed_at=clock.now(),
        operation_id=operation_id,
        chunk=chunk,
        patients=(rows[0][0], rows[-1][0]),
    )
    return len(rows)
