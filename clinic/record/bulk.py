"""
Many rows in one statement, on both databases.

Rows go in by COPY on PostgreSQL and by one prepared statement on SQLite. Sets of keys go as one JSON
parameter, so that a statement's text does not depend on how many there are.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, CursorResult, Table
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from clinic.errors import RecordRefusal
from clinic.record.schema.systems.imports import import_added

if TYPE_CHECKING:
    import pandas as pd

_SQLITE = SQLiteDialect_pysqlite()
_AT_ONCE: Final = 5_000


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """
    Insert rows of values in the order of `columns`, in the caller's transaction.

    Dates are `date`, instants are aware `datetime`, truth values `bool`. A row that breaks a
    constraint fails the whole call.

    Raises:
        RecordRefusal: without the row's values
    """
    cursor = cast(Any, connection.connection.cursor())
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        with _unsaid(table), cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608  our own names
    with _unsaid(table):
        cursor.executemany(statement, _for_sqlite(table, columns, rows))


def new_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """
    So many ids that no row of the table has, for `insert_rows`: its own key, which counts up by itself.

    In a transaction that writes: on SQLite nobody else inserts until it ends, on PostgreSQL they are
    the sequence's next ones. Nor has any row had one that an import added, also where that row is no more.
    """
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        numbers = sa.func.generate_series(1, count).table_valued("n")
        query = sa.select(sa.func.nextval(sequence)).select_from(numbers)
        return [int(key) for key in connection.scalars(query)]
    added = import_added.c
    given = sa.select(sa.func.max(added.last_id)).where(added.table_name == table.name)
    highest = (sa.select(sa.func.max(table.c.id)), given)
    last = max(connection.scalar(query) or 0 for query in highest)
    return list(range(last + 1, last + 1 + count))


def update_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    only_if: str = "1=1",
) -> int:
    """
    Set `columns[1:]` of the rows whose `columns[0]`, the primary key, is given; how many there were.

    Args:
        rows: values in the order of `columns`, the key first
        only_if: a condition on the table's present values, in SQL that both databases read
    """
    if not rows:
        return 0
    key, *rest = columns
    cursor = cast(Any, connection.connection.cursor())
    if connection.dialect.name == "postgresql":
        sets = ", ".join(f"{name} = given.new_{name}" for name in rest)
        given = ", ".join(
            f"unnest(%s::{table.c[name].type.compile(connection.dialect)}[]) AS new_{name}"
            for name in columns
        )
        statement = (
            f"UPDATE {table.name} SET {sets} FROM (SELECT {given}) AS given "  # noqa: S608  our names
            f"WHERE {table.name}.{key} = given.new_{key} AND ({only_if})"
        )
        with _unsaid(table):
            cursor.execute(statement, [list(values) for values in zip(*rows, strict=True)])
    else:
        sets = ", ".join(f"{name} = ?" for name in rest)
        statement = f"UPDATE {table.name} SET {sets} WHERE {key} = ? AND ({only_if})"  # noqa: S608
        cursor.executemany(
            statement, [(*row[1:], row[0]) for row in _for_sqlite(table, columns, rows)]
        )
    return int(cursor.rowcount)


@contextlib.contextmanager
def _unsaid(table: Table) -> Iterator[None]:
    """The drivers quote the offending row in their errors: keep the kind of error alone."""
    problem = None
    try:
        yield
    except Exception as error:
        problem = type(error).__name__
    if problem:
        raise RecordRefusal("record-refused-row", f"table {table.name} refused a row ({problem})")


def _for_sqlite(
    table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """Rows as SQLAlchemy would write them, so that raw and Core rows compare alike."""
    turn = [_spelling(table.c[name]) for name in columns]
    return _spelled(turn, rows) if any(turn) else rows


def _spelled(
    turn: Sequence[Callable[[Any], Any] | None], rows: Iterable[Sequence[Any]]
) -> Iterator[Sequence[Any]]:
    """Column by column, some rows at a time: a call a cell would cost more than the insert."""
    left = iter(rows)
    while some := list(itertools.islice(left, _AT_ONCE)):
        columns = zip(turn, zip(*some, strict=True), strict=True)
        yield from zip(*(_spell(t, cells) if t else cells for t, cells in columns), strict=True)


def _spell(one: Callable[[Any], Any], cells: Sequence[Any]) -> Iterable[Any]:
    return cells if cells.count(None) == len(cells) else map(one, cells)


def _spelling(column: sa.Column[Any]) -> Callable[[Any], Any] | None:
    """How a column's values are written on SQLite; None: as they are."""
    if not isinstance(column.type, sa.Date | sa.DateTime | sa.TypeDecorator | sa.Boolean):
        return None
    spell = column.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
    # One instant is often written to a thousand rows: it is spelled once
    return functools.lru_cache(16_384)(spell) if spell else None


def plain_rows(result: CursorResult[Any]) -> list[tuple[Any, ...]]:
    """
    A query's rows as the driver gives them: dates are text on SQLite, truth values 0 and 1.

    For blocks of many rows: SQLAlchemy's own rows cost more than the query that fetches them.
    """
    rows: list[tuple[Any, ...]] = cast(Any, result.cursor).fetchall()
    result.close()
    return rows


def plain_frame(result: CursorResult[Any]) -> pd.DataFrame:
    """A query's rows as a frame of objects, a column a name; values as `plain_rows` gives them."""
    return frame_of(list(result.keys()), plain_rows(result))


def frame_of(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Rows as a frame of objects, a column a name."""
    import pandas as pd  # 80 MB, which most commands and the watch (cli/begin/watching.py) do without

    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    index = pd.RangeIndex(len(rows))  # one for all, so that none are compared
    return pd.DataFrame(
        {
            name: pd.Series(values, index, dtype=object)
            for name, values in zip(names, columns, strict=True)
        }
    )


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
    if getattr(column, "is_literal", False):  # an index of an expression serves no cast on SQLite
        value = each.c.value
    return column.in_(sa.select(value))


def given_ids(ids: Iterable[int]) -> sa.Subquery:
    """
    Numbers as rows of one parameter, `id`, each once: to join with a table that knows little of most of them.

    A join looks each up in the table's index; `is_any_of` puts them into an index of its own first, which takes
    four times as long where nothing is found.
    """
    given = json_elements(orjson.dumps(list(ids)).decode()).table_valued("value").alias("given")
    return sa.select(sa.cast(given.c.value, sa.BigInteger).label("id")).subquery("given_ids")


def among_ids(
    connection: Connection, query: sa.Select[Any], key: sa.Column[int], ids: pd.Series[int]
) -> sa.Select[Any]:
    """
    A query of rows of the key's table, for those of these ids.

    Of a table that has no more rows than there are ids, all are read: looking up each id would take longer.
    So whoever asks picks out theirs.

    Args:
        ids: some may be missing, or be there twice
    """
    more = sa.select(sa.literal(1)).select_from(key.table).offset(len(ids)).limit(1)
    if connection.scalar(more) is None:
        return query
    given = given_ids(ids.dropna().unique().tolist())
    return query.join(given, given.c.id == key)


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
