"""Patients by what they have in common, a group or a filter: those whom a person may message (ARC-3, ARC-4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.selection.search import Found, found_query
from clinic.clock import Clock
from clinic.cohort.filters import PatientFilter, filter_query, group_query
from clinic.cohort.import_list import take_in_query
from clinic.errors import CohortRefused
from clinic.govern.tied import only_theirs
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.settings import Settings


@dataclass(frozen=True)
class Common:
    """What they have in common: codes, as people know them; "" where it does not matter."""

    group: str = ""
    status: str = ""
    facility: str = ""
    provider: str = ""

    @property
    def is_anything(self) -> bool:
        """Whether anything was said: nobody means all patients by saying nothing."""
        return any(asdict(self).values())

    def query(self, connection: Connection, settings: Settings, by: str) -> sa.Select[tuple[int]]:
        """
        The patients, those of this person's facilities alone.

        Raises:
            NotFound: no group, status, facility or provider is called so
        """
        wanted = PatientFilter(self.status or None, self.facility or None, self.provider or None)
        query = filter_query(connection, wanted, statuses=settings.organisation.statuses)
        if self.group:
            query = query.where(patient.c.id.in_(group_query(connection, self.group)))
        return only_theirs(connection, by, query)

    def criteria(self) -> dict[str, Any]:
        """As the list keeps it."""
        return {name: value for name, value in asdict(self).items() if value}


def list_common(
    record: Record, settings: Settings, common: Common, *, by: str, limit: int
) -> tuple[list[Found], int]:
    """
    The first of them by name, and how many there are.

    Raises:
        NotFound: as `Common.query`
    """
    p = patient.c
    with record.read() as connection:
        who = common.query(connection, settings, by)
        count = connection.scalar(sa.select(sa.func.count()).select_from(who.subquery())) or 0
        rows = connection.execute(
            found_query()
            .where(p.id.in_(who))
            .order_by(sa.func.lower(p.family_name), sa.func.lower(p.given_name), p.id)
            .limit(limit)
        )
        return [Found(*row) for row in rows], int(count)


def take_common(
    record: Record, clock: Clock, settings: Settings, common: Common, picked: list[int] | None, *,
    request_key: str, name: str, by: str,
) -> int:  # fmt: skip
    """
    A list of those who were picked, or of all; its number. The same request key again: the same list.

    Args:
        picked: their keys, more than one (ARC-3); None: all (ARC-4). Whoever is not of the report is left out

    Raises:
        CohortRefused: not more than one was picked
        ListRefused: the list has no name
        NotFound: as `Common.query`
    """
    if picked is not None and len(set(picked)) < 2:
        raise CohortRefused(
            "picked-too-few", "Tick more than one patient, or take all patients of the report."
        )
    with record.read() as connection:
        who = common.query(connection, settings, by)
    if picked is not None:
        who = sa.select(patient.c.id).where(is_any_of(patient.c.id, picked), patient.c.id.in_(who))
    source = "group" if common.group and not _filters(common) else "filter"
    return take_in_query(
        record, clock, who, source=source, criteria=common.criteria(), request_key=request_key,
        name=name, taken_by=by,
    )  # fmt: skip


def _filters(common: Common) -> bool:
    return bool(common.status or common.facility or common.provider)
