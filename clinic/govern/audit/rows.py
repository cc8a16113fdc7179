"""
The rows that blocks seal: acts as stored, and what operations changed, where it stands.

The before-image of an operation *is* the audit's item: `operation_item` keeps patient, field, old and new
value and the version it was changed from, triggers keep it as it was planned, and a block seals those
of a chunk that were changed. Nothing is copied. The database joins a chunk's items to one text, so that
sealing costs half a microsecond an item and not the three of fetching it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from clinic.record.schema.change import WILL_CHANGE, operation_chunk, operation_item
from clinic.record.schema.govern import audit_act

# What an act's seal covers, in this order: everything but where it stands
_ACT: Final = tuple(c.name for c in audit_act.c if c.name not in ("stream", "number"))


class json_line(GenericFunction[str]):  # noqa: N801  a function of SQL
    """Its arguments as a JSON array on one line: no two lists of values look alike."""

    type = sa.Text()
    inherit_cache = True


class json_pairs(GenericFunction[str]):  # noqa: N801  a function of SQL
    """Key and value of a group's rows as one JSON object."""

    type = sa.Text()
    inherit_cache = True


@compiles(json_line, "sqlite")
def _(element: json_line, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **kw)})"


@compiles(json_line, "postgresql")
def _(element: json_line, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(json_build_array({compiler.process(element.clauses, **kw)}) AS TEXT)"


@compiles(json_pairs, "sqlite")
def _(element: json_pairs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_group_object({compiler.process(element.clauses, **kw)})"


@compiles(json_pairs, "postgresql")
def _(element: json_pairs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(jsonb_object_agg({compiler.process(element.clauses, **kw)}) AS TEXT)"


_i, _c = operation_item.c, operation_chunk.c
_CHANGED: Final = _i.outcome == WILL_CHANGE
_IN_CHUNK: Final = sa.and_(
    _i.operation_id == _c.operation_id,
    _i.patient_id.between(_c.first_patient, _c.last_patient),
    _CHANGED,
)
_LINE: Final = json_line(_i.patient_id, _i.field, _i.subject_id, _i.version_before, _i.old, _i.new)
# A tag's and a visit's key stands behind the field: "tag:3"
_KEY: Final = sa.case(
    (_i.subject_id == 0, _i.field), else_=_i.field + ":" + sa.cast(_i.subject_id, sa.Text)
)

# What was changed, a row a patient: operation_id, stream, chunk, patient_id, and the old and new values by
# field as JSON objects
audit_item: Final = (
    sa.select(
        _c.operation_id,
        (sa.literal("operation-", sa.Text) + sa.cast(_c.operation_id, sa.Text)).label("stream"),
        _c.number.label("chunk"),
        _i.patient_id,
        json_pairs(_KEY, _i.old).label("old_values"),
        json_pairs(_KEY, _i.new).label("new_values"),
    )
    .select_from(operation_chunk.join(operation_item, _IN_CHUNK))
    .where(_c.state == "applied")
    .group_by(_c.operation_id, _c.number, _i.patient_id)
    .subquery("audit_item")
)


def items_text(connection: Connection, operation_id: int, first: int, last: int) -> bytes:
    """
    The items of these patients that are, or are to be, changed, as they are sealed: a line an item, a
    JSON array of patient_id, field, subject_id, version_before, old and new, in the order of the key.
    """
    joined = sa.func.string_agg(_LINE, _newline(connection.dialect.name))
    text = connection.scalar(sa.select(joined).where(*_part(operation_id, first, last)))
    return (text or "").encode()


def outcome_lines(
    connection: Connection, operation_id: int, first: int, last: int
) -> Iterator[tuple[int, str]]:
    """Patient and line of the items of these patients that are not to be changed, as if they were."""
    query = sa.select(_i.patient_id, _LINE).where(
        _i.operation_id == operation_id, _i.patient_id.between(first, last), sa.not_(_CHANGED)
    )
    yield from connection.execute(query).tuples()


def _newline(dialect: str) -> ColumnElement[Any]:
    """The separator and the order. By bytes: how a language sorts may change with the server's."""
    collate = ' COLLATE "C"' if dialect == "postgresql" else ""
    mark = "chr(10)" if dialect == "postgresql" else "char(10)"
    return sa.literal_column(f"{mark} ORDER BY patient_id, field{collate}, subject_id")


def _part(operation_id: int, first: int, last: int) -> tuple[ColumnElement[bool], ...]:
    return _i.operation_id == operation_id, _i.patient_id.between(first, last), _CHANGED


def patients_changed(
    connection: Connection, operation_id: int, first: int, last: int
) -> tuple[int, int, int]:
    """How many of these patients are, or are to be, changed, and the first and last of them."""
    found = connection.execute(
        sa.select(
            sa.func.count(_i.patient_id.distinct()),
            sa.func.coalesce(sa.func.min(_i.patient_id), first),
            sa.func.coalesce(sa.func.max(_i.patient_id), last),
        ).where(*_part(operation_id, first, last))
    ).one()
    return int(found[0]), int(found[1]), int(found[2])


def chunk_text(connection: Connection, operation_id: int | None, chunk: int | None) -> bytes:
    """`items_text` of a chunk; of one that is not there, nothing."""
    found = connection.execute(
        sa.select(_c.first_patient, _c.last_patient).where(
            _c.operation_id == operation_id, _c.number == chunk
        )
    ).one_or_none()
    return b"" if found is None else items_text(connection, operation_id or 0, *found)


def unsealed(connection: Connection, sealed: sa.Select[Any]) -> Iterator[tuple[int, int | None]]:
    """
    (operation_id, chunk) of what was changed without a seal; without a chunk: items put in beside all.

    Args:
        sealed: operation_id and chunk of every block of items
    """
    changed = sa.exists().where(_IN_CHUNK)
    applied = sa.select(_c.operation_id, _c.number).where(_c.state == "applied", changed)
    for row in connection.execute(applied.except_(sealed).order_by("operation_id", "number")).all():
        yield row.operation_id, row.number
    count = sa.func.count()
    everything = dict(_counts(connection, sa.select(_i.operation_id, count).where(_CHANGED)))
    in_chunks = sa.select(_c.operation_id, count).join(operation_item, _IN_CHUNK)
    within = dict(_counts(connection, in_chunks))
    yield from ((n, None) for n in sorted(everything) if everything[n] != within.get(n))


def _counts(connection: Connection, query: sa.Select[Any]) -> list[tuple[int, int]]:
    key = query.selected_columns[0]
    return [(int(n), int(count)) for n, count in connection.execute(query.group_by(key))]


def act_line(row: Mapping[str, Any]) -> list[Any]:
    """An act as it is sealed."""
    return [row[name] for name in _ACT]


def as_json(values: Mapping[str, Any] | None) -> str | None:
    """An object as stored: keys sorted, so that equal values are equal texts."""
    if values is None:
        return None
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS).decode()
