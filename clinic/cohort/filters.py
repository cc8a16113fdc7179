"""Whom a group or a filter means: queries that select patients' ids."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.record.schema.people import facility, group_member, patient, patient_group, provider


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
        raise NotFound("group-unknown", f"there is no group {code}; see: cohort groups list")
    return sa.select(group_member.c.patient_id).where(group_member.c.group_id == group_id)


def filter_query(connection: Connection, wanted: PatientFilter) -> sa.Select[tuple[int]]:
    """
    The patients whom the filter describes.

    Raises:
        NotFound: there is no such facility or provider
    """
    query = sa.select(patient.c.id)
    if wanted.status:
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
        raise NotFound(f"{table.name}-unknown", f"there is no {table.name} {code}")
    return int(found)
