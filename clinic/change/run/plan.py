"""
Plans an operation: one item for each selected patient and field, in the database, by the database.

No patient passes through this process: items are INSERT … SELECT, chunks are cut and the digest is made
from what was stored. So a million patients take as much memory as ten.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.operation_kind import ITEM_COLUMNS, Items, Plan
from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.core.states import PLANNED, REQUESTED
from clinic.change.digest import digest_of
from clinic.change.kinds.table import kind_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.change.run.undo import undo_items
from clinic.clock import Clock
from clinic.govern.audit.chain import marks_of
from clinic.record.database import Record
from clinic.record.schema.change import operation_chunk, operation_item, selection
from clinic.record.statistics import count_filled
from clinic.settings import Settings


def make_plan(record: Record, clock: Clock, settings: Settings, operation_id: int) -> None:
    """
    Plan what was requested, in one transaction; an operation that is planned stays as it is.

    Raises:
        NotFound: there is no such operation
    """
    with record.write() as connection:
        asked = find_operation(connection, operation_id, lock=True)
        if asked.state != REQUESTED:
            return
        for items in items_of(connection, clock, settings, asked):
            _fill(connection, items)
        _cut_into_chunks(connection, operation_id, settings.operations.chunk_size)
        set_state(
            connection,
            operation_id,
            PLANNED,
            planned_at=clock.now(),
            selected=_selected(connection, asked),
            will_change=_will_change(connection, operation_id),
        )
        planned = find_operation(connection, operation_id)
        seals: list[dict[str, Any]] = []
        digest = digest_of(connection, planned, seen=partial(_seal, seals))
        _keep_seals(connection, operation_id, seals)
        set_state(connection, operation_id, PLANNED, digest=digest)


def items_of(
    connection: Connection, clock: Clock, settings: Settings, asked: Operation
) -> Iterator[Items]:
    """The SELECTs that make this operation's items."""
    if asked.undo_of is not None:
        return undo_items(connection, asked)
    return kind_of(asked.kind).items(connection, plan_of(clock, settings, asked))


def plan_of(clock: Clock, settings: Settings, asked: Operation) -> Plan:
    """What its kind goes by."""
    return Plan(asked.id, asked.selection_id, asked.parameters, clock.now(), settings)


def _fill(connection: Connection, items: Items) -> None:
    written = connection.execute(
        sa.insert(operation_item).from_select(list(ITEM_COLUMNS), items),
        # Without it psycopg's count of rows is gone by the time it is asked for
        execution_options={"preserve_rowcount": True},
    )
    count_filled(connection, written.rowcount, operation_item)


def _cut_into_chunks(connection: Connection, operation_id: int, size: int) -> None:
    """Ranges of patients, `size` of whom will change."""
    changing = (
        sa.select(operation_item.c.patient_id)
        .where(
            operation_item.c.operation_id == operation_id, operation_item.c.outcome == WILL_CHANGE
        )
        .distinct()
        .subquery()
    )
    place = sa.func.row_number().over(order_by=changing.c.patient_id) - 1
    placed = sa.select(changing.c.patient_id, (place // size).label("number")).subquery()
    chunks = (
        sa.select(
            sa.literal(operation_id),
            placed.c.number + 1,
            sa.func.min(placed.c.patient_id),
            sa.func.max(placed.c.patient_id),
            sa.func.count(),
            sa.literal("planned"),
        )
        .group_by(placed.c.number)
        .order_by(placed.c.number)
    )
    columns = ["operation_id", "number", "first_patient", "last_patient", "size", "state"]
    connection.execute(sa.insert(operation_chunk).from_select(columns, chunks))


def _selected(connection: Connection, asked: Operation) -> int:
    return int(
        connection.execute(
            sa.select(selection.c.selected).where(selection.c.id == asked.selection_id)
        ).scalar_one()
    )


def _will_change(connection: Connection, operation_id: int) -> int:
    found = connection.scalar(
        sa.select(sa.func.sum(operation_chunk.c.size)).where(
            operation_chunk.c.operation_id == operation_id
        )
    )
    return int(found or 0)


def _seal(seals: list[dict[str, Any]], number: int, text: bytes, root: bytes) -> None:
    seals.append({"chunk": number, "root": root, "marks": marks_of(text)})


def _keep_seals(connection: Connection, operation_id: int, seals: list[dict[str, Any]]) -> None:
    """What is reviewed and approved is what the audit will seal, if nobody is left out until then."""
    c = operation_chunk.c
    if seals:
        connection.execute(
            sa.update(operation_chunk).where(
                c.operation_id == operation_id, c.number == sa.bindparam("chunk")
            ),
            seals,
        )
