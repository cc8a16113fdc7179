"""
What became of each id that was given for a selection: counted in a sentence, listed, or written to a file.

They are shown where people decide, and never in logs or to Prefect: a practice's ids are its patients'.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.core.outcomes import (
    DUPLICATE,
    ID_MISSING,
    IDS_CONTRADICT,
    NHS_NUMBER_INVALID,
    OTHER_FACILITY,
    PATIENT_NOT_FOUND,
    SAYS,
    SELECTED,
    UNREADABLE,
)
from clinic.change.selection.selection_parts import part_name
from clinic.errors import NotFound
from clinic.record.database import Record
from clinic.record.private import open_private
from clinic.record.schema.change import selection, selection_row
from clinic.record.schema.people import patient
from clinic.values.formula import safe_cell

_ROW: Final = selection_row.c
# Of a sentence: how many ids, and what of them
_WORDS: Final = {
    PATIENT_NOT_FOUND: "not found",
    NHS_NUMBER_INVALID: "with a wrong check digit",
    IDS_CONTRADICT: "that contradict each other",
    OTHER_FACILITY: "of another facility",
    ID_MISSING: "without an id",
    UNREADABLE: "that cannot be read",
    DUPLICATE: "selected already",
}
OUTCOMES: Final = (SELECTED, *_WORDS)
_NAMED: Final = 5
_HEADINGS: Final = ("Part", "Row", "Given", "Outcome", "Patient", "Name", "What it means")


@dataclass(frozen=True)
class GivenRow:
    """A row of a selection. part: of several, the file or what it is; patient: their id, if one is meant."""

    part: str
    row: int
    given: str
    outcome: str
    patient: str
    name: str
    says: str


@dataclass(frozen=True)
class GivenCount:
    """So many rows of ids ended so; the first of them, as they were given."""

    outcome: str
    count: int
    first: tuple[str, ...] = ()


def selected_query(connection: Connection, selection_id: int) -> sa.Select[tuple[int]]:
    """
    Whom a selection has.

    Raises:
        NotFound: there is none of this number
    """
    _parts_of(connection, selection_id)
    return sa.select(_ROW.patient_id).where(
        _ROW.selection_id == selection_id, _ROW.outcome == SELECTED
    )


def count_selected(record: Record, selection_id: int) -> int:
    """
    How many patients a selection has.

    Raises:
        NotFound: there is no such selection
    """
    with record.read() as connection:
        _parts_of(connection, selection_id)
        query = sa.select(selection.c.selected).where(selection.c.id == selection_id)
        return int(connection.scalar(query) or 0)


def given_counts(record: Record, selection_id: int, *, named: int = _NAMED) -> list[GivenCount]:
    """Of the ids that were given, how many ended how; empty where none were: a filter was asked."""
    with record.read() as connection:
        counted = connection.execute(
            sa.select(_ROW.outcome, sa.func.count())
            .where(_ROW.selection_id == selection_id, _is_given())
            .group_by(_ROW.outcome)
        )
        counts = dict(counted.tuples().all())
        return [
            GivenCount(outcome, counts[outcome], _first(connection, selection_id, outcome, named))
            for outcome in OUTCOMES
            if outcome in counts
        ]


def given_sentence(record: Record, selection_id: int) -> str | None:
    """
    "8 given, 6 found, 2 not found: X9, L77", and the same of earlier selections that it took over.

    None where no ids were given.
    """
    told = [_sentence(counts)] if (counts := given_counts(record, selection_id)) else []
    for number in taken_over(record, selection_id):
        if earlier := given_sentence(record, number):
            told.append(f"selection {number}: {earlier}")
    return " | ".join(told) or None


def taken_over(record: Record, selection_id: int) -> list[int]:
    """The earlier selections that this one is made of."""
    with record.read() as connection:
        parts = _told_parts(connection, selection_id)
    return [int(part["selection"]) for part in parts if part.get("selection") is not None]


def _sentence(counts: Sequence[GivenCount]) -> str:
    found = sum(each.count for each in counts if each.outcome == SELECTED)
    told = [f"{sum(each.count for each in counts):,} given", f"{found:,} found"]
    for each in counts:
        if each.outcome != SELECTED:
            more = " …" if each.count > len(each.first) else ""
            which = f": {', '.join(each.first)}{more}" if each.first else ""
            told.append(f"{each.count:,} {_WORDS[each.outcome]}{which}")
    return ", ".join(told[:3]) + "".join(f"; {one}" for one in told[3:])


def read_given(
    record: Record,
    selection_id: int,
    *,
    outcomes: Sequence[str] = (),
    but: Sequence[str] = (),
    limit: int | None = None,
    skip: int = 0,
) -> Iterator[GivenRow]:
    """
    A selection's rows in their order, with outcome and patient.

    outcomes, but: only these, and none of these

    Raises:
        NotFound: there is no such selection, or no such outcome
    """
    if unknown := sorted({*outcomes} - {*OUTCOMES}):
        raise NotFound(
            "outcome-unknown",
            f"there is no outcome {', '.join(unknown)}; there are: {', '.join(OUTCOMES)}",
        )
    with record.read() as connection:
        parts = _parts_of(connection, selection_id)
    wanted = _rows(selection_id, outcomes, but).offset(skip).limit(limit)
    return _read(record, wanted, parts)


def _rows(selection_id: int, outcomes: Sequence[str], but: Sequence[str]) -> sa.Select[Any]:
    p = patient.c
    name = sa.func.coalesce(p.given_name, "") + " " + sa.func.coalesce(p.family_name, "")
    own = sa.func.coalesce(p.nhs_number, p.local_id, sa.cast(_ROW.patient_id, sa.Text), "")
    rows = (
        sa.select(_ROW.row_number, _ROW.given, _ROW.outcome, own, name)
        .select_from(selection_row.outerjoin(patient, p.id == _ROW.patient_id))
        .where(_ROW.selection_id == selection_id)
        .order_by(_ROW.row_number)
    )
    if outcomes:
        rows = rows.where(_ROW.outcome.in_(outcomes))
    return rows.where(_ROW.outcome.not_in(but)) if but else rows


def _read(
    record: Record, wanted: sa.Select[Any], parts: Sequence[tuple[str, int]]
) -> Iterator[GivenRow]:
    with record.read() as connection:
        for number, given, outcome, own_id, shown in connection.execute(wanted):
            part, after = next(each for each in reversed(parts) if number > each[1])
            yield GivenRow(
                part, number - after, given or "", outcome, own_id, shown.strip(), SAYS[outcome]
            )


def write_given(record: Record, selection_id: int, path: Path, **which: Any) -> int:
    """The same as a CSV that this account alone can read; how many rows."""
    rows = read_given(record, selection_id, **which)
    count = 0
    with open_private(path) as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(_HEADINGS)
        for each in rows:
            writer.writerow([safe_cell(str(cell)) for cell in astuple(each)])
            count += 1
    return count


def _is_given() -> ColumnElement[bool]:
    """Rows of ids, and not of what the record itself was asked."""
    return _ROW.given.is_not(None) | _ROW.outcome.in_((ID_MISSING, UNREADABLE))


def _first(connection: Connection, selection_id: int, outcome: str, most: int) -> tuple[str, ...]:
    """What was given; of a row that cannot be read its number, and its file where there are several."""
    if outcome in (SELECTED, DUPLICATE, ID_MISSING):
        return ()
    found = connection.execute(
        sa.select(_ROW.row_number, _ROW.given)
        .where(_ROW.selection_id == selection_id, _ROW.outcome == outcome)
        .order_by(_ROW.row_number)
        .limit(most)
    ).all()
    if outcome != UNREADABLE:
        return tuple(given or "(empty)" for _, given in found)
    parts = _parts_of(connection, selection_id)
    return tuple(_place(parts, number) for number, _ in found)


def _place(parts: Sequence[tuple[str, int]], number: int) -> str:
    part, after = next(each for each in reversed(parts) if number > each[1])
    return f"{part} row {number - after}" if len(parts) > 1 else f"row {number}"


def _parts_of(connection: Connection, selection_id: int) -> list[tuple[str, int]]:
    """What each part is, and what its row numbers are counted on from."""
    parts = _told_parts(connection, selection_id)
    return [(part_name(part["source"], part["name"]), part["after"]) for part in parts]


def _told_parts(connection: Connection, selection_id: int) -> list[dict[str, Any]]:
    found = connection.execute(
        sa.select(selection.c.source, selection.c.criteria).where(selection.c.id == selection_id)
    ).one_or_none()
    if found is None:
        raise NotFound("selection-unknown", f"there is no selection {selection_id}")
    told: dict[str, Any] = orjson.loads(found.criteria or "{}")
    return told.get("parts") or [{"source": found.source, "name": "", "after": 0, **told}]
