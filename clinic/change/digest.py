"""
The digest that an approval is bound to: SHA-256 of all that was reviewed.

It covers the request, the selection's patients, and for each item that will change the patient, field,
old and new value and version. Made again from the database before anything is written: whatever was
changed, added or taken away since the review, by whomever, makes it differ.
"""

from __future__ import annotations

import hashlib

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.operations import Operation
from clinic.change.outcomes import SELECTED, WILL_CHANGE
from clinic.record.schema.change import operation_chunk, operation_item, selection_row

_BLOCK = 10_000


def digest_of(connection: Connection, planned: Operation) -> str:
    """
    The digest of a planned operation as it stands in the database, in hexadecimal.

    The database joins a chunk's items to one text, so that this costs a microsecond an item.
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
    digest.update(selection_digest(connection, planned.selection_id).encode())
    chunks = connection.execute(
        sa.select(operation_chunk.c.first_patient, operation_chunk.c.last_patient)
        .where(operation_chunk.c.operation_id == planned.id)
        .order_by(operation_chunk.c.number)
    ).all()
    for first, last in chunks:
        digest.update(_chunk_text(connection, planned.id, first, last))
    digest.update(str(_count(connection, planned.id)).encode())
    return digest.hexdigest()


def _chunk_text(connection: Connection, operation_id: int, first: int, last: int) -> bytes:
    i = operation_item.c
    # A JSON array an item: no two lists of values look alike, and none is not the empty one
    array = (
        sa.func.json_build_array if connection.dialect.name == "postgresql" else sa.func.json_array
    )
    line = sa.cast(
        array(i.patient_id, i.field, i.subject_id, i.version_before, i.old, i.new), sa.Text
    )
    joined = sa.func.string_agg(
        line, sa.literal_column("';' ORDER BY patient_id, field, subject_id")
    )
    text = connection.scalar(
        sa.select(joined).where(
            i.operation_id == operation_id,
            i.patient_id.between(first, last),
            i.outcome == WILL_CHANGE,
        )
    )
    return (text or "").encode()


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
    digest = hashlib.sha256()
    after = 0
    while True:
        block = (
            sa.select(selection_row.c.row_number, selection_row.c.patient_id)
            .where(
                selection_row.c.selection_id == selection_id,
                selection_row.c.row_number > after,
                selection_row.c.outcome == SELECTED,
            )
            .order_by(selection_row.c.row_number)
            .limit(_BLOCK)
            .subquery()
        )
        key = sa.cast(block.c.patient_id, sa.Text)
        joined = sa.func.string_agg(key, sa.literal_column("',' ORDER BY row_number"))
        text, last = connection.execute(sa.select(joined, sa.func.max(block.c.row_number))).one()
        if last is None:
            return digest.hexdigest()
        digest.update(f"{text},".encode())
        after = last
