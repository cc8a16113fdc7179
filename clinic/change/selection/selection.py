"""
Whom an operation concerns (ALC-10 to ALC-13): taken once, stored, and named by its id from then on.

By filter, group, files of ids, pasted ids, searches, or several of them, which add up. Every input row gets
one outcome; triggers keep a selection as it was taken, so that what is reviewed is what is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import SELECTED
from clinic.change.digest import selection_digest
from clinic.change.selection.selection_parts import Part, PartTaken, last_row, write_part
from clinic.clock import Clock
from clinic.cohort.filters import PatientFilter, facility_ids, filter_query
from clinic.errors import OperationRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.tied import codes_of, others
from clinic.record.database import Record
from clinic.record.schema.change import selection, selection_row
from clinic.record.statistics import count_filled
from clinic.settings import Settings


@dataclass(frozen=True)
class Taken:
    """A stored selection, how many of its rows have each outcome, and the same of each of its parts."""

    id: int
    rows: int
    outcomes: dict[str, int]
    parts: tuple[PartTaken, ...] = ()


def take(
    record: Record,
    clock: Clock,
    settings: Settings,
    parts: Sequence[Part],
    *,
    taken_by: str,
    within: Sequence[str] = (),
) -> Taken:
    """
    Store whom the parts name together, each patient once.

    within: codes of facilities: of ids that were given, only their patients are selected
    taken_by: whoever is tied to facilities selects their patients alone (clinic/govern/tied.py)

    Raises:
        NotFound: a filter or `within` names what does not exist
        OperationRefused: nobody is selected, or more than the cap
    """
    given = sum(len(part.ids) for part in parts)
    if given > settings.operations.cap:
        raise OperationRefused(
            "selection-too-large",
            f"{given:,} ids are more than the {settings.operations.cap:,} that one operation may "
            "have (settings: operations.cap): divide them",
        )
    with record.write() as connection:
        return _take(connection, clock, settings, parts, taken_by=taken_by, within=within)


def filter_part(settings: Settings, wanted: PatientFilter) -> Part:
    """ALC-10: the patients whom a filter describes now. Row numbers go by patient id."""
    return Part(
        "filter",
        query=lambda connection: filter_query(
            connection, wanted, statuses=settings.organisation.statuses
        ),
        criteria=wanted.criteria(),
    )


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
    part = Part(source, query=lambda _: patients, criteria=criteria)
    return _take(connection, clock, settings, [part], taken_by=taken_by)


def _take(
    connection: Connection,
    clock: Clock,
    settings: Settings,
    parts: Sequence[Part],
    *,
    taken_by: str,
    within: Sequence[str] = (),
) -> Taken:
    places, outside = places_of(connection, taken_by, within), others(connection, taken_by)
    key = _open(connection, clock, parts, taken_by=taken_by)
    taken: list[PartTaken] = []
    for part in parts:
        after = last_row(connection, key) if taken else 0
        taken.append(write_part(connection, key, part, after=after, within=places, outside=outside))
    return _close(connection, clock, settings, key, tuple(zip(parts, taken, strict=True)))


def places_of(connection: Connection, name: str, within: Sequence[str]) -> frozenset[int] | None:
    """
    The facilities whose patients somebody may select of ids; None: all.

    Raises:
        NotFound: `within` names what does not exist
    """
    named, own = (
        facility_ids(connection, within),
        facility_ids(connection, codes_of(connection, name)),
    )
    return (named & own if named and own else named or own) if named or own else None


def _open(connection: Connection, clock: Clock, parts: Sequence[Part], *, taken_by: str) -> int:
    key = connection.execute(
        sa.insert(selection)
        .values(
            source=parts[0].source if len(parts) == 1 else "several",
            sha256="",
            rows=0,
            selected=0,
            taken_at=clock.now(),
            taken_by=taken_by,
        )
        .returning(selection.c.id)
    ).scalar_one()
    return int(key)


def _criteria(parts: Sequence[tuple[Part, PartTaken]]) -> str | None:
    """What a filter asked for; of several parts what each is, and where its rows begin."""
    if len(parts) == 1:
        [(part, _)] = parts
        told = part.criteria or ({"name": part.name} if part.name else None)
    else:
        told = {
            "parts": [
                {"source": part.source, "name": part.name, "after": taken.after}
                | dict(part.criteria or {})
                for part, taken in parts
            ]
        }
    return None if told is None else orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()


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


def _close(
    connection: Connection,
    clock: Clock,
    settings: Settings,
    key: int,
    parts: tuple[tuple[Part, PartTaken], ...],
) -> Taken:
    outcomes: dict[str, int] = {}
    for _, taken in parts:
        for outcome, count in taken.outcomes.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
    selected = outcomes.get(SELECTED, 0)
    if not 0 < selected <= settings.operations.cap:
        ended = ", ".join(f"{code} {count:,}" for code, count in sorted(outcomes.items()))
        why = f"; rows by outcome: {ended}" if outcomes and not selected else ""
        raise OperationRefused(
            "selection-too-large" if selected else "selection-empty",
            f"{selected:,} patients are selected; an operation has 1 to "
            f"{settings.operations.cap:,} (settings: operations.cap){why}",
        )
    connection.execute(
        sa.update(selection)
        .where(selection.c.id == key)
        .values(
            criteria=_criteria(parts),
            rows=sum(outcomes.values()),
            selected=selected,
            sha256=selection_digest(connection, key),
        )
    )
    count_filled(connection, sum(outcomes.values()), selection_row)
    _tell(connection, clock, key, outcomes)
    return Taken(key, sum(outcomes.values()), outcomes, tuple(taken for _, taken in parts))
