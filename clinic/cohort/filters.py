"""
Whom a group or a filter means: queries that select patients' ids.

A code that is nobody's is a slip, and told with those that there are: it never means nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.record.schema.people import facility, group_member, patient, patient_group, provider

_MOST_NAMED: Final = 20


@dataclass(frozen=True)
class PatientFilter:
    """
    ALC-10: status, facility, provider, registered between two days (both included). All must match.

    Codes, not ids: they are what people know and what may stand in Prefect's parameters.
    """

    status: str | None = None
    facility: str | None = None
    provider: str | None = None
    registered_from: date | None = None
    registered_to: date | None = None

    def criteria(self) -> dict[str, Any]:
        """What was asked for, for the list's own record."""
        return {key: str(value) for key, value in asdict(self).items() if value is not None}


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
    query = sa.select(patient.c.id)
    if wanted.status:
        _require_status(connection, wanted.status, statuses)
        query = query.where(patient.c.status == wanted.status)
    if wanted.facility:
        query = query.where(patient.c.facility_id == id_of(connection, facility, wanted.facility))
    if wanted.provider:
        query = query.where(patient.c.provider_id == id_of(connection, provider, wanted.provider))
    if wanted.registered_from:
        query = query.where(patient.c.registered_on >= wanted.registered_from)
    if wanted.registered_to:
        query = query.where(patient.c.registered_on <= wanted.registered_to)
    return query


def id_of(connection: Connection, table: sa.Table, code: str) -> int:
    """
    The id of the facility or provider with this code.

    Raises:
        NotFound: there is none
    """
    found = connection.execute(
        sa.select(table.c.id).where(table.c.code == code)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(
            f"{table.name}-unknown",
            f"there is no {table.name} {code}; {there_are(connection, table.c.code)}",
        )
    return int(found)


def there_are(connection: Connection, codes: sa.ColumnElement[str], *which: Any) -> str:
    """The codes that there are, as the end of a sentence; `which`: only of those rows."""
    query = sa.select(codes).where(*which).distinct().order_by(codes).limit(_MOST_NAMED + 1)
    found = connection.scalars(query).all()
    named = ", ".join(found[:_MOST_NAMED]) or "none"
    return f"there are: {named}" + (" …" if len(found) > _MOST_NAMED else "")


def _require_status(connection: Connection, status: str, statuses: Sequence[str]) -> None:
    if status in statuses:
        return
    has = sa.select(patient.c.id).where(patient.c.status == status).limit(1)
    if connection.scalar(has) is None:
        known = connection.scalars(sa.select(patient.c.status).distinct())
        named = ", ".join([*statuses, *sorted(set(known) - set(statuses))]) or "none"
        raise NotFound("status-unknown", f"there is no status {status}; there are: {named}")
