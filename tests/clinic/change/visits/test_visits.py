"""Scheduling: who is booked with whom and when, who cannot be and why, and how it is taken back."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.review.review import read_lines
from clinic.change.run.apply import apply_chunk, begin
from clinic.change.run.undo import request_undo
from clinic.change.visits.field import TAKES_TIME
from clinic.change.visits.request import read_request
from clinic.errors import NotFound, OperationRefused
from clinic.govern.audit.rows import audit_item
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.people import appointment, patient, provider
from clinic.settings import Operations, Settings, Visits
from tests.clinic.change.practice import (
    ASKER,
    applied,
    approved,
    asked,
    die,
    done,
    outcomes,
    patients,
    places,
    practice,
    staff,
    update,
    visits,
)
from tests.fakes import FakeClock

MORNINGS = {"*": {"mon": ("09:00-10:00",), "tue": ("09:00-10:00",)}}
# Monday 9 and Tuesday 10 March 2026, an hour each
TWO_DAYS = {"type": "wellness", "from": "2026-03-09", "to": "2026-03-10", "minutes": 20}


def rules(**values: Any) -> Settings:
    """Two mornings a week, three visits each, unless told."""
    usual: dict[str, Any] = {"opening": MORNINGS, "per_day": 3}
    return Settings(operations=Operations(chunk_size=2), visits=Visits(**(usual | values)))


def scheduled(
    record: Record,
    clock: FakeClock,
    settings: Settings,
    ids: Any = range(1, 7),
    key: str = "",
    **changes: Any,
) -> int:
    """An operation that is through; its id."""
    operation_id = asked(
        record, clock, "visit", TWO_DAYS | changes, ids, settings=settings, key=key
    )
    done(record, clock, operation_id, settings=settings)
    return operation_id


def booked(record: Record) -> list[tuple[int, int | None, str]]:
    """(patient, provider, when) of every visit that is booked, by patient and time."""
    a = appointment.c
    with record.read() as connection:
        found = connection.execute(
            sa.select(a.patient_id, a.provider_id, a.starts_at)
            .where(a.status == "booked")
            .order_by(a.patient_id, a.starts_at)
        )
        return [(who, by, f"{at:%a %H:%M}") for who, by, at in found.tuples()]


def test_everybody_gets_a_visit_of_the_type_and_length_and_it_is_audited(
    record: Record, clock: FakeClock
) -> None:
    """ALC-7, ALC-29, ALC-30: wellness visits for a facility; the audit has the new values."""
    practice(record)
    scheduled(record, clock, rules(), [1, 2])
    with record.read() as connection:
        rows = connection.execute(sa.select(appointment).order_by(appointment.c.patient_id)).all()
        items = connection.execute(
            sa.select(audit_item.c.old_values, audit_item.c.new_values)
        ).all()
    assert [(row.visit_type, row.minutes, row.facility_id, row.place) for row in rows] == [
        ("wellness", 20, 1, "North")
    ] * 2
    assert [row.starts_at for row in rows] == [datetime(2026, 3, 9, 9, tzinfo=UTC)] * 2
    assert all("null" in old for old, _ in items)
    assert all("wellness, 2026-03-09 09:00 GMT, 20 min, P" in new for _, new in items)
    assert verify(record, None).holds


def test_auto_assign_balances_the_providers_of_each_facility(
    record: Record, clock: FakeClock
) -> None:
    """ALC-30: what they have already counts."""
    practice(record)
    visits(record, [(1001, 6, 1, 1, 7), (1002, 6, 1, 1, 8)])  # P1 has two visits in the range
    scheduled(record, clock, rules(), range(1, 6))
    by = Counter(provider_id for who, provider_id, _ in booked(record) if who < 6)
    assert by == {1: 2, 2: 3}


def test_a_named_provider_takes_all_and_own_means_each_patients_own(
    record: Record, clock: FakeClock
) -> None:
    """ALC-29: a new provider's patients."""
    practice(record)
    update(record, 2, provider_id=3, facility_id=2)
    scheduled(record, clock, rules(), [1, 2], provider="P2")
    assert {by for _, by, _ in booked(record)} == {2}
    scheduled(record, clock, rules(), [1, 2], key="own", provider="own", type="review")
    assert [by for _, by, _ in booked(record)] == [2, 1, 3, 2]


