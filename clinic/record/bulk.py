"""
Many rows in one statement, on both databases.

Rows go in by COPY on PostgreSQL and by one prepared statement on SQLite. Sets of keys go as one JSON
parameter, so that a statement's text does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

_SQLITE = SQLiteDialect_pysqlite()


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """
    Insert rows of values in the order of `columns`, in the caller's transaction.

    Dates are `date`, instants are aware `datetime`, truth values `bool`. A row that breaks a
    constraint fails the whole call, without its values in the error.
    """
    cursor = cast(Any, connection.connection.cursor())
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    # What SQLAlchemy would write for each column, so that raw and Core rows compare alike
    turn = [
        table.c[name].type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
        if isinstance(table.c[name].type, sa.Date | sa.DateTime | sa.TypeDecorator | sa.Boolean)
        else None
        for name in columns
    ]
    if any(turn):
        rows = ([t(v) if t else v for t, v in zip(turn, row, strict=True)] for row in rows)
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608  our own names
    cursor.executemany(statement, rows)


def is_any_of(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """
    `column IN (…)` for any number of numbers or texts, with one parameter and one statement text.

    Uses the column's index on both databases.
    """
    each = (
        json_elements(orjson.dumps(list(values)).decode()).table_valued("value").alias("elements")
    )
    kind: Any = sa.BigInteger if isinstance(column.type, sa.Integer) else sa.Text
    value: ColumnElement[Any] = sa.cast(each.c.value, kind)
    return column.in_(sa.select(value))


class json_elements(GenericFunction[Any]):  # noqa: N801  it is a function, spelled as SQL spells it
    """The elements of one JSON array as rows: `json_each` on SQLite, its namesake on PostgreSQL."""

    type = sa.Text()
    inherit_cache = True


@compiles(json_elements, "sqlite")
def _json_each(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(json_elements, "postgresql")
def _json_array_elements(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json))"
