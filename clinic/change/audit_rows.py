"""Writes a chunk's audit items from its operation items, by the database, and seals them (ALC-40)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.fields import Part
from clinic.change.outcomes import WILL_CHANGE
from clinic.clock import Clock
from clinic.govern.audit import seal_chunk, stream_of
from clinic.record.schema.change import operation_item
from clinic.record.schema.govern import audit_item

_COLUMNS = ["stream", "chunk", "patient_id", "old_values", "new_values"]


def write_items(
    connection: Connection, clock: Clock, part: Part, number: int, *, several: bool
) -> int:
    """
    One audit item for each patient changed, with old and new values by field, sealed; how many.

    Args:
        several: patients may have several items, which are put together into one object
    """
    i = operation_item.c
    stream = stream_of("operation", part.operation_id)
    # A tag's and a visit's key stands behind the field: "tag:3"
    key = sa.case(
        (i.subject_id == 0, i.field), else_=i.field + ":" + sa.cast(i.subject_id, sa.Text)
    )
    together = _object_function(connection.dialect.name, several=several)
    items = sa.select(
        sa.literal(stream),
        sa.literal(number),
        i.patient_id,
        sa.cast(together(key, i.old), sa.Text),
        sa.cast(together(key, i.new), sa.Text),
    ).where(part.items(), i.outcome == WILL_CHANGE)
    if several:
        items = items.group_by(i.patient_id)
    items = items.order_by(i.patient_id)
    connection.execute(sa.insert(audit_item).from_select(_COLUMNS, items))
    return seal_chunk(
        connection, stream=stream, operation_id=part.operation_id, chunk=number, clock=clock
    )


def _object_function(dialect: str, *, several: bool) -> sa.sql.functions._FunctionGenerator:
    """What makes a JSON object of a key and a value, or of all those of a group."""
    if dialect == "postgresql":
        return sa.func.jsonb_object_agg if several else sa.func.jsonb_build_object
    return sa.func.json_group_object if several else sa.func.json_object
