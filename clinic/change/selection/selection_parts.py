"""
What a selection is made of, and how each part's rows are written: ids as they were given, or a query.

Parts add up: rows are numbered on from part to part, and whom an earlier part has is a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import DUPLICATE, OTHER_FACILITY, SELECTED
from clinic.change.selection.matching import match
from clinic.cohort.id_file import Given
from clinic.record.bulk import insert_rows
from clinic.record.schema.change import selection_row
from clinic.record.schema.people import patient

_BLOCK: Final = 10_000
_QUESTIONS: Final = ("filter", "group")
_COLUMNS: Final = ("selection_id", "row_number", "given", "patient_id", "outcome")


@dataclass(frozen=True)
class Part:
    """
    One way in which patients are named. Either `ids` or `query`.

    source: filter, file, ids, pick, group, selection, rerun
    name: of the file or group, for people; criteria: what a filter asked for, in codes
    query: from the connection, the query of the patients' ids
    """

    source: str
    name: str = ""
    ids: Sequence[Given] = ()
    query: Callable[[Connection], sa.Select[tuple[int]]] | None = None
    criteria: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PartTaken:
    """after: what its rows' numbers are counted on from; outcomes: rows by outcome."""

    source: str
    name: str
    after: int
    rows: int
    outcomes: Mapping[str, int] = field(default_factory=dict)


def part_name(source: str, name: str) -> str:
    """For people: "file one.csv", "search", "pasted ids"."""
    words = {"pick": "search", "ids": "pasted ids"}
    return f"{words.get(source, source)} {name}".strip()


def write_part(
    connection: Connection,
    key: int,
    part: Part,
    *,
    after: int,
    within: frozenset[int] | None,
    outside: sa.ColumnElement[bool] | None = None,
) -> PartTaken:
    """
    Its rows, in the caller's transaction.

    outside: of `patient`: who is of others than whoever asks works with. By a question they are not found, nor
    counted; of earlier work they are told as what they are
    """
    if part.query is None:
        _write_ids(connection, key, part.ids, after, within)
    else:
        query = part.query(connection)
        if outside is not None and part.source in _QUESTIONS:
            query = sa.select(patient.c.id).where(patient.c.id.in_(query), ~outside)
        _write_query(connection, key, query, after, outside)
    c = selection_row.c
    counted = connection.execute(
        sa.select(c.outcome, sa.func.count())
        .where(c.selection_id == key, c.row_number > after)
        .group_by(c.outcome)
    )
    outcomes = dict(counted.tuples().all())
    return PartTaken(part.source, part.name, after, sum(outcomes.values()), outcomes)


def outcomes_of(
    connection: Connection, parts: Sequence[Part], *, within: frozenset[int] | None, most: int
) -> list[tuple[str, Given, str]]:
    """What becomes of the first ids of each part where nothing is stored: the part, the row, the outcome."""
    found = []
    for part in parts:
        first = part.ids[:most]
        matches = match(connection, 0, first, within=within) if first else []
        name = part_name(part.source, part.name)
        found += [(name, given, each.outcome) for given, each in zip(first, matches, strict=True)]
    return found[:most]


def last_row(connection: Connection, key: int) -> int:
    """The highest row number so far."""
    c = selection_row.c
    found = connection.scalar(sa.select(sa.func.max(c.row_number)).where(c.selection_id == key))
    return int(found or 0)


def _write_ids(
    connection: Connection,
    key: int,
    ids: Sequence[Given],
    after: int,
    within: frozenset[int] | None,
) -> None:
    for start in range(0, len(ids), _BLOCK):
        block = ids[start : start + _BLOCK]
        rows = [
            (key, after + given.row, given.text[:80] or None, found.patient_id, found.outcome)
            for given, found in zip(
                block, match(connection, key, block, within=within), strict=True
            )
        ]
        insert_rows(connection, selection_row, _COLUMNS, rows)


def _write_query(
    connection: Connection,
    key: int,
    query: sa.Select[tuple[int]],
    after: int,
    outside: sa.ColumnElement[bool] | None,
) -> None:
    """In one statement; the first part asks nothing of earlier rows."""
    (patient_id,) = query.distinct().subquery().c
    outcome: sa.ColumnElement[str] = sa.literal(SELECTED)
    whose: sa.ColumnElement[int] = patient_id
    if after:
        earlier = selection_row.alias("earlier")
        has = sa.exists().where(
            earlier.c.selection_id == key,
            earlier.c.patient_id == patient_id,
            earlier.c.outcome == SELECTED,
        )
        outcome = sa.case((has, DUPLICATE), else_=SELECTED)
    if outside is not None:
        kept = patient_id.in_(sa.select(patient.c.id).where(outside))
        outcome = sa.case((kept, OTHER_FACILITY), else_=outcome)
        whose = sa.case((kept, sa.null()), else_=patient_id)
    number = sa.literal(after) + sa.func.row_number().over(order_by=patient_id)
    rows = sa.select(sa.literal(key), number, sa.null(), whose, outcome).order_by(patient_id)
    connection.execute(sa.insert(selection_row).from_select(list(_COLUMNS), rows))
