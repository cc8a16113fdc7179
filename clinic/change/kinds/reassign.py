"""
Provider reassignment (ALC-3, ALC-17 to ALC-20): a provider leaves, is full, or is not the right one.

The destination is one provider, several (evenly or by the room still has), or each facility's
default. The patients' future visits with their old provider go along, stay, or are cancelled and
listed to be rebooked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.core.operation_kind import (
    FollowUp,
    Items,
    Kind,
    Parameters,
    Plan,
    Reason,
    chosen_patients,
    has_died,
    held_by_another,
    item_columns,
    patient_items,
    restricted,
)
from clinic.change.core.outcomes import (
    DEFAULT_ELSEWHERE,
    NO_CAPACITY,
    NO_DEFAULT_PROVIDER,
    WILL_CHANGE,
)
from clinic.cohort.filters import code_of, there_are
from clinic.errors import NotFound, OperationRefused
from clinic.record.bulk import is_any_of
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.settings import Settings

BY: Final = ("even", "capacity")
VISITS: Final = ("reassign", "keep", "cancel")


def require(connection: Connection, _settings: Settings, parameters: Parameters) -> Parameters:
    """
    `to`: codes or names of providers, or empty for each facility's default; `by`: even or capacity, for
    several; `visits`: reassign, keep, or cancel (and reschedule).

    Raises:
        OperationRefused: `by` or `visits` is none of these
        NotFound: there is no such active provider
    """
    named = (code_of(connection, provider, code) for code in parameters.get("to", ()))
    to = list(dict.fromkeys(named))
    by, visits = parameters.get("by", "even"), parameters.get("visits", "reassign")
    if by not in BY or visits not in VISITS:
        raise OperationRefused(
            "reassign-how", f"by is one of {', '.join(BY)}; visits is one of {', '.join(VISITS)}"
        )
    known = provider_ids(connection, to)
    if unknown := [code for code in to if code not in known]:
        active = there_are(connection, provider.c.code, provider.c.active)
        says = f"no active provider is called {', '.join(unknown)}; {active}"
        raise NotFound("provider-unknown", says)
    return {"to": to, "by": by, "visits": visits}


def provider_ids(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Code → id of the active ones among them."""
    found = connection.execute(
        sa.select(provider.c.code, provider.c.id).where(
            is_any_of(provider.c.code, codes), provider.c.active
        )
    )
    return {code: int(key) for code, key in found.tuples()}


def items(connection: Connection, plan: Plan) -> Iterator[Items]:
    """The patients' provider, then the visits that were with the old one."""
    if plan.parameters["to"]:
        yield _to_named(connection, plan)
    else:
        yield to_facility_default(plan)
    yield from visit_items(plan, plan.parameters["visits"])


def to_facility_default(plan: Plan) -> Items:
    """Each patient to the default provider of their own facility."""
    source = chosen_patients(plan).outerjoin_from(
        patient, facility, facility.c.id == patient.c.facility_id
    )
    default = facility.c.default_provider_id
    missing = Reason(default.is_(None), NO_DEFAULT_PROVIDER)
    works_at = sa.select(provider.c.facility_id).where(provider.c.id == default).scalar_subquery()
    elsewhere = Reason(works_at != facility.c.id, DEFAULT_ELSEWHERE)
    return patient_items(
        plan,
        field="provider",
        old=patient.c.provider_id,
        new=default,
        reasons=(has_died(), missing, elsewhere),
        source=source,
    )


def _to_named(connection: Connection, plan: Plan) -> Items:
    """
    The n-th living patient goes to the provider in whose share n falls.

    Ranked where they are read: a join with the ranks would read all of them again for each patient. And
    beneath the rest, so that each rank is reckoned once and not once a provider.
    """
    known = provider_ids(connection, plan.parameters["to"])
    providers = [known[code] for code in plan.parameters["to"] if code in known]
    living = chosen_patients(plan).where(patient.c.death_date.is_(None))
    count = connection.scalar(living.add_columns(sa.func.count())) or 0
    if plan.parameters["by"] == "even" or len(providers) == 1:
        shares = even_shares(count, len(providers))
    else:
        shares = capacity_shares(count, _room(connection, providers, living))
    alive = sa.case((has_died().when, 0), else_=1)
    rank = sa.func.sum(alive).over(order_by=patient.c.id, rows=(None, 0)) - 1
    names = ("id", "provider_id", "version", "death_date")
    columns = [patient.c[name] for name in names]
    ranked = chosen_patients(plan).add_columns(*columns, rank.label("rank")).subquery()
    dead = Reason(ranked.c.death_date.is_not(None), has_died().outcome)
    share = _in_whose_share(ranked.c.rank, providers, shares)
    new = sa.case((dead.when, None), else_=share)
    return item_columns(
        sa.select().select_from(ranked),
        operation_id=plan.operation_id,
        patient_id=ranked.c.id,
        field="provider",
        subject=sa.literal(0),
        old=ranked.c.provider_id,
        new=new,
        version=ranked.c.version,
        reasons=(
            held_by_another(ranked.c.id),
            restricted(ranked.c.id),
            dead,
            Reason(new.is_(None), NO_CAPACITY),
        ),
    )


