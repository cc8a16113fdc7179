"""Finds, in the transaction that writes, what somebody else changed since the review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause

from clinic.change.core.outcomes import (
    AT_APPLY,
    CHANGED_SINCE,
    DECEASED,
    DECEASED_ONCE,
    DIFFERS_OUTSIDE,
    NOT_CHANGED_WITH,
    RESTRICTED,
    WILL_CHANGE,
)
from clinic.change.core.part import Part
from clinic.change.fields import FIELDS
from clinic.govern.restricted import all_restricted, is_restricted
from clinic.record.bulk import is_any_of
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, patient, provider
from clinic.record.schema.visits import visit_plan

SINCE_REVIEW: Final = "since-review"  # the detail of who died after it


@dataclass(frozen=True)
class GoingBy:
    """
    What an operation goes by when it is applied.

    version: anything else that was changed of a patient counts, because the new value was made from it
    dead_stay: who is deceased is left out
    """

    version: bool = False
    dead_stay: bool = True


def found_at_apply(items: FromClause = operation_item) -> ColumnElement[bool]:
    """Items that were to be changed and, as it turned out, were not."""
    since = (items.c.outcome.in_((DECEASED, DECEASED_ONCE, RESTRICTED))) & (
        items.c.detail == SINCE_REVIEW
    )
    return sa.or_(items.c.outcome.in_(AT_APPLY), since)


def any_restricted(connection: Connection, part: Part, fields: tuple[str, ...]) -> bool:
    """Whether the data of somebody who is to be changed may not be used any more."""
    few = all_restricted(connection)
    here = sa.exists().where(part.changing(*fields), operation_item.c.patient_id.in_(few))
    return bool(few and connection.scalar(sa.select(here)))


def lock_holders(connection: Connection, part: Part, fields: tuple[str, ...]) -> None:
    """
    Keep everybody else from the rows until the transaction ends, so that what is compared is written.

    Needless on SQLite, where one writes at a time.
    """
    if connection.dialect.name != "postgresql":
        return
    items = operation_item.c
    of_patients = tuple(name for name in fields if not FIELDS[name].of_visit)
    of_visits = tuple(name for name in fields if FIELDS[name].of_visit)
    for table, key, names in (
        (patient, items.patient_id, of_patients),
        (appointment, items.subject_id, of_visits),
    ):
        if names:
            keys = sa.select(key).where(part.changing(*names))
            rows = sa.select(table.c.id).where(table.c.id.in_(keys)).order_by(table.c.id)
            connection.execute(
                sa.select(sa.func.count()).select_from(rows.with_for_update().subquery())
            )
    if "visit" in fields:
        _lock_providers(connection, part)


def _lock_providers(connection: Connection, part: Part) -> None:
    """Whoever books visits with a provider does so alone: two bookings of one time see each other."""
    plan, items = visit_plan.c, operation_item.c
    booking = (
        sa.select(plan.provider_id)
        .select_from(operation_item.join(visit_plan, plan.id == items.subject_id))
        .where(part.changing("visit"))
    )
    rows = sa.select(provider.c.id).where(provider.c.id.in_(booking)).order_by(provider.c.id)
    connection.execute(rows.with_for_update()).all()


def mark_conflicts(
    connection: Connection, part: Part, fields: tuple[str, ...], going_by: GoingBy
) -> bool:
    """
    Items whose field has another value than was reviewed, or whose patient is deceased, are not applied.

    What else was changed of a patient is no conflict; of a visit it is. A visit is not changed either if
    its patient's own change is not. Whether there were any.
    """
    marked = _leave_the_dead(connection, part, fields) if going_by.dead_stay else 0
    marked += _leave_the_restricted(connection, part, fields)
    for name in fields:
        field = FIELDS[name]
        holder, found = field.holder(operation_item)
        has_value = field.value(operation_item, holder).is_not_distinct_from(operation_item.c.old)
        same_version = holder.c.version == operation_item.c.version_before
        by_version = going_by.version or field.of_visit or name == "visit"
        as_reviewed = sa.exists().where(found, has_value, same_version if by_version else sa.true())
        marked += connection.execute(
            sa.update(operation_item)
            .where(part.changing(name), ~as_reviewed)
            .values(outcome=CHANGED_SINCE)
        ).rowcount
        if not by_version:
            _note_version(connection, part, name)
    visits = tuple(name for name in fields if FIELDS[name].of_visit)
    if marked and visits and len(visits) < len(fields):
        _keep_with_patient(connection, part, visits)
    return marked > 0


def leave_differing(connection: Connection, part: Part, kept: Mapping[int, str]) -> None:
    """Whom the clinical record outside does not let change stays as they are, visits too (NEW-18)."""
    for code in sorted(set(kept.values())):
        whose = [key for key, why in kept.items() if why == code]
        items = operation_item.c
        connection.execute(
            sa.update(operation_item)
            .where(part.items(), items.outcome == WILL_CHANGE, is_any_of(items.patient_id, whose))
            .values(outcome=DIFFERS_OUTSIDE, detail=code)
        )


def _leave_the_dead(connection: Connection, part: Part, fields: tuple[str, ...]) -> int:
    """Who died after the review keeps the record they had, whatever their version says."""
    dead = sa.select(patient.c.id).where(
        patient.c.id.between(part.first, part.last), patient.c.death_date.is_not(None)
    )
    return connection.execute(
        sa.update(operation_item)
        .where(part.changing(*fields), operation_item.c.patient_id.in_(dead))
        .values(outcome=DECEASED, detail=SINCE_REVIEW)
    ).rowcount


def _leave_the_restricted(connection: Connection, part: Part, fields: tuple[str, ...]) -> int:
    """Whose data may not be used since the review (NEW-36)."""
    item = operation_item.c
    return connection.execute(
        sa.update(operation_item)
        .where(part.changing(*fields), is_restricted(item.patient_id))
        .values(outcome=RESTRICTED, detail=SINCE_REVIEW)
    ).rowcount


def _note_version(connection: Connection, part: Part, name: str) -> None:
    """The version that is really changed from, of those of whom something else was changed since."""
    holder, found = FIELDS[name].holder(operation_item)
    now = sa.select(holder.c.version).where(found).scalar_subquery()
    connection.execute(
        sa.update(operation_item)
        .where(part.changing(name), operation_item.c.version_before != now)
        .values(version_before=now)
    )


def _keep_with_patient(connection: Connection, part: Part, visits: tuple[str, ...]) -> None:
    own = operation_item.alias("own")
    unchanged = sa.select(own.c.patient_id).where(
        part.items(own), own.c.field.not_in(visits), found_at_apply(own)
    )
    connection.execute(
        sa.update(operation_item)
        .where(part.changing(*visits), operation_item.c.patient_id.in_(unchanged))
        .values(outcome=NOT_CHANGED_WITH)
    )