def test_no_provider_gets_more_visits_a_day_than_the_limit(
    record: Record, clock: FakeClock
) -> None:
    """ALC-31: booked ones count; the operation may lower the limit, the settings lower it for one."""
    practice(record)
    visits(record, [(1001, 6, 1, 1, 8)])  # Tuesday 9:00
    scheduled(record, clock, rules(per_day=2), range(1, 6), provider="P1")
    days = Counter(when[:3] for _, by, when in booked(record) if by == 1)
    assert days == {"Mon": 2, "Tue": 2}
    lower = rules(per_day_of={"P2": 1})
    scheduled(record, clock, lower, range(1, 6), key="b", provider="P2", type="review", per_day=3)
    assert Counter(when[:3] for _, by, when in booked(record) if by == 2) == {"Mon": 1, "Tue": 1}


def test_nothing_overlaps_what_provider_or_patient_have(record: Record, clock: FakeClock) -> None:
    """ALC-31: a visit that began before the slot is in its way too."""
    practice(record)
    begin = datetime(2026, 3, 9, 8, 50, tzinfo=UTC)
    with record.write() as connection:
        connection.execute(
            sa.insert(appointment),
            [
                {"id": 1001, "patient_id": 6, "provider_id": 1, "starts_at": begin, "minutes": 15},
                {"id": 1002, "patient_id": 1, "provider_id": 4, "minutes": 15,
                 "starts_at": begin + timedelta(minutes=35)},
            ],
        )  # fmt: skip
    scheduled(record, clock, rules(), [1, 2], provider="P1")
    assert booked(record) == [
        (1, 4, "Mon 09:25"), (1, 1, "Mon 09:40"), (2, 1, "Mon 09:20"), (6, 1, "Mon 08:50"),
    ]  # fmt: skip


def test_a_cancelled_visit_is_in_nobodys_way(sqlite_record: Record, clock: FakeClock) -> None:
    practice(sqlite_record)
    visits(sqlite_record, [(1001, 6, 1, 1, 7)])
    with sqlite_record.write() as connection:
        connection.execute(sa.update(appointment).values(status="cancelled"))
    scheduled(sqlite_record, clock, rules(), [1], provider="P1")
    assert booked(sqlite_record) == [(1, 1, "Mon 09:00")]


def test_each_facility_has_its_hours_and_a_window_narrows_them(
    record: Record, clock: FakeClock
) -> None:
    """ALC-31: facility preferences and time windows; a facility that never opens has no time."""
    practice(record)
    update(record, 2, facility_id=2)
    update(record, 3, facility_id=3)
    with record.write() as connection:
        connection.execute(
            sa.insert(provider), {"id": 5, "code": "P5", "name": "Dr 5", "facility_id": 3}
        )
    opening = MORNINGS | {"F2": {"tue": ("14:00-18:00",)}, "F3": {}}
    settings = rules(opening=opening)
    operation_id = scheduled(record, clock, settings, [1, 2, 3], between="09:30-14:30")
    assert booked(record) == [(1, 1, "Mon 09:30"), (2, 3, "Tue 14:00")]
    assert outcomes(record, operation_id)[3] == "no_slot"


