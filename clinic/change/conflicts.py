"""Finds, in the transaction that writes, what somebody else changed since the review."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.fields import FIELDS, Part
from clinic.change.outcomes import AT_APPLY, CHANGED_SINCE, NOT_CHANGED_WITH
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, patient, provider
from clinic.record.schema.visits import visit_plan


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


def mark_conflicts(connection: Connection, part: Part, fields: tuple[str, ...]) -> bool:
    """
    Items whose patient or visit has another version or value than was reviewed are not applied.

    A visit is not changed either if its patient's own change is not. Whether there were any.
    """
    marked = 0
    for name in fields:
        field = FIELDS[name]
        holder, found = field.holder(operation_item)
        as_reviewed = sa.exists().where(
            found,
            holder.c.version == operation_item.c.version_before,
            field.value(operation_item, holder).is_not_distinct_from(operation_item.c.old),
        )
        marked += connection.execute(
            sa.update(operation_item)
            .where(part.changing(name), ~as_reviewed)
            .values(outcome=CHANGED_SINCE)
        ).rowcount
    visits = tuple(name for name in fields if FIELDS[name].of_visit)
    if marked and visits and len(visits) < len(fields):
        _keep_with_patient(connection, part, visits)
    return marked > 0


def _keep_with_patient(connection: Connection, part: Part, visits: tuple[str, ...]) -> None:
    own = operation_item.alias("own")
    unchanged = sa.select(own.c.patient_id).where(
        part.items(own), own.c.field.not_in(visits), own.c.outcome.in_(AT_APPLY)
    )
    connection.execute(
        sa.update(operation_item)
        .where(part.changing(*visits), operation_item.c.patient_id.in_(unchanged))
        .values(outcome=NOT_CHANGED_WITH)
    )
