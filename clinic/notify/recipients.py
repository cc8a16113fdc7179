"""
Who is told of an operation (ALC-32), and of how many patients: facilities, providers, or the team.

A facility or provider is concerned who has one of the operation's patients, had them before, or gets a
visit by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import facility, patient, provider
from clinic.record.schema.visits import visit_plan
from clinic.settings import Settings

Audience = Literal["facility", "provider", "internal"]


@dataclass(frozen=True)
class Told:
    """Who is told. `code`: of the facility or provider; `patients`: how many of theirs it concerns."""

    code: str
    name: str
    email: str | None
    patients: int


_PLACES: Final[dict[str, tuple[sa.Table, Any, Any]]] = {
    "facility": (facility, patient.c.facility_id, visit_plan.c.facility_id),
    "provider": (provider, patient.c.provider_id, visit_plan.c.provider_id),
}


def recipients_of(
    connection: Connection, settings: Settings, audience: Audience, operation_id: int
) -> list[Told]:
    """Everybody of an audience whom the operation concerns, by code."""
    if audience == "internal":
        count = connection.scalar(
            sa.select(sa.func.count(sa.distinct(operation_item.c.patient_id))).where(
                _changed(operation_id)
            )
        )
        return team(settings, patients=int(count or 0))
    table, now, by_visit = _PLACES[audience]
    touched = _touched(operation_id, audience, now, by_visit).subquery()
    found = connection.execute(
        sa.select(
            table.c.code, table.c.name, table.c.email,
            sa.func.count(sa.distinct(touched.c.patient_id)),
        )
        .select_from(table.join(touched, touched.c.place == table.c.id))
        .where(table.c.active)
        .group_by(table.c.code, table.c.name, table.c.email)
        .order_by(table.c.code)
    )  # fmt: skip
    return [Told(*row) for row in found.tuples()]


def team(settings: Settings, *, patients: int = 0) -> list[Told]:
    """The practice's own team (settings: notices.internal)."""
    return [
        Told(str(number), settings.organisation.name, address, patients)
        for number, address in enumerate(settings.notices.internal, start=1)
    ]


def _changed(operation_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        operation_item.c.operation_id == operation_id, operation_item.c.outcome == WILL_CHANGE
    )


def _touched(operation_id: int, audience: str, now: Any, by_visit: Any) -> sa.CompoundSelect[Any]:
    """Patient and place: where they are now, where they were or went, and where they have a visit."""
    i, changed = operation_item.c, _changed(operation_id)
    of_place = sa.and_(changed, i.field.in_((audience, f"visit_{audience}")))
    places = [
        sa.select(i.patient_id, sa.cast(column, sa.Integer).label("place")).where(of_place)
        for column in (i.old, i.new)
    ]
    return sa.union(
        sa.select(i.patient_id, now.label("place"))
        .select_from(operation_item.join(patient, patient.c.id == i.patient_id))
        .where(changed),
        *places,
        sa.select(i.patient_id, by_visit)
        .select_from(operation_item.join(visit_plan, visit_plan.c.id == i.subject_id))
        .where(changed, i.field == "visit"),
    )
