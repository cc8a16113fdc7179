"""
Which row of a bad block differs, and whose it is: by the marks that the block has of each of its rows.

A row that is there names its patient itself. One that is gone does not: it is looked for among the items
that were taken out of the chunk by their outcome, and among the patients who were selected and have no item
any more. Where that leaves several, none is named: another's name would be worse.
"""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from collections.abc import Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.audit.chain import Block
from clinic.govern.audit.faults import Fault
from clinic.govern.audit.rows import outcome_lines
from clinic.record.schema.change import operation, operation_item, selection_row


def bad_row(connection: Connection, block: Block, lines: Sequence[bytes]) -> Fault:
    """What is wrong with a block whose rows are not those that were sealed."""
    then = array("I", block.marks[: 4 * block.count])
    now = [zlib.crc32(line) for line in lines]
    change = len(now) - block.count
    code = "row-removed" if change < 0 else "row-added" if change else "row-edited"
    if code == "row-removed":
        place = _first_difference(then, now)
        place = len(now) if place is None else place
        missing = set(Counter(then) - Counter(now))
        patient = _who_is_gone(connection, block, missing)
        return Fault(code, block.stream, block.number, block.chunk, place + 1, patient)
    place = _first_stranger(then, now)
    if place is None:
        return Fault(code, block.stream, block.number, block.chunk)
    patient = orjson.loads(lines[place])[0] if block.holds == "items" else None
    return Fault(code, block.stream, block.number, block.chunk, place + 1, patient)


def _first_stranger(then: Sequence[int], now: Sequence[int]) -> int | None:
    """The index of the first row that was not sealed."""
    left = Counter(then)
    for place, mark in enumerate(now):
        if not left[mark]:
            return place
        left[mark] -= 1
    return _first_difference(then, now)  # all of them were, in another order


def _first_difference(then: Sequence[int], now: Sequence[int]) -> int | None:
    """The index of the first row whose mark differs; None: one list is the beginning of the other."""
    pairs = zip(then, now, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), None)


def _who_is_gone(connection: Connection, block: Block, missing: set[int]) -> int | None:
    if block.holds != "items" or block.operation_id is None:
        return None
    span = (block.first_patient or 0, block.last_patient or 0)
    for patient_id, line in outcome_lines(connection, block.operation_id, *span):
        if zlib.crc32(line.encode()) in missing:
            return patient_id
    item = operation_item.c
    has_item = sa.exists().where(
        item.operation_id == block.operation_id, item.patient_id == selection_row.c.patient_id
    )
    selected = (
        sa.select(selection_row.c.patient_id)
        .join(operation, operation.c.selection_id == selection_row.c.selection_id)
        .where(
            operation.c.id == block.operation_id,
            selection_row.c.outcome == "selected",
            selection_row.c.patient_id.between(*span),
            ~has_item,
        )
        .distinct()
        .limit(2)
    )
    found = connection.scalars(selected).all()
    return found[0] if len(found) == 1 else None
