"""
Visit scheduling (ALC-7, ALC-29 to ALC-31): a visit for each selected patient, where there is time.

    patients, opening hours, what is booked ─► place (placing.py) ─► visit_plan ─► items

Every proposed visit is stored when the operation is planned, so that what is approved is what is booked.
Who cannot be placed is listed with the reason. All patients of an operation pass through this process
once, some 300 bytes each. Undo cancels what was booked and is as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.locks import holder_of
from clinic.change.core.operation_kind import (
    Items,
    Kind,
    Plan,
    Reason,
    Words,
    chosen_patients,
    has_died,
    held_by_another,
    item_columns,
    restricted,
)
from clinic.change.core.outcomes import NO_FACILITY, NO_PROVIDER, NO_SLOT, VISIT_EXISTS
from clinic.change.visits.field import TAKES_TIME
from clinic.change.visits.placing import Diary, Placed, Wish, place
from clinic.change.visits.request import AUTO, LONGEST, OWN, VisitRequest, read_request, require
from clinic.change.visits.slots import (
    Slot,
    Spans,
    free_slots,
    instant_of,
    minute_of,
    opening_of,
    slots_between,
)
from clinic.errors import OperationRefused
from clinic.record.bulk import insert_rows
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.record.schema.visits import visit_plan
from clinic.record.statistics import count_filled

_REASONS: Final = (NO_FACILITY, NO_PROVIDER, NO_SLOT, VISIT_EXISTS)
_NUMBER_BITS: Final = 24
_COLUMNS: Final = (
    "id", "operation_id", "patient_id", "occurrence", "provider_id", "facility_id", "starts_at",
    "ends_at", "looks_back_to", "minutes", "visit_type", "told", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Doctor:
    """A provider who may be booked; `facility_id`: where they work, if at one place."""

    id: int
    code: str
    facility_id: int | None
    facility: str


@dataclass(frozen=True)
class Comer:
    """A patient to be placed."""

    id: int
    facility_id: int | None
    provider_id: int | None


def items(connection: Connection, plan: Plan) -> Iterator[Items]:
    """One item a patient and occurrence."""
    wanted = read_request(plan.parameters)
    _store(connection, plan, wanted)
    p = visit_plan.c
    proposed = sa.and_(p.operation_id == plan.operation_id, p.patient_id == patient.c.id)
    yield item_columns(
        chosen_patients(plan).outerjoin_from(patient, visit_plan, proposed),
        operation_id=plan.operation_id,
        patient_id=patient.c.id,
        field="visit",
        subject=sa.func.coalesce(p.id, 0),
        old=sa.cast(sa.null(), sa.Text),
        new=p.told,
        version=sa.literal(0),
        reasons=(
            held_by_another(patient.c.id),
            restricted(patient.c.id),
            has_died(),
            *(Reason(p.reason == reason, reason) for reason in _REASONS),
        ),
    )


def _store(connection: Connection, plan: Plan, wanted: VisitRequest) -> None:
    doctors = _doctors(connection, wanted)
    comers = _comers(connection, plan)
    if len(comers) * len(wanted.spans) >= 1 << _NUMBER_BITS:
        raise OperationRefused("visits-too-many", "divide the patients, or repeat less often")
    found = [*_placed(connection, plan, wanted, doctors, comers)]
    by_id = {doctor.id: doctor for doctor in doctors}
    homes = {comer.id: comer.facility_id for comer in comers}
    rows = (
        _row(plan, wanted, number, each, reason, by_id, homes)
        for number, (each, reason) in enumerate(found, start=1)
    )
    insert_rows(connection, visit_plan, _COLUMNS, rows)
    count_filled(connection, len(found), visit_plan)


def _row(
    plan: Plan,
    wanted: VisitRequest,
    number: int,
    each: Placed,
    reason: str | None,
    doctors: dict[int, Doctor],
    homes: dict[int, int | None],
) -> tuple[Any, ...]:
    wish = each.wish
    key = (plan.operation_id << _NUMBER_BITS) | number
    head = (key, plan.operation_id, wish.patient_id, wish.occurrence)
    what = (wanted.minutes, wanted.visit_type)
    if each.provider_id is None:
        return (*head, None, None, None, None, None, *what, None, reason)
    doctor = doctors[each.provider_id]
    where = doctor.facility_id or homes[wish.patient_id]
    starts = instant_of(each.start)
    ends, back = starts + timedelta(minutes=wanted.minutes), starts - timedelta(minutes=LONGEST)
    at = starts.astimezone(ZoneInfo(plan.settings.organisation.time_zone))  # as people read it
    told = f"{wanted.visit_type}, {at:%Y-%m-%d %H:%M %Z}, {wanted.minutes} min, {doctor.code}"
    return (*head, doctor.id, where, starts, ends, back, *what, told, None)


def _doctors(connection: Connection, wanted: VisitRequest) -> list[Doctor]:
    c = provider.c
    query = (
        sa.select(c.id, c.code, c.facility_id, sa.func.coalesce(facility.c.code, ""))
        .select_from(provider.outerjoin(facility, facility.c.id == c.facility_id))
        .where(c.active)
        .order_by(c.id)
    )
    if wanted.provider not in (AUTO, OWN):
        query = query.where(c.code == wanted.provider)
    return [Doctor(*row) for row in connection.execute(query).tuples()]


def _comers(connection: Connection, plan: Plan) -> list[Comer]:
    """The living whom no other operation holds, in the order of their ids."""
    p = patient.c
    query = (
        chosen_patients(plan)
        .add_columns(p.id, p.facility_id, p.provider_id)
        .where(p.death_date.is_(None), holder_of(p.id).is_(None))
        .order_by(p.id)
    )
    return [Comer(*row) for row in connection.execute(query)]


def _placed(
    connection: Connection,
    plan: Plan,
    wanted: VisitRequest,
    doctors: Sequence[Doctor],
    comers: Sequence[Comer],
) -> Iterator[tuple[Placed, str | None]]:
    """Every patient and occurrence: where it came, or why not."""
    booked = _Booked(connection, plan, wanted)
    pools = _pools(wanted, doctors)
    wishes = []
    for number in range(1, len(wanted.spans) + 1):
        for comer in comers:
            key = _pool_of(wanted, comer)
            wish = Wish(comer.id, number, key)
            reason = _why_not(wanted, comer, key in pools)
            if (comer.id, number) in booked.same_type:
                reason = VISIT_EXISTS
            if reason is None:
                wishes.append(wish)
            else:
                yield Placed(wish), reason
    free = booked.free(plan, wanted, doctors)
    load = {doctor.id: len(booked.of_provider.get(doctor.id, ())) for doctor in doctors}
    diary = Diary(wanted.minutes, free, load, booked.of_patient)
    for each in place(wishes, pools, diary):
        yield each, NO_SLOT if each.provider_id is None else None


def _pools(wanted: VisitRequest, doctors: Sequence[Doctor]) -> dict[str, list[int]]:
    pools: dict[str, list[int]] = defaultdict(list)
    for doctor in doctors:
        if wanted.provider == AUTO and doctor.facility_id is not None:
            pools[f"facility {doctor.facility_id}"].append(doctor.id)
        if wanted.provider != AUTO:
            pools[f"provider {doctor.id}" if wanted.provider == OWN else "named"].append(doctor.id)
    return dict(pools)


def _pool_of(wanted: VisitRequest, comer: Comer) -> str:
    if wanted.provider == AUTO:
        return f"facility {comer.facility_id}"
    return f"provider {comer.provider_id}" if wanted.provider == OWN else "named"


def _why_not(wanted: VisitRequest, comer: Comer, has_pool: bool) -> str | None:
    if wanted.provider == AUTO and comer.facility_id is None:
        return NO_FACILITY
    return None if has_pool else NO_PROVIDER


class _Booked:
    """What providers and patients have in the days of the request."""

    def __init__(self, connection: Connection, plan: Plan, wanted: VisitRequest) -> None:
        self.zone = ZoneInfo(plan.settings.organisation.time_zone)
        self.of_provider: dict[int, Spans] = defaultdict(list)
        self.of_patient: dict[int, Spans] = defaultdict(list)
        self.same_type: set[tuple[int, int]] = set()
        self._days: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        chosen = chosen_patients(plan).add_columns(patient.c.id)
        patients = set(connection.execute(chosen).scalars())
        for whose, by, starts, minutes, kind in connection.execute(self._query(wanted)):
            begin = minute_of(starts)
            span, day = (begin, begin + minutes), starts.astimezone(self.zone).date()
            if by is not None:
                self.of_provider[by].append(span)
                self._days[by][day.toordinal()] += 1
            if whose in patients:
                self.of_patient[whose].append(span)
                if kind == wanted.visit_type:
                    self._note_same(whose, day, wanted)

    def _query(self, wanted: VisitRequest) -> sa.Select[Any]:
        first, last = wanted.spans[0][0], wanted.spans[-1][1]
        begin = datetime.combine(first, time(), self.zone).astimezone(UTC)
        end = datetime.combine(last + timedelta(days=1), time(), self.zone).astimezone(UTC)
        a = appointment.c
        return sa.select(a.patient_id, a.provider_id, a.starts_at, a.minutes, a.visit_type).where(
            a.starts_at > begin - timedelta(minutes=LONGEST),
            a.starts_at < end,
            a.status.in_(TAKES_TIME),
        )

    def _note_same(self, whose: int, day: Any, wanted: VisitRequest) -> None:
        for number, (first, last) in enumerate(wanted.spans, start=1):
            if first <= day <= last:
                self.same_type.add((whose, number))

    def free(
        self, plan: Plan, wanted: VisitRequest, doctors: Sequence[Doctor]
    ) -> dict[tuple[int, int], list[Slot]]:
        """(provider, occurrence) → free slots in order."""
        rules = plan.settings.visits
        made: dict[tuple[str, int], list[Slot]] = {}
        free = {}
        for doctor in doctors:
            most = rules.per_day_of.get(doctor.code, rules.per_day)
            most = min(most, wanted.per_day or most)
            for number, span in enumerate(wanted.spans, start=1):
                key = (doctor.facility, number)
                if key not in made:
                    opening = opening_of(plan.settings, doctor.facility, wanted.between)
                    made[key] = [] if opening is None else slots_between(
                        opening, *span, minutes=wanted.minutes, not_before=plan.now
                    )  # fmt: skip
                free[(doctor.id, number)] = free_slots(
                    made[key], self.of_provider.get(doctor.id, []), self._days[doctor.id],
                    minutes=wanted.minutes, most=most,
                )  # fmt: skip
        return free


VISIT = Kind(
    name="visit",
    title="Visit scheduling",
    flow="schedule-visits",
    fields=("visit",),
    require=require,
    items=items,
    words=Words("will be booked", "booked"),
)
