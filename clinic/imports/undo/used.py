"""Which rows that an import added are in use: something refers to them, so that they cannot go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table

from clinic.record.bulk import is_any_of
from clinic.record.schema import METADATA
from clinic.record.schema.people import appointment_source
from clinic.record.schema.systems.imports import import_change, patient_digest

# What only says where a row came from goes with it
_OF_IMPORTS: Final = frozenset({appointment_source, patient_digest, import_change})
# Columns without a foreign key, by the name of what they mean
_NAMED: Final = {
    "patient": ("patient_id",), "appointment": ("appointment_id",),
    "provider": ("provider_id", "default_provider_id"), "facility": ("facility_id",),
}  # fmt: skip


def in_use(connection: Connection, table: Table, ids: list[int]) -> set[int]:
    """Those of these rows that another row refers to; what only says where one came from goes at once."""
    used: set[int] = set()
    for column in _references(table):
        rest = sorted(set(ids) - used)
        if not rest:
            break
        query = sa.select(column).where(is_any_of(column, rest)).distinct()
        used.update(int(key) for key in connection.scalars(query))
    free = sorted(set(ids) - used)
    for own in (appointment_source, patient_digest):
        name = f"{table.name}_id"
        if name in own.c:
            connection.execute(sa.delete(own).where(is_any_of(own.c[name], free)))
    return used


def _references(table: Table) -> Iterator[Column[int]]:
    for other in METADATA.sorted_tables:
        if other in _OF_IMPORTS:
            continue
        for column in other.c:
            if column.references(table.c.id) or (
                column.name in _NAMED.get(table.name, ()) and not column.foreign_keys
            ):
                yield column
