"""
Whom an operation concerns (ALC-10 to ALC-13): taken once, stored, and named by its id from then on.

By filter, from a CSV of ids, from pasted ids, or picked from a search. Every input row gets one outcome;
triggers keep a selection as it was taken, so that what is reviewed is what is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.digest import selection_digest
from clinic.change.outcomes import DUPLICATE, ID_MISSING, PATIENT_NOT_FOUND, SELECTED
from clinic.clock import Clock
from clinic.cohort.filters import PatientFilter, filter_query
from clinic.errors import OperationRefused
from clinic.govern.audit import Act, record_act
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.schema.change import selection, selection_row
from clinic.record.schema.people import patient
from clinic.record.statistics import count_filled
from clinic.settings import Settings

_BLOCK: Final = 10_000
_COLUMNS: Final = ("selection_id", "row_number", "given", "patient_id", "outcome")


@dataclass(frozen=True)
class Taken:
    """A stored selection and how many of its rows have each outcome."""

    id: int
    rows: int
    outcomes: dict[str, int]


def select_by_filter(
    record: Record, clock: Clock, settings: Settings, wanted: PatientFilter, *, taken_by: str
) -> Taken:
    """
    ALC-10: the patients whom a filter describes now. Row numbers count from 1, by patient id.

    Raises:
        NotFound: the filter names a status, facility or provider that does not exist
        OperationRefused: nobody, or more than the cap
    """
    with record.write() as connection:
        found = filter_query(connection, wanted, statuses=settings.organisation.statuses)
        return select_by_query(
            connection, clock, settings, found,
            source="filter", criteria=wanted.criteria(), taken_by=taken_by,
        )  # fmt: skip


def select_by_query(
    connection: Connection,
    clock: Clock,
    settings: Settings,
    patients: sa.Select[tuple[int]],
    *,
    source: str,
    criteria: dict[str, Any],
    taken_by: str,
) -> Taken:
    """The patients whom a query of ids finds, each once, in the caller's transaction."""
    key = _open(connection, clock, source=source, criteria=criteria, taken_by=taken_by)
    (patient_id,) = patients.distinct().subquery().c
    number = sa.func.row_number().over(order_by=patient_id)
    rows = sa.select(sa.literal(key), number, sa.null(), patient_id, sa.literal(SELECTED)).order_by(
        patient_id
    )
    connection.execute(sa.insert(selection_row).from_select(list(_COLUMNS), rows))
    return _close(connection, clock, settings, key)


def select_ids(
    record: Record,
    clock: Clock,
    settings: Settings,
    ids: Sequence[str],
    *,
    source: str,
    taken_by: str,
    first_row: int = 1,
) -> Taken:
    """
    ALC-11, 12, 13: patients by NHS number or by the practice's own id.

    Args:
        source: "ids" (pasted), "file" or "pick"
        first_row: the number of the first id's row: 2 in a spreadsheet with a heading

    Raises:
        OperationRefused: none of them is a patient's, or there are more than the cap
    """
    if len(ids) > settings.operations.cap:
        raise OperationRefused(
            "selection-too-large",
            f"{len(ids):,} ids are more than the {settings.operations.cap:,} that one operation may "
            "have (settings: operations.cap): divide them",
        )
    with record.write() as connection:
        key = _open(connection, clock, source=source, criteria=None, taken_by=taken_by)
        rows = _matched(connection, key, ids, first_row)
        for block in rows:
            insert_rows(connection, selection_row, _COLUMNS, block)
        return _close(connection, clock, settings, key)


def _matched(
    connection: Connection, key: int, ids: Sequence[str], first_row: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of `selection_row`, block by block; a patient's second row is a duplicate."""
    seen: set[int] = set()
    for start in range(0, len(ids), _BLOCK):
        given = [_plain(each) for each in ids[start : start + _BLOCK]]
        known = _patients(connection, given)
        block = []
        for number, each in enumerate(given, start=first_row + start):
            found = known.get(each)
            outcome = _outcome(each, found, seen)
            if found is not None:
                seen.add(found)
            block.append((key, number, each[:80] or None, found, outcome))
        yield block


def _outcome(given: str, found: int | None, seen: set[int]) -> str:
    if not given:
        return ID_MISSING
    if found is None:
        return PATIENT_NOT_FOUND
    return DUPLICATE if found in seen else SELECTED


def _plain(given: str) -> str:
    """Without the blanks and dashes that people write into NHS numbers."""
    packed = given.strip().replace(" ", "").replace("-", "")
    return packed if packed.isdecimal() and len(packed) == 10 else given.strip()


def _patients(connection: Connection, given: Sequence[str]) -> dict[str, int]:
    """Id as given → patient. An NHS number comes before a practice's own id that reads the same."""
    found: dict[str, int] = {}
    for column in (patient.c.local_id, patient.c.nhs_number):
        rows = connection.execute(
            sa.select(column, patient.c.id).where(is_any_of(column, set(given)))
        )
        found.update(rows.tuples().all())
    return found


def _open(
    connection: Connection,
    clock: Clock,
    *,
    source: str,
    criteria: dict[str, Any] | None,
    taken_by: str,
) -> int:
    key = connection.execute(
        sa.insert(selection)
        .values(
            source=source,
            criteria=None if criteria is None else orjson.dumps(criteria).decode(),
            sha256="",
            rows=0,
            selected=0,
            taken_at=clock.now(),
            taken_by=taken_by,
        )
        .returning(selection.c.id)
    ).scalar_one()
    return int(key)


def _tell(connection: Connection, clock: Clock, key: int, outcomes: dict[str, int]) -> None:
    """Who selected whom, by count and digest; the rows are sealed where they stand."""
    taken = connection.execute(sa.select(selection).where(selection.c.id == key)).one()
    act = Act(
        operator=taken.taken_by,
        operation_type="selection.taken",
        subject="selection",
        subject_id=key,
        new_values={"source": taken.source, "sha256": taken.sha256, **outcomes},
    )
    record_act(connection, clock, act, rows={selection: [key], selection_row: [key]})


def _close(connection: Connection, clock: Clock, settings: Settings, key: int) -> Taken:
    counted = connection.execute(
        sa.select(selection_row.c.outcome, sa.func.count())
        .where(selection_row.c.selection_id == key)
        .group_by(selection_row.c.outcome)
    )
    outcomes: dict[str, int] = dict(counted.tuples().all())
    selected = outcomes.get(SELECTED, 0)
    if not 0 < selected <= settings.operations.cap:
        raise OperationRefused(
            "selection-too-large" if selected else "selection-empty",
            f"{selected:,} patients are selected; an operation has 1 to "
            f"{settings.operations.cap:,} (settings: operations.cap)",
        )
    connection.execute(
        sa.update(selection)
        .where(selection.c.id == key)
        .values(
            rows=sum(outcomes.values()),
            selected=selected,
            sha256=selection_digest(connection, key),
        )
    )
    count_filled(connection, sum(outcomes.values()), selection_row)
    _tell(connection, clock, key, outcomes)
    return Taken(key, sum(outcomes.values()), outcomes)
