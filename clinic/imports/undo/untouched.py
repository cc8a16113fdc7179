"""
Which rows that an import added nobody changed since, but later imports that were put back.

A row's version counts its writes. An import that changes a row writes it once, and putting that back writes it
once a field. Where these are all, and every field is again what it was before the first of them, the row is as
the import added it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.imports.journal import from_text
from clinic.record.bulk import is_any_of
from clinic.record.schema.systems.imports import import_change, import_run


def changed_by_others(
    connection: Connection, table: Table, ids: list[int], number: int
) -> set[int]:
    """Those of these rows, which import `number` added, that others changed."""
    query = sa.select(table).where(is_any_of(table.c.id, ids), table.c.version > 1)
    rows = {int(row["id"]): row for row in connection.execute(query).mappings()}
    later = _put_back_since(connection, table, list(rows), number)
    return {key for key, row in rows.items() if not _is_as_added(table, row, later[key])}


def _put_back_since(
    connection: Connection, table: Table, ids: list[int], number: int
) -> defaultdict[int, list[Any]]:
    """What later imports changed in these rows and was put back, the oldest first."""
    c = import_change.c
    query = (
        sa.select(c.row_id, c.import_id, c.field, c.old)
        .join(import_run, import_run.c.id == c.import_id)
        .where(
            c.table_name == table.name, is_any_of(c.row_id, ids), c.import_id > number,
            import_run.c.undone_at.is_not(None),
        )
        .order_by(c.import_id)
    )  # fmt: skip
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for change in connection.execute(query):
        found[int(change.row_id)].append(change)
    return found


def _is_as_added(table: Table, row: Any, changes: list[Any]) -> bool:
    writes = len({change.import_id for change in changes}) + len(changes)
    first = {change.field: change.old for change in reversed(changes)}
    return row["version"] == 1 + writes and all(
        row[name] == from_text(old, table.c[name].type) for name, old in first.items()
    )