def even_shares(count: int, providers: int) -> list[int]:
    """`count` in `providers` parts that differ by one at most."""
    return [count // providers + (n < count % providers) for n in range(providers)]


def capacity_shares(count: int, room: Sequence[int | None]) -> list[int]:
    """
    `count` in parts that are in proportion to the room each has; None: no limit.

    Nobody gets more than fits. Those without a limit take evenly what the others have no room for.
    """
    limited = sum(r for r in room if r is not None)
    unlimited = sum(r is None for r in room)
    if unlimited:
        # The limited ones first take an even share each, as far as it fits
        even = even_shares(count, len(room))
        shares = [e if r is None else min(e, r) for e, r in zip(even, room, strict=True)]
        rest = even_shares(count - sum(shares), unlimited)
        more = iter(rest)
        return [s + next(more) if r is None else s for s, r in zip(shares, room, strict=True)]
    given = min(count, limited)
    if not limited:
        return [0] * len(room)
    exact = [given * (r or 0) / limited for r in room]
    shares = [int(e) for e in exact]
    order = sorted(range(len(room)), key=lambda n: shares[n] - exact[n])
    for n in order[: given - sum(shares)]:
        shares[n] += 1
    return shares


def _room(connection: Connection, providers: Sequence[int], moving: Items) -> list[int | None]:
    """How many more each can take; the patients who are being moved count for nobody."""
    by_provider = sa.select(patient.c.provider_id, sa.func.count()).group_by(patient.c.provider_id)
    held = _counts(connection, by_provider.where(is_any_of(patient.c.provider_id, providers)))
    leaving = _counts(
        connection,
        moving.add_columns(patient.c.provider_id, sa.func.count()).group_by(patient.c.provider_id),
    )
    limits = sa.select(provider.c.id, provider.c.capacity).where(
        is_any_of(provider.c.id, providers)
    )
    limit = dict(connection.execute(limits).tuples().all())
    return [
        None if limit[key] is None else max(0, limit[key] - held[key] + leaving[key])
        for key in providers
    ]


def _counts(connection: Connection, query: sa.Select[Any]) -> Counter[int | None]:
    return Counter(dict(connection.execute(query).tuples().all()))


def _in_whose_share(
    rank: ColumnElement[int], providers: Sequence[int], shares: Sequence[int]
) -> ColumnElement[int]:
    bounds = zip(accumulate(shares), providers, strict=True)
    return sa.case(*((rank < bound, sa.literal(key)) for bound, key in bounds), else_=sa.null())


def visit_items(plan: Plan, visits: str) -> Iterator[Items]:
    """The future visits with the provider whom a patient leaves by this operation (ALC-20)."""
    if visits == "keep":
        return
    moved = operation_item.alias("moved")
    source = (
        sa.select()
        .select_from(moved.join(appointment, appointment.c.patient_id == moved.c.patient_id))
        .where(
            moved.c.operation_id == plan.operation_id,
            moved.c.field == "provider",
            moved.c.outcome == WILL_CHANGE,
            moved.c.new.is_not(None),
            sa.cast(appointment.c.provider_id, sa.Text) == moved.c.old,
            appointment.c.starts_at > plan.now,
            appointment.c.status == "booked",
        )
    )
    cancel = visits == "cancel"
    yield item_columns(
        source,
        operation_id=plan.operation_id,
        patient_id=moved.c.patient_id,
        field="visit_status" if cancel else "visit_provider",
        subject=appointment.c.id,
        old=appointment.c.status if cancel else sa.cast(appointment.c.provider_id, sa.Text),
        new=sa.literal("cancelled") if cancel else moved.c.new,
        version=appointment.c.version,
        reasons=(),
    )


def follow_ups(connection: Connection, plan: Plan) -> Sequence[FollowUp]:
    """The new providers to be told, and the visits to be rebooked."""
    return (*new_providers(connection, plan), *visits_to_book(connection, plan))


def new_providers(connection: Connection, plan: Plan) -> list[FollowUp]:
    """Who must be told of new patients, and of how many."""
    changed = _changed(plan, "provider")
    found = connection.execute(
        sa.select(provider.c.code, sa.func.count())
        .join(operation_item, sa.cast(provider.c.id, sa.Text) == operation_item.c.new)
        .where(changed)
        .group_by(provider.c.code)
        .order_by(provider.c.code)
    )
    return [FollowUp("notify_provider", count, code) for code, count in found.tuples()]


def visits_to_book(connection: Connection, plan: Plan) -> list[FollowUp]:
    """The visits that this operation cancelled: `cohort operations visits ID` lists them."""
    count = connection.scalar(
        sa.select(sa.func.count())
        .select_from(operation_item)
        .where(_changed(plan, "visit_status"), operation_item.c.new == "cancelled")
    )
    return [FollowUp("reschedule_visits", count)] if count else []


def _changed(plan: Plan, field: str) -> ColumnElement[bool]:
    return sa.and_(
        operation_item.c.operation_id == plan.operation_id,
        operation_item.c.field == field,
        operation_item.c.outcome == WILL_CHANGE,
    )


PROVIDER = Kind(
    name="provider",
    title="Provider reassignment",
    flow="reassign-provider",
    fields=("provider", "visit_provider", "visit_status"),
    require=require,
    items=items,
    follow_ups=follow_ups,
    by_version=lambda parameters: not parameters["to"],  # each facility's default
)
