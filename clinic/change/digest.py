"""
The digest that an approval is bound to: SHA-256 of all that was reviewed.

It covers the request, the selection, and for each item that will change the patient, field,
old and new value and version. Made again from the database before anything is written: whatever was
changed, added or taken away since the review, by whomever, makes it differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import SELECTED, WILL_CHANGE
from clinic.change.operations import Operation
from clinic.govern.audit.rows import items_text
from clinic.record.schema.change import operation_chunk, operation_item, selection, selection_row

_BLOCK = 10_000


def digest_of(
    connection: Connection,
    planned: Operation,
    *,
    seen: Callable[[int, bytes, bytes], None] | None = None,
) -> str:
    """
    The digest of a planned operation as it stands in the database, in hexadecimal.

    Args:
        seen: is told each chunk's number, and its items and their SHA-256 as they are sealed when they
            are applied
    """
    head = {
        "operation": planned.id,
        "kind": planned.kind,
        "parameters": planned.parameters,
        "selection": planned.selection_id,
        "undo_of": planned.undo_of,
        "rerun_of": planned.rerun_of,
        "requested_by": planned.requested_by,
        "reason": planned.reason,
        "will_change": planned.will_change,
    }
    digest = hashlib.sha256(orjson.dumps(head, option=orjson.OPT_SORT_KEYS))
    digest.update(_selection(connection, planned.selection_id))
    c = operation_chunk.c
    chunks = connection.execute(
        sa.select(c.number, c.first_patient, c.last_patient)
        .where(c.operation_id == planned.id)
        .order_by(c.number)
    ).all()
    for number, first, last in chunks:
        text = items_text(connection, planned.id, first, last)
        root = hashlib.sha256(text).digest()
        digest.update(root)
        if seen is not None:
            seen(number, text, root)
    digest.update(str(_count(connection, planned.id)).encode())
    return digest.hexdigest()


def _selection(connection: Connection, selection_id: int) -> bytes:
    """Its own digest, and how many rows it has now: triggers refuse every other change of them."""
    rows = sa.select(sa.func.count()).where(selection_row.c.selection_id == selection_id)
    told = connection.execute(
        sa.select(selection.c.sha256, rows.scalar_subquery()).where(selection.c.id == selection_id)
    ).one()
    return f"{told[0]} {told[1]}".encode()


def _count(connection: Connection, operation_id: int) -> int:
    """All items that will change: one outside every chunk would be seen here."""
    found = connection.scalar(
        sa.select(sa.func.count()).where(
            operation_item.c.operation_id == operation_id, operation_item.c.outcome == WILL_CHANGE
        )
    )
    return int(found or 0)


def selection_digest(connection: Connection, selection_id: int) -> str:
    """SHA-256 over the selected patients' ids in the order of their rows."""
    c = selection_row.c
    digest = hashlib.sha256()
    joined = sa.func.string_agg(
        sa.cast(c.patient_id, sa.Text), sa.literal_column("',' ORDER BY row_number")
    )
    last = connection.scalar(
        sa.select(sa.func.max(c.row_number)).where(c.selection_id == selection_id)
    )
    for after in range(0, last or 0, _BLOCK):
        text = connection.scalar(
            sa.select(joined).where(
                c.selection_id == selection_id,
                c.row_number.between(after + 1, after + _BLOCK),
                c.outcome == SELECTED,
            )
        )
        digest.update(f"{text or ''},".encode())
    return digest.hexdigest()
