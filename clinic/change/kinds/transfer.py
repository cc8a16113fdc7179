"""
Facility transfer (ALC-4, ALC-21 to ALC-23): patients go to another facility.

Their provider stays, becomes the destination's default, or is left for later. Future visits move along
if whoever holds them works at the destination; the others stay and are on the checklist of follow-ups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.operation_kind import (
    FollowUp,
    Items,
    Kind,
    Parameters,
    Plan,
    Reason,
    has_died,
    item_columns,
    patient_items,
)
from clinic.change.core.outcomes import ALREADY_SO, NO_DEFAULT_PROVIDER, VISIT_STAYS, WILL_CHANGE
from clinic.change.kinds.reassign import new_providers
from clinic.cohort.filters import code_of, there_are
from clinic.errors import NotFound, OperationRefused
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.settings import Settings

PROVIDER: Final = ("keep", "default", "later")


def require(connection: Connection, _settings: Settings, parameters: Parameters) -> Parameters:
    """
    `to`: the destination's code or name; `provider`: keep, default, or later (none until somebody chooses).

    Raises:
        NotFound: there is no such active facility
        OperationRefused: `provider` is none of these, or the destination has no default provider
    """
    how = parameters.get("provider", "keep")
    if how not in PROVIDER:
        raise OperationRefused("transfer-how", f"provider is one of {', '.join(PROVIDER)}")
    to = code_of(connection, facility, str(parameters.get("to", "")))
    found = connection.execute(
        sa.select(facility.c.id, facility.c.default_provider_id, provider.c.facility_id)
        .outerjoin_from(facility, provider, provider.c.id == facility.c.default_provider_id)
        .where(facility.c.code == to, facility.c.active)
    ).one_or_none()
    if found is None:
        named = there_are(connection, facility.c.code, facility.c.active)
        raise NotFound("facility-unknown", f"no active facility has this code; {named}")
    if how == "default" and found.default_provider_id is None:
        raise OperationRefused(
            NO_DEFAULT_PROVIDER.replace("_", "-"),
            "the destination has no default provider: set one, or leave the provider for later",
        )
    if how == "default" and found.facility_id not in (None, found.id):
        raise OperationRefused(
            "default-elsewhere",
            "the destination's default provider works at another facility: set another one "
            "(cohort places facility), or leave the provider for later",
        )
    return {"to": to, "provider": how}


def items(connection: Connection, plan: Plan) -> Iterator[Items]:
    """The facility, the provider if it changes too, then the visits."""
    to, default = connection.execute(
        sa.select(facility.c.id, facility.c.default_provider_id).where(
            facility.c.code == plan.parameters["to"]
        )
    ).one()
    stays = (Reason(patient.c.facility_id == to, ALREADY_SO), has_died())
    yield patient_items(
        plan, field="facility", old=patient.c.facility_id, new=sa.literal(to), reasons=stays
    )
    if plan.parameters["provider"] != "keep":
        new = sa.literal(default if plan.parameters["provider"] == "default" else None, sa.Integer)
        yield patient_items(
            plan, field="provider", old=patient.c.provider_id, new=new, reasons=stays
        )
    yield _visits(plan, to)


def _visits(plan: Plan, to: int) -> Items:
    moved = operation_item.alias("moved")
    holder = provider.alias("holder")
    joined = moved.join(appointment, appointment.c.patient_id == moved.c.patient_id).outerjoin(
        holder, holder.c.id == appointment.c.provider_id
    )
    source = (
        sa.select()
        .select_from(joined)
        .where(
            moved.c.operation_id == plan.operation_id,
            moved.c.field == "facility",
            moved.c.outcome == WILL_CHANGE,
            appointment.c.starts_at > plan.now,
            appointment.c.status == "booked",
            appointment.c.facility_id.is_distinct_from(to),
        )
    )
    works_elsewhere = sa.and_(holder.c.facility_id.is_not(None), holder.c.facility_id != to)
    return item_columns(
        source,
        operation_id=plan.operation_id,
        patient_id=moved.c.patient_id,
        field="visit_facility",
        subject=appointment.c.id,
        old=appointment.c.facility_id,
        new=sa.literal(to),
        version=appointment.c.version,
        reasons=(Reason(works_elsewhere, VISIT_STAYS),),
    )


def follow_ups(connection: Connection, plan: Plan) -> Sequence[FollowUp]:
    """ALC-23: tell the destination and the new providers; visits that stayed; patients with nobody."""
    counts = {
        "notify_facility": _count(connection, plan, "facility", WILL_CHANGE),
        "review_visits": _count(connection, plan, "visit_facility", VISIT_STAYS),
        "assign_provider": _without_provider(connection, plan),
    }
    subjects = {"notify_facility": str(plan.parameters["to"])}
    made = [
        FollowUp(code, count, subjects.get(code, "")) for code, count in counts.items() if count
    ]
    return [*made, *new_providers(connection, plan)]


def _count(connection: Connection, plan: Plan, field: str, outcome: str) -> int:
    found = connection.scalar(
        sa.select(sa.func.count())
        .select_from(operation_item)
        .where(
            operation_item.c.operation_id == plan.operation_id,
            operation_item.c.field == field,
            operation_item.c.outcome == outcome,
        )
    )
    return int(found or 0)


def _without_provider(connection: Connection, plan: Plan) -> int:
    """Of the patients who move, those who have nobody then: told alike before and after it is applied."""
    new = operation_item.alias("new")
    with_new = sa.and_(
        new.c.operation_id == operation_item.c.operation_id,
        new.c.patient_id == operation_item.c.patient_id,
        new.c.field == "provider",
        new.c.outcome == WILL_CHANGE,
    )
    provider_now = sa.cast(patient.c.provider_id, sa.Text)
    found = connection.scalar(
        sa.select(sa.func.count())
        .select_from(
            operation_item.join(patient, patient.c.id == operation_item.c.patient_id).outerjoin(
                new, with_new
            )
        )
        .where(
            operation_item.c.operation_id == plan.operation_id,
            operation_item.c.field == "facility",
            operation_item.c.outcome == WILL_CHANGE,
            sa.case((new.c.field.is_not(None), new.c.new), else_=provider_now).is_(None),
        )
    )
    return int(found or 0)


FACILITY = Kind(
    name="facility",
    title="Facility transfer",
    flow="transfer-facility",
    fields=("facility", "provider", "visit_facility"),
    require=require,
    items=items,
    follow_ups=follow_ups,
)
