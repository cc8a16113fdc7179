"""
Who is eligible and missing on a list: a filter, a group or a code of the record against its rows (NEW-31).

The deceased, those who left and test patients are not eligible, whatever describes them. Who is on the list
and left out of a campaign is not missing: the campaign's outcomes say why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.filters import PatientFilter, filter_query, group_query
from clinic.cohort.rows import get_list, match_patients, read_rows
from clinic.govern.tied import only_theirs
from clinic.record.bulk import is_any_of
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.people import patient
from clinic.values.nhs_number import judge_nhs_numbers


@dataclass(frozen=True)
class Covers:
    """Whom a list should have: all that is named must hold; of several codes, any."""

    described: PatientFilter
    group: str | None = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """How many are eligible, and who of them is not on the list: patients' ids, ascending."""

    eligible: int
    missing: tuple[int, ...]


def coded(codes: Sequence[str]) -> sa.Select[tuple[int]]:
    """The patients who have one of these codes, and in whom it has not ended."""
    return (
        sa.select(diagnosis.c.patient_id)
        .where(diagnosis.c.code.in_(codes), diagnosis.c.ended.is_(None))
        .distinct()
    )


def covered_by(
    connection: Connection, asked: Covers, *, statuses: Sequence[str] = (), by: str
) -> sa.Select[tuple[int]]:
    """
    The patients whom a list should have.

    statuses: the practice's; by: the requester: whoever is tied to facilities means their patients alone

    Raises:
        NotFound: there is no such group, status, facility or provider
    """
    query = filter_query(connection, asked.described, statuses=statuses)
    if asked.group:
        query = query.where(patient.c.id.in_(group_query(connection, asked.group)))
    if asked.codes:
        query = query.where(patient.c.id.in_(coded(asked.codes)))
    return only_theirs(connection, by, query)


def coverage_of(
    connection: Connection, list_id: int, wanted: sa.Select[tuple[int]], today: date
) -> Coverage:
    """
    Compare a list that was imported with whom it should have.

    Raises:
        NotFound: there is no such list
    """
    source = get_list(connection, list_id)
    on_it: set[int] = set()
    after = -1
    while True:
        rows = read_rows(connection, source, after=after)
        if rows.empty:
            break
        numbers = judge_nhs_numbers(rows["nhs_number"])["nhs_number"]
        on_it.update(match_patients(connection, source, rows, numbers)["id"].dropna().tolist())
        after = int(rows.index[-1])
    p = patient.c
    eligible = connection.scalars(
        sa.select(p.id)
        .where(
            p.id.in_(wanted),
            p.death_date.is_(None),
            ~p.fictitious,
            p.deregistered_on.is_(None) | (p.deregistered_on > today),
        )
        .order_by(p.id)
    ).all()
    return Coverage(len(eligible), tuple(key for key in eligible if key not in on_it))


def named(connection: Connection, keys: tuple[int, ...]) -> list[Mapping[str, Any]]:
    """These patients, as a person looks them up."""
    p = patient.c
    query = sa.select(p.nhs_number, p.local_id, p.given_name, p.family_name, p.birth_date)
    rows = connection.execute(query.where(is_any_of(p.id, keys)).order_by(p.id))
    return [dict(row) for row in rows.mappings()]
