"""
Whom ids mean: each row of them ends in one outcome, and two ids of a row must mean one patient.

By the rule of messages' lists (clinic/cohort/rows.py): a right NHS number beside the record number of a
patient who has another contradicts it; a record number that nobody has says nothing against one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import (
    DUPLICATE,
    ID_MISSING,
    IDS_CONTRADICT,
    NHS_NUMBER_INVALID,
    OTHER_FACILITY,
    PATIENT_NOT_FOUND,
    SELECTED,
    UNREADABLE,
)
from clinic.cohort.id_file import Given
from clinic.record.bulk import is_any_of
from clinic.record.schema.change import selection_row
from clinic.record.schema.people import patient
from clinic.values.nhs_number import judge_nhs_numbers


class Match(NamedTuple):
    """A row's patient, if one is meant, and its outcome."""

    patient_id: int | None
    outcome: str


class _Patient(NamedTuple):
    id: int
    facility_id: int | None


_By = dict[str, _Patient]


def match(
    connection: Connection, key: int, block: Sequence[Given], *, within: frozenset[int] | None
) -> list[Match]:
    """
    One outcome a row, in three statements for all of them.

    Args:
        key: the selection that they are for; whom it has already is a duplicate
        within: only patients of these facilities; None: of all
    """
    numbers, others = (
        judge_nhs_numbers(pd.Series([getattr(each, name) for each in block], dtype="str"))
        for name in ("nhs_number", "other")
    )
    right, alike = numbers["nhs_number"].tolist(), others["nhs_number"].tolist()
    by_nhs = _by(connection, patient.c.nhs_number, {*right, *alike})
    by_other = _by(connection, patient.c.local_id, {each.other for each in block})
    found = [
        _judge(each, nhs, like, by_nhs, by_other)
        for each, nhs, like in zip(block, right, alike, strict=True)
    ]
    return _once(connection, key, found, within)


def _by(connection: Connection, column: sa.Column[str | None], values: Iterable[str]) -> _By:
    wanted = {value for value in values if value}
    if not wanted:
        return {}
    rows = connection.execute(
        sa.select(column, patient.c.id, patient.c.facility_id).where(is_any_of(column, wanted))
    )
    return {value: _Patient(key, facility) for value, key, facility in rows}


def _judge(
    given: Given, nhs: str, like_nhs: str, by_nhs: _By, by_other: _By
) -> tuple[_Patient | None, str]:
    """nhs, like_nhs: the ten digits of the NHS number and of the other id, "" where it is none."""
    if not given.readable:
        return None, UNREADABLE
    if not given.nhs_number and not given.other:
        return None, ID_MISSING
    if given.nhs_number and not nhs:
        return None, NHS_NUMBER_INVALID
    named = by_nhs.get(nhs)
    meant = {by_other.get(given.other), by_nhs.get(like_nhs)} - {None}
    if len(meant | {named} - {None}) > 1 or (nhs and named is None and meant):
        return None, IDS_CONTRADICT
    one = named or next(iter(meant), None)
    if one is not None:
        return one, SELECTED
    digits = given.other.replace(" ", "").replace("-", "")
    slipped = len(digits) == 10 and digits.isdecimal() and not like_nhs and not nhs
    return None, NHS_NUMBER_INVALID if slipped else PATIENT_NOT_FOUND


def _once(
    connection: Connection,
    key: int,
    found: Iterable[tuple[_Patient | None, str]],
    within: frozenset[int] | None,
) -> list[Match]:
    """Each patient once, and of the facilities alone that were named."""
    found = list(found)
    seen = _selected(connection, key, {one.id for one, _ in found if one is not None})
    matches = []
    for one, outcome in found:
        if one is None:
            matches.append(Match(None, outcome))
        elif within is not None and one.facility_id not in within:
            matches.append(Match(None, OTHER_FACILITY))
        elif one.id in seen:
            matches.append(Match(one.id, DUPLICATE))
        else:
            seen.add(one.id)
            matches.append(Match(one.id, SELECTED))
    return matches


def _selected(connection: Connection, key: int, ids: set[int]) -> set[int]:
    """Those of them whom the selection has already."""
    c = selection_row.c
    if not ids:
        return set()
    found = connection.scalars(
        sa.select(c.patient_id).where(
            c.selection_id == key, c.outcome == SELECTED, is_any_of(c.patient_id, ids)
        )
    )
    return {int(each) for each in found if each is not None}
