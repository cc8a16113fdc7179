"""Patients changed by an operation, as the trail keeps them, without the operation's own steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.clock import Clock
from clinic.govern.audit.trail import seal_chunk
from clinic.record.schema.change import operation, operation_chunk, operation_item, selection

ASKED = datetime(2026, 3, 2, 9, tzinfo=UTC)


def change(
    connection: Connection,
    clock: Clock,
    operation_id: int,
    chunk: int,
    patients: Iterable[int],
    *,
    field: str = "status",
    old: str | None = "active",
    new: str = "on_hold",
) -> int:
    """A chunk of an operation changes one field of these patients and is sealed; how many they are."""
    ids = sorted(patients)
    _operation(connection, operation_id)
    connection.execute(
        sa.insert(operation_chunk).values(
            operation_id=operation_id, number=chunk, first_patient=ids[0], last_patient=ids[-1],
            size=len(ids), applied=len(ids), state="applied",
        )
    )  # fmt: skip
    connection.execute(
        sa.insert(operation_item),
        [
            {
                "operation_id": operation_id, "patient_id": who, "field": field, "subject_id": 0,
                "outcome": WILL_CHANGE, "old": old, "new": new, "version_before": 1,
            }
            for who in ids
        ],
    )  # fmt: skip
    return seal_chunk(
        connection, clock, operation_id=operation_id, chunk=chunk, patients=(ids[0], ids[-1])
    )


def _operation(connection: Connection, operation_id: int) -> None:
    """The operation, if it is not there yet."""
    known = sa.select(operation.c.id).where(operation.c.id == operation_id)
    if connection.scalar(known) is not None:
        return
    connection.execute(
        sa.insert(selection).values(
            id=operation_id, source="ids", sha256="", rows=0, selected=0, taken_at=ASKED,
            taken_by="ann",
        )
    )  # fmt: skip
    connection.execute(
        sa.insert(operation).values(
            id=operation_id, request_key=f"request {operation_id}", kind="status", parameters="{}",
            selection_id=operation_id, depth=0, requested_by="ann", requested_at=ASKED, reason="r",
            state="done",
        )
    )  # fmt: skip
