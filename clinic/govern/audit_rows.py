"""The rows that blocks seal, as stored and in the one order that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson
from sqlalchemy import Connection

from clinic.record.schema.govern import audit_act

# What an act's seal covers, in this order: everything but where it stands
_ACT: Final = tuple(c.name for c in audit_act.c if c.name not in ("stream", "number"))
_ITEMS: Final = {
    "sqlite": "SELECT patient_id, old_values, new_values FROM audit_item "
    "WHERE stream = ? AND chunk = ? ORDER BY patient_id",
    "postgresql": "SELECT patient_id, old_values, new_values FROM audit_item "
    "WHERE stream = %s AND chunk = %s ORDER BY patient_id",
}


def items_of(connection: Connection, stream: str, chunk: int) -> list[tuple[Any, ...]]:
    """(patient_id, old_values, new_values) of a chunk, as stored, in the order they are sealed in."""
    # The driver's own cursor: a Row object for each patient would double the time
    cursor = cast(Any, connection.connection.cursor())
    cursor.execute(_ITEMS[connection.dialect.name], (stream, chunk))
    return cast(list[tuple[Any, ...]], cursor.fetchall())


def act_line(row: Mapping[str, Any]) -> list[Any]:
    """An act as it is sealed."""
    return [row[name] for name in _ACT]


def as_json(values: Mapping[str, Any] | None) -> str | None:
    """An object as stored: keys sorted, so that equal values are equal texts."""
    if values is None:
        return None
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS).decode()
