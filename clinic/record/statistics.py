"""
What PostgreSQL believes of tables that were just filled: it is told, before they are joined.

Its statistics are made by a process of its own, some minutes later. Until then a table that was counted
while it was empty is read as if it were, row by row for each row of another: 10,000 visits took 80 s
instead of 2. So whoever writes many rows has exactly those tables counted, in the transaction that filled
them: ANALYZE reads a sample, however large they are, and sees the transaction's own rows.

A table that another transaction counts at that moment is passed over: nobody waits. SQLite needs none.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, Table

MANY: Final = 1000  # fewer cost less to read badly than to count

# Rows that the planner expects: as many a page as it counted, for the pages that there are now
_BELIEF: Final = sa.text(
    "SELECT relname, relpages, reltuples, pg_relation_size(oid) "
    "/ current_setting('block_size')::int AS pages FROM pg_class WHERE oid = ANY"
    "(ARRAY(SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name))"
)


def count_filled(connection: Connection, rows: int, *tables: Table) -> None:
    """A fill of so many rows is whole: new keys have come, which the statistics do not know."""
    if rows >= MANY:
        _analyze(connection, [table.name for table in tables])


def count_grown(connection: Connection, *tables: Table) -> None:
    """A part of a fill is in: count those tables that are twice as large as they were counted, or more."""
    if connection.dialect.name != "postgresql":
        return
    found = connection.execute(_BELIEF, {"names": [table.name for table in tables]})
    _analyze(
        connection,
        [
            row.relname
            for row in found
            if row.pages > 2 * row.relpages or (row.pages and row.reltuples <= 0)
        ],
    )


def _analyze(connection: Connection, names: list[str]) -> None:
    if names and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {', '.join(names)}")