def test_opening_hours_are_by_the_wall_clock_and_holidays_are_closed(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """On 30 March 2026 London is at summer time: 9:00 there is 8:00 UTC. 6 April is Easter Monday."""
    practice(sqlite_record)
    settings = rules(opening={"*": {"mon": ("09:00-09:20",)}}).model_copy(
        update={
            "hours": Settings().hours.model_copy(update={"country": "GB", "subdivision": "ENG"})
        }
    )
    scheduled(
        sqlite_record, clock, settings, range(1, 5), provider="P1", **{"to": "2026-04-13", "from": "2026-03-23"}
    )  # fmt: skip
    with sqlite_record.read() as connection:
        days = connection.execute(sa.select(appointment.c.starts_at).order_by(appointment.c.id))
        assert [f"{at:%d %b %H:%M}" for at in days.scalars()] == [
            "23 Mar 09:00", "30 Mar 08:00", "13 Apr 08:00",
        ]  # fmt: skip
    # What is reviewed is in the organisation's time zone
    told = {line.new for line in read_lines(sqlite_record, 1, outcomes=["will_change"])}
    assert any("30 09:00 BST" in (words or "") for words in told)


def test_hours_across_midnight_in_utc_are_one_stretch(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """In Auckland Monday morning is still Sunday in UTC, and its window crosses UTC's midnight."""
    practice(sqlite_record)
    settings = rules(opening={"*": {"mon": ("12:30-13:30",)}})
    settings = settings.model_copy(
        update={
            "organisation": settings.organisation.model_copy(
                update={"time_zone": "Pacific/Auckland"}
            )
        }
    )
    scheduled(sqlite_record, clock, settings, [1], provider="P1", minutes=60)
    assert booked(sqlite_record) == [(1, 1, "Sun 23:30")]


def test_a_recurring_visit_is_booked_once_in_each_span(record: Record, clock: FakeClock) -> None:
    """ALC-29: a rule of RFC 5545 cuts the range; each patient has several items, and one audit item."""
    practice(record)
    dates = {"from": "2026-03-09", "to": "2026-03-29"}
    operation_id = scheduled(
        record, clock, rules(), [1, 2], provider="P1", repeat="FREQ=WEEKLY", **dates
    )
    with record.read() as connection:
        at = connection.execute(
            sa.select(appointment.c.patient_id, appointment.c.starts_at).order_by(
                appointment.c.starts_at
            )
        ).all()
        items = connection.scalar(sa.select(sa.func.count()).select_from(audit_item))
    assert [(who, f"{when:%d %H:%M}") for who, when in at] == [
        (1, "09 09:00"), (2, "09 09:20"), (1, "16 09:00"), (2, "16 09:20"), (1, "23 09:00"),
        (2, "23 09:20"),
    ]  # fmt: skip
    assert items == 2
    undone(record, clock, operation_id)
    assert booked(record) == []


def test_who_cannot_be_placed_is_listed_with_the_reason(record: Record, clock: FakeClock) -> None:
    """ALC-15, ALC-31."""
    practice(record)
    die(record, 1)
    update(record, 2, facility_id=None, provider_id=3)
    update(record, 3, facility_id=3)
    visits(record, [(1001, 4, 2, 1, 8)])
    with record.write() as connection:
        connection.execute(sa.update(appointment).values(visit_type="wellness"))
    tight = rules(opening={"*": {"mon": ("09:00-09:20",)}}, per_day=1)
    operation_id = scheduled(record, clock, tight, range(1, 7), per_day=1, between="09:00-09:20")
    assert outcomes(record, operation_id) == {
        1: "deceased", 2: "no_facility", 3: "no_provider", 4: "visit_exists",
        5: "will_change", 6: "will_change",
    }  # fmt: skip
    again = scheduled(record, clock, tight, [2, 3], key="own", provider="own", type="x")
    assert outcomes(record, again) == {2: "will_change", 3: "no_slot"}


def test_the_past_is_not_booked(sqlite_record: Record, clock: FakeClock) -> None:
    """The clock stands at Monday 10:00."""
    practice(sqlite_record)
    settings = rules(opening={"*": {"mon": ("09:00-11:00",)}})
    scheduled(
        sqlite_record, clock, settings, [1], provider="P1", **{"from": "2026-03-02", "to": "2026-03-02"}
    )  # fmt: skip
    assert booked(sqlite_record) == [(1, 1, "Mon 10:00")]


def test_planned_again_it_is_the_same_plan(record: Record, clock: FakeClock) -> None:
    """Deterministic: what one sees is what another would."""
    practice(record)
    made = []
    for key in ("first", "second"):
        operation_id = scheduled(record, clock, rules(), key=key)
        made.append(booked(record))
        undone(record, clock, operation_id)
    assert made[0] == made[1]
    assert len(made[0]) == 6


def undone(record: Record, clock: FakeClock, operation_id: int) -> int:
    """Undone and through; the undo's id."""
    settings = rules()
    back = request_undo(
        record, clock, settings, of=operation_id, requested_by=ASKER.name, reason="wrong week",
        request_key=f"undo-{operation_id}",
    )  # fmt: skip
    done(record, clock, back, settings=settings)
    return back


def test_undo_cancels_what_was_booked_and_is_undone_in_turn(
    record: Record, clock: FakeClock
) -> None:
    """ALC-39, NEW-2: the visits themselves come back, not others."""
    practice(record)
    operation_id = scheduled(record, clock, rules())
    before = booked(record)
    back = undone(record, clock, operation_id)
    assert booked(record) == []
    undone(record, clock, back)
    assert booked(record) == before
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(appointment)) == 6
    assert verify(record, None).holds


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"starts_at": datetime(2026, 3, 11, 9, tzinfo=UTC)}, "changed_since"),
        ({"provider_id": 2}, "changed_since"),
        ({"minutes": 40}, "changed_since"),
        ({"status": "arrived"}, "changed_since"),
        ({"status": "finished"}, "changed_since"),
        ({"status": "cancelled"}, "already_so"),
    ],
)
def test_undo_leaves_a_visit_that_is_no_longer_as_it_was_booked(
    record: Record, clock: FakeClock, change: dict[str, Any], outcome: str
) -> None:
    """ALC-39: still booked and unchanged, or it is somebody's own."""
    practice(record)
    operation_id = scheduled(record, clock, rules(), [1, 2], provider="P1")
    with record.write() as connection:
        connection.execute(
            sa.update(appointment)
            .where(appointment.c.patient_id == 1)
            .values(**change, version=appointment.c.version + 1)
        )
    back = undone(record, clock, operation_id)
    assert outcomes(record, back) == {1: outcome, 2: "will_change"}
    with record.read() as connection:
        row = connection.execute(sa.select(appointment).where(appointment.c.patient_id == 1)).one()
    assert {name: row._mapping[name] for name in change} == change


