"""
Rows that an act of the trail seals where they stand: keys and marks, never a value.

    audit_act ── block ──► digest of ──► audit_row_seal    table, keys, 16 bytes a row

A mark is a keyed digest of a row's columns: eight bytes of those that never change (`fixed`), eight of
those that do (`moving`). Whoever writes such a row hands its key to `record_act` in the same transaction;
the newest mark of a key is what the row must be, and what was fixed once must be so in each. Which tables
are sealed so, and why others are not: tables.py. Read again by seal_verify.py.
"""

from __future__ import annotations

import functools
import hashlib
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.govern.audit.rows import json_line
from clinic.govern.audit.tables import SEALED, Key, Row, Whole
from clinic.record.bulk import is_any_of, plain_rows
from clinic.record.database import key_of
from clinic.record.schema.govern import audit_row_seal
from clinic.record.types import UtcDateTime

HALF: Final = 8  # bytes of each half of a mark
Rows = Mapping[sa.Table, Collection[Key]]  # table → keys of the rows an act speaks of


@dataclass(frozen=True)
class Marks:
    """Keys of one table and their marks, in the order of the keys."""

    table: str
    keys: bytes
    marks: bytes

    def pairs(self) -> Iterator[tuple[Key, bytes]]:
        """Key and mark of each row."""
        for place, key in enumerate(unpack_keys(self.keys)):
            yield key, self.marks[place * 2 * HALF : (place + 1) * 2 * HALF]


def marks_of_rows(connection: Connection, rows: Rows) -> list[Marks]:
    """The marks of these rows as they are now, a table each; rows that are not there have none."""
    found = []
    for table, keys in sorted(rows.items(), key=lambda item: item[0].name):
        if keys:
            made = dict(read_marks(connection, table, keys))
            ordered = sorted(made, key=str if isinstance(next(iter(keys)), str) else None)
            found.append(
                Marks(table.name, _pack_keys(ordered), b"".join(made[key] for key in ordered))
            )
    return found


def read_marks(
    connection: Connection,
    table: sa.Table,
    keys: Collection[Key] | None = None,
    *where: ColumnElement[bool],
    limit: int | None = None,
) -> Iterator[tuple[Key, bytes]]:
    """Key and mark of rows as they are now; None: of all that `where` finds, by key."""
    spec = SEALED[table.name]
    if isinstance(spec, Whole):
        for key in keys or ():
            yield key, _mark_of_whole(connection, spec, key)
        return
    column, values = table.c[spec.key], {}
    query = _lines(table.name, connection.dialect.name)
    if keys is not None and (ends := _range_of(keys)):
        query, values = _lines_between(table.name, connection.dialect.name), ends
    elif keys is not None:
        query = query.where(is_any_of(column, list(keys)))
    # Copied for each row: the key is worked in once
    begun = hashlib.blake2b(
        digest_size=HALF, key=key_of(connection) or b"", person=table.name[:16].encode()
    )
    if limit is not None:
        query = query.order_by(column).limit(limit)
    copy = begun.copy
    for key, fixed, moving in plain_rows(
        connection.execute(query.where(*where) if where else query, values)
    ):
        first, second = copy(), copy()  # no function of its own: it is called for every message
        first.update(fixed.encode())
        second.update(moving.encode())
        yield key, first.digest() + second.digest()


def digest_of(seals: Sequence[Marks]) -> bytes:
    """What an act's block keeps of the marks that hang on it; nothing of none."""
    if not seals:
        return b""
    says = [[each.table, each.keys.hex(), each.marks.hex()] for each in seals]
    return hashlib.sha256(orjson.dumps(sorted(says))).digest()


def keep_marks(connection: Connection, stream: str, number: int, seals: Sequence[Marks]) -> None:
    """Write the marks that hang on an act."""
    if seals:
        connection.execute(
            sa.insert(audit_row_seal),
            [
                {
                    "stream": stream, "number": number, "table_name": each.table,
                    "keys": each.keys, "marks": each.marks,
                }
                for each in seals
            ],
        )  # fmt: skip


def kept_marks(connection: Connection, stream: str, number: int) -> list[Marks]:
    """The marks that hang on an act, as stored."""
    c = audit_row_seal.c
    rows = connection.execute(
        sa.select(c.table_name, c["keys"], c.marks)
        .where(c.stream == stream, c.number == number)
        .order_by(c.table_name)
    )
    return [Marks(*row) for row in rows]


def unpack_keys(packed: bytes) -> list[Key]:
    """The keys: numbers as little-endian int64, names as a JSON array."""
    if packed.startswith(b"["):
        return list(orjson.loads(packed))
    numbers = array("q")
    numbers.frombytes(packed[1:])
    return list(numbers)


def _pack_keys(keys: Sequence[Key]) -> bytes:
    if keys and isinstance(keys[0], str):
        return orjson.dumps(keys)
    return b"q" + array("q", [int(key) for key in keys]).tobytes()


def _range_of(keys: Collection[Key]) -> dict[str, int]:
    """The ends, if they are a range: a batch's are, and are read along the table instead of one by one."""
    if not keys or isinstance(next(iter(keys)), str):
        return {}
    numbers = cast(Collection[int], keys)
    first, last = min(numbers), max(numbers)
    whole = len(set(numbers)) == len(numbers) == last - first + 1
    return {"first": first, "last": last} if whole else {}


@functools.cache
def _lines(name: str, dialect: str) -> sa.Select[Any]:
    """Key, fixed and moving columns of a table's rows; made once, since it is asked for with every batch."""
    spec = cast(Row, SEALED[name])
    fixed = _line(dialect, spec.table, (spec.key, *spec.fixed))
    return sa.select(spec.table.c[spec.key], fixed, _line(dialect, spec.table, spec.moving))


@functools.cache
def _lines_between(name: str, dialect: str) -> sa.Select[Any]:
    """The same of a range of keys."""
    spec = cast(Row, SEALED[name])
    first: sa.BindParameter[int] = sa.bindparam("first")
    last: sa.BindParameter[int] = sa.bindparam("last")
    return _lines(name, dialect).where(spec.table.c[spec.key].between(first, last))


def _line(dialect: str, table: sa.Table, names: Sequence[str]) -> ColumnElement[str]:
    """These columns as one line of JSON, spelled alike whatever the session's settings are."""
    return json_line(*(_spelled(dialect, table.c[name]) for name in names))


def _spelled(dialect: str, column: sa.Column[Any]) -> ColumnElement[Any]:
    if not isinstance(column.type, UtcDateTime):
        return column
    if dialect == "sqlite":
        return sa.type_coerce(column, sa.Text)
    return sa.func.to_char(sa.func.timezone("UTC", column), "YYYYMMDDHH24MISSUS")


_BLOCK: Final = 20_000


def _mark_of_whole(connection: Connection, spec: Whole, key: Key) -> bytes:
    """One mark for all rows of an owner, in their order, a block of rows in memory."""
    digest = hashlib.blake2b(digest_size=2 * HALF, key=key_of(connection) or b"")
    query = (
        sa.select(json_line(*spec.columns()))
        .where(spec.owner == key, *spec.only)
        .order_by(*spec.order(connection))
    )
    with connection.execute(query, execution_options={"yield_per": _BLOCK}) as rows:
        for block in rows.scalars().partitions(_BLOCK):
            digest.update("\n".join(block).encode() + b"\n")
    return digest.digest()
