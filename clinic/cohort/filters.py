"""
Whom a group or a filter means: queries that select patients' ids.

A code that is nobody's is a slip, and told with those that there are: it never means nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.record.schema.people import facility, group_member, patient, patient_group, provider

Values: TypeAlias = str | Sequence[str] | None
"""One code or label, several, or none."""

_MOST_NAMED: Final = 20


@dataclass(frozen=True)
class PatientFilter:
    """
    ALC-10: status, facility, provider, insurance plan, registered between two days (both included).

    All must match; of several values of one, any. Codes, not ids: they are what people know and what may
    stand in Prefect's parameters. A label ("On Hold") is read like its code.

    without: "provider", "facility": who has none, beside those who have one of the values
    """

    status: Values = None
    facility: Values = None
    provider: Values = None
    registered_from: date | None = None
    registered_to: date | None = None
    insurance_plan: Values = None
    without: tuple[str, ...] = ()

    def criteria(self) -> dict[str, Any]:
        """What was asked for, for the list's own record."""
        asked = {
            name: value if isinstance(value, str) else ", ".join(map(str, value))
            for name, value in asdict(self).items()
            if isinstance(value, str | tuple | list) and value
        }
        days = {"registered_from": self.registered_from, "registered_to": self.registered_to}
        return asked | {name: str(day) for name, day in days.items() if day is not None}


def group_query(connection: Connection, code: str) -> sa.Select[tuple[int]]:
    """
    The members of a group (COM-11).

    Raises:
        NotFound: there is no such group
    """
    group_id = connection.execute(
        sa.select(patient_group.c.id).where(patient_group.c.code == code)
    ).scalar_one_or_none()
    if group_id is None:
        raise NotFound(
            "group-unknown",
            f"there is no group {code}; {there_are(connection, patient_group.c.code)}; "
            "see: cohort groups list",
        )
    return sa.select(group_member.c.patient_id).where(group_member.c.group_id == group_id)


def filter_query(
    connection: Connection, wanted: PatientFilter, *, statuses: Sequence[str] = ()
) -> sa.Select[tuple[int]]:
    """
    The patients whom the filter describes.

    statuses: the practice's, which a filter may name although nobody is in them now

    Raises:
        NotFound: there is no such status, facility or provider
    """
    p = patient.c
    query = sa.select(p.id)
    if wanted.status:
        known = [_status_of(connection, one, statuses) for one in _each(wanted.status)]
        query = query.where(p.status.in_(known))
    for name, table, column, values in (
        ("facility", facility, p.facility_id, wanted.facility),
        ("provider", provider, p.provider_id, wanted.provider),
    ):
        either = [column.is_(None)] if name in wanted.without else []
        if values:
            either.append(column.in_([id_of(connection, table, one) for one in _each(values)]))
        if either:
            query = query.where(sa.or_(*either))
    if wanted.insurance_plan:
        plans = [plan for one in _each(wanted.insurance_plan) for plan in _plans(connection, one)]
        query = query.where(p.insurance_plan.in_(plans))
    if wanted.registered_from:
        query = query.where(p.registered_on >= wanted.registered_from)
    if wanted.registered_to:
        query = query.where(p.registered_on <= wanted.registered_to)
    return query


def facility_ids(connection: Connection, codes: Sequence[str]) -> frozenset[int]:
    """
    The ids of the facilities with these codes.

    Raises:
        NotFound: there is none of such a code
    """
    return frozenset(id_of(connection, facility, code) for code in codes)


def like(given: str) -> str:
    """What a code and its label have in common: letters and digits. "On Hold", "on-hold" → onhold."""
    return "".join(filter(str.isalnum, given.casefold()))


def _each(values: Values) -> Sequence[str]:
    return (values,) if isinstance(values, str) else values or ()


def id_of(connection: Connection, table: sa.Table, given: str) -> int:
    """
    The id of the facility or provider with this code or name.

    Raises:
        NotFound: there is none, or several have the name
    """
    code = code_of(connection, table, given)
    found = connection.scalar(sa.select(table.c.id).where(table.c.code == code))
    if found is None:
        raise NotFound(
            f"{table.name}-unknown",
            f"there is no {table.name} {given}; {there_are(connection, table.c.code)}",
        )
    return int(found)


def code_of(connection: Connection, table: sa.Table, given: str) -> str:
    """
    The code of the facility, provider or tag that is meant by a code or a label; else what was given.

    Raises:
        NotFound: several are alike, so that nobody can tell which is meant
    """
    rows = connection.execute(sa.select(table.c.code, table.c.name)).tuples().all()
    for alike in (
        [code for code, _ in rows if code == given],
        [code for code, _ in rows if like(code) == like(given)],
        [code for code, name in rows if like(name) == like(given)],
    ):
        if len(alike) > 1:
            raise NotFound(
                f"{table.name}-unknown",
                f"{given} may be {' or '.join(sorted(alike))}: name the {table.name} by its code",
            )
        if alike:
            return str(alike[0])
    return given


def there_are(connection: Connection, codes: sa.ColumnElement[str], *which: Any) -> str:
    """The codes that there are, as the end of a sentence; `which`: only of those rows."""
    query = sa.select(codes).where(*which).distinct().order_by(codes).limit(_MOST_NAMED + 1)
    found = connection.scalars(query).all()
    named = ", ".join(found[:_MOST_NAMED]) or "none"
    return f"there are: {named}" + (" …" if len(found) > _MOST_NAMED else "")


def _status_of(connection: Connection, given: str, statuses: Sequence[str]) -> str:
    """The code of a status that the practice has, or that somebody is in."""
    if given in statuses:
        return given
    used = connection.scalars(sa.select(patient.c.status).distinct())
    known = [*statuses, *sorted(set(used) - set(statuses))]
    found = status_like(given, known)
    if found is None:
        raise NotFound(
            "status-unknown",
            f"there is no status {given}; there are: {', '.join(known) or 'none'}",
        )
    return found


def status_like(given: str, known: Sequence[str]) -> str | None:
    """The status that is meant by a code or a label; None: none is."""
    if given in known:
        return given
    alike = [status for status in known if like(status) == like(given)]
    return alike[0] if len(alike) == 1 else None


def _plans(connection: Connection, given: str) -> list[str]:
    """However the plan is written in the records."""
    there = connection.scalars(
        sa.select(patient.c.insurance_plan).where(patient.c.insurance_plan.is_not(None)).distinct()
    )
    found = [plan for plan in there if plan is not None and like(plan) == like(given)]
    if not found:
        raise NotFound(
            "insurance-plan-unknown",
            f"no patient has the insurance plan {given}; "
            f"{there_are(connection, patient.c.insurance_plan, patient.c.insurance_plan.is_not(None))}",
        )
    return found