def test_a_time_that_was_taken_since_the_review_is_left_to_whoever_took_it(
    record: Record, clock: FakeClock
) -> None:
    """No double booking: the patient is listed, and asked for again they get another time."""
    practice(record)
    settings = rules()
    ours = asked(record, clock, "visit", TWO_DAYS | {"provider": "P1"}, [1, 2], settings=settings)
    theirs = asked(
        record, clock, "visit", TWO_DAYS | {"provider": "P1"}, [3], settings=settings, key="theirs"
    )
    approved(record, clock, ours, settings=settings)
    approved(record, clock, theirs, settings=settings)
    applied(record, clock, theirs, settings=settings)
    summary = applied(record, clock, ours, settings=settings)
    assert (summary.state, summary.applied, summary.conflicts) == ("done_with_conflicts", 1, 1)
    assert outcomes(record, ours) == {1: "changed_since", 2: "will_change"}
    assert booked(record) == [(2, 1, "Mon 09:20"), (3, 1, "Mon 09:00")]


def test_two_who_book_the_same_time_at_once_take_turns(
    record: Record, record_url: str, clock: FakeClock
) -> None:
    """The second waits until the first has committed, and then sees the visit."""
    practice(record)
    settings = rules()
    ours = asked(record, clock, "visit", TWO_DAYS | {"provider": "P1"}, [1], settings=settings)
    approved(record, clock, ours, settings=settings)
    begin(record, clock, ours)
    applying = Thread(target=apply_chunk, args=(record, clock, ours, 1))
    other = Record.open(record_url)
    with other.write() as connection:
        connection.execute(sa.select(provider).where(provider.c.id == 1).with_for_update()).all()
        applying.start()
        applying.join(0.3)
        assert applying.is_alive()
        visit = {"id": 1001, "patient_id": 6, "provider_id": 1, "minutes": 20}
        at = datetime(2026, 3, 9, 9, 10, tzinfo=UTC)
        connection.execute(sa.insert(appointment).values(visit | {"starts_at": at}))
    applying.join()
    other.close()
    assert outcomes(record, ours) == {1: "changed_since"}
    assert booked(record) == [(6, 1, "Mon 09:10")]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"type": " "}, "type"),
        ({"from": "09/03/2026"}, "from, to"),
        ({"to": "2026-03-01"}, "from, to"),
        ({"to": "2030-03-01"}, "from, to"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": "20"}, "minutes"),
        ({"per_day": 0}, "per-day"),
        ({"between": "12:00-09:00"}, "between"),
        ({"between": "morning"}, "between"),
        ({"repeat": "every week"}, "repeat"),
        ({"repeat": "FREQ=SECONDLY"}, "repeat"),
        ({"repeat": "FREQ=DAILY;BYDAY=XX"}, "repeat"),
        ({"repeat": "FREQ=YEARLY;BYMONTH=1;COUNT=1"}, "repeat"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    sqlite_record: Record, clock: FakeClock, changes: dict[str, Any], what: str
) -> None:
    """ALC-30."""
    practice(sqlite_record)
    with pytest.raises(OperationRefused, match=f"visit-how: {what}"):
        asked(sqlite_record, clock, "visit", TWO_DAYS | changes, [1])


def test_a_provider_who_is_not_there_is_refused(sqlite_record: Record, clock: FakeClock) -> None:
    practice(sqlite_record)
    with pytest.raises(NotFound, match="provider-unknown"):
        asked(sqlite_record, clock, "visit", TWO_DAYS | {"provider": "P99"}, [1])


def test_a_rule_cuts_the_range_into_spans() -> None:
    complete = {"provider": "auto", "between": "", "per_day": None, **TWO_DAYS}
    wanted = read_request(
        complete | {"repeat": "FREQ=MONTHLY;COUNT=2", "from": "2026-01-31", "to": "2026-06-30"}
    )
    assert wanted.spans == (
        (date(2026, 1, 31), date(2026, 3, 30)),
        (date(2026, 3, 31), date(2026, 6, 30)),
    )


def test_ten_thousand_patients_are_placed_within_the_limits(
    record: Record, clock: FakeClock
) -> None:
    """ALC-29, ALC-31: within the limits for everybody, without an overlap for anybody."""
    staff(record)
    places(record)
    patients(record, 10_000)
    with record.write() as connection:
        connection.execute(
            sa.insert(provider),
            [{"id": n, "code": f"P{n}", "name": f"Dr {n}", "facility_id": 1} for n in range(5, 25)],
        )
    settings = Settings(operations=Operations(chunk_size=5000))
    operation_id = asked(
        record, clock, "visit", TWO_DAYS | {"to": "2026-04-30"}, range(1, 10_001), settings=settings
    )
    summary = done(record, clock, operation_id, settings=settings)
    a = appointment.c
    with record.read() as connection:
        rows = connection.execute(
            sa.select(a.provider_id, a.starts_at, a.status).order_by(a.provider_id, a.starts_at)
        ).all()
        count = connection.scalar(sa.select(sa.func.count()).select_from(patient))
    assert count == 10_000
    assert summary.applied == len(rows)
    assert {row.status for row in rows} <= set(TAKES_TIME)
    a_day = Counter((row.provider_id, row.starts_at.date()) for row in rows)
    assert max(a_day.values()) <= settings.visits.per_day
    for before, after in itertools.pairwise(rows):
        assert (
            before.provider_id != after.provider_id
            or after.starts_at - before.starts_at >= timedelta(minutes=20)
        )
    loads = Counter(row.provider_id for row in rows)
    assert max(loads.values()) - min(loads.values()) <= 1
