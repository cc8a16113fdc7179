"""Provider reassignment: from whom, to whom, and what becomes of the visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.change.kinds.reassign import capacity_shares, even_shares
from clinic.change.run.plan import make_plan
from clinic.cohort.filters import PatientFilter
from clinic.errors import NotFound
from clinic.record.database import Record
from clinic.record.schema.change import follow_up, operation_item
from clinic.record.schema.people import provider
from tests.clinic.change.practice import (
    SETTINGS,
    asked,
    column,
    done,
    outcomes,
    practice,
    update,
    visit_column,
    visits,
)
from tests.fakes import FakeClock
from tests.selections import select_by_filter

EVERYBODY = range(1, 7)


def _follow_ups(record: Record) -> set[tuple[str, str, int]]:
    with record.read() as connection:
        found = connection.execute(
            sa.select(follow_up.c.code, follow_up.c.subject, follow_up.c.count)
        )
        return set(found.tuples().all())


def test_all_go_to_one_provider_who_is_to_be_told(record: Record, clock: FakeClock) -> None:
    """ALC-3, ALC-19: single; ALC-23: the new provider is notified."""
    practice(record)
    done(record, clock, asked(record, clock, "provider", {"to": ["P2"]}, EVERYBODY))
    assert set(column(record, "provider_id").values()) == {2}
    assert _follow_ups(record) == {("notify_provider", "P2", 6)}


def test_they_are_distributed_evenly(record: Record, clock: FakeClock) -> None:
    """ALC-19: distribute."""
    practice(record)
    done(record, clock, asked(record, clock, "provider", {"to": ["P2", "P3"]}, EVERYBODY))
    assert Counter(column(record, "provider_id").values()) == {2: 3, 3: 3}


def test_they_are_distributed_by_the_room_each_has(record: Record, clock: FakeClock) -> None:
    """ALC-17: capacity balancing. P2 has room for four, P4 for two, of whom one is there already."""
    practice(record, 7)
    update(record, 7, provider_id=4)
    parameters = {"to": ["P2", "P4"], "by": "capacity"}
    operation_id = asked(record, clock, "provider", parameters, EVERYBODY)
    done(record, clock, operation_id)
    assert Counter(column(record, "provider_id").values()) == {2: 4, 4: 2, 1: 1}
    assert Counter(outcomes(record, operation_id).values()) == {"will_change": 5, "no_capacity": 1}


def expected(
    ids: Sequence[int], dead: set[int], to: Sequence[int], shares: Sequence[int]
) -> dict[int, str]:
    """One after the other, as a person would: the living in the order of their ids fill the shares."""
    places = iter([who for who, share in zip(to, shares, strict=True) for _ in range(share)])
    found = {}
    for n in ids:
        now = None if n in dead else next(places, None)
        if n in dead:
            found[n] = "deceased"
        elif now is None:
            found[n] = "no_capacity"
        else:
            found[n] = "already_so" if now == n % 5 else f"will_change {now}"
    return found


# To whom, how, and the shares of the 36 living; P2 has room for 4, P4 for 2, beside those whom they keep
SHARES: list[tuple[list[int], str, list[int]]] = [
    ([3], "even", [36]),
    ([2, 3, 4], "even", [12, 12, 12]),
    ([3, 1, 2, 4, 5], "even", [8, 7, 7, 7, 7]),
    ([2], "capacity", [36]),  # one alone: the checklist says by how many they are too many
    ([4, 2], "capacity", [2, 4]),
    ([2, 4, 3], "capacity", [4, 2, 30]),
]


@pytest.mark.parametrize(("to", "by", "shares"), SHARES)
def test_the_dead_take_nobodys_place_and_the_living_fill_the_shares_in_order(
    record: Record, clock: FakeClock, to: list[int], by: str, shares: list[int]
) -> None:
    """ALC-17, ALC-19: 45 of 60 patients are selected, nine of them are dead, some are there already."""
    practice(record, 60)
    chosen = range(1, 46)
    dead = {1, 2, 9, 10, 23, 30, 31, 44, 45}
    # P2 keeps 46, 47 and the dead 2; P4 keeps 48 and the dead 9 and 44
    has = {n: n % 5 or None for n in chosen} | {46: 2, 47: 2, 48: 4}
    with record.write() as connection:
        connection.execute(sa.insert(provider).values(id=5, code="P5", name="Dr 5", facility_id=1))
        for key, capacity in ((2, 7), (4, 5)):
            row = sa.update(provider).where(provider.c.id == key)
            connection.execute(row.values(capacity=capacity))
    for n, by_whom in has.items():
        values = {"death_date": date(2026, 1, 31)} if n in dead else {}
        update(record, n, provider_id=by_whom, **values)
    parameters = {"to": [f"P{n}" for n in to], "by": by}
    operation_id = asked(record, clock, "provider", parameters, chosen)
    make_plan(record, clock, SETTINGS, operation_id)
    i = operation_item.c
    with record.read() as connection:
        rows = connection.execute(
            sa.select(i.patient_id, i.outcome, i.new).where(i.operation_id == operation_id)
        ).all()
    found = {n: f"{what} {new}" if what == "will_change" else what for n, what, new in rows}
    assert found == expected(chosen, dead, to, shares)


def test_each_goes_to_the_default_provider_of_their_facility(
    record: Record, clock: FakeClock
) -> None:
    """ALC-19: by facility's default."""
    practice(record)
    update(record, 1, facility_id=2)
    update(record, 2, facility_id=3)
    operation_id = asked(record, clock, "provider", {"to": []}, EVERYBODY)
    done(record, clock, operation_id)
    assert column(record, "provider_id")[1] == 3
    assert outcomes(record, operation_id) == {
        1: "will_change",
        2: "no_default_provider",
        **dict.fromkeys(range(3, 7), "already_so"),
    }


# What becomes of visits 1 (next week, with P1), 2 (last week), 3 (next week, with another)
VISITS = [
    ("reassign", {1: 2, 2: 1, 3: 3}, {1: "booked", 2: "booked", 3: "booked"}),
    ("keep", {1: 1, 2: 1, 3: 3}, {1: "booked", 2: "booked", 3: "booked"}),
    ("cancel", {1: 1, 2: 1, 3: 3}, {1: "cancelled", 2: "booked", 3: "booked"}),
]


@pytest.mark.parametrize(("how", "providers", "states"), VISITS)
def test_future_visits_with_the_old_provider_go_along_stay_or_are_cancelled(
    record: Record, clock: FakeClock, how: str, providers: dict[int, int], states: dict[int, str]
) -> None:
    """ALC-20; cancelled ones are listed to be rebooked."""
    practice(record)
    visits(record, [(1, 1, 1, 1, 7), (2, 1, 1, 1, -7), (3, 1, 3, 1, 7)])
    done(record, clock, asked(record, clock, "provider", {"to": ["P2"], "visits": how}, [1, 2]))
    assert visit_column(record, "provider_id") == providers
    assert visit_column(record, "status") == states
    assert (("reschedule_visits", "", 1) in _follow_ups(record)) is (how == "cancel")


def test_the_source_may_be_a_provider_or_a_facility(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-18."""
    practice(sqlite_record)
    update(sqlite_record, 2, provider_id=2)
    update(sqlite_record, 3, facility_id=2)
    for wanted, count in ((PatientFilter(provider="P1"), 5), (PatientFilter(facility="F1"), 5)):
        taken = select_by_filter(sqlite_record, clock, SETTINGS, wanted, taken_by="ann")
        assert taken.outcomes == {"selected": count}


def test_a_provider_who_does_not_work_here_is_refused(
    sqlite_record: Record, clock: FakeClock
) -> None:
    practice(sqlite_record)
    with pytest.raises(NotFound, match="P9"):
        asked(sqlite_record, clock, "provider", {"to": ["P9"]}, [1])


@given(count=st.integers(0, 1000), providers=st.integers(1, 9))
@settings(max_examples=100, derandomize=True)
def test_even_shares_differ_by_one_at_most(count: int, providers: int) -> None:
    shares = even_shares(count, providers)
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1


@given(
    count=st.integers(0, 1000),
    room=st.lists(st.one_of(st.none(), st.integers(0, 400)), min_size=1, max_size=9),
)
@settings(max_examples=200, derandomize=True)
def test_nobody_gets_more_than_fits_and_nobody_is_left_while_there_is_room(
    count: int, room: Sequence[int | None]
) -> None:
    """ALC-17."""
    shares = capacity_shares(count, room)
    assert all(r is None or 0 <= s <= r for s, r in zip(shares, room, strict=True))
    limit = sum(r for r in room if r is not None)
    assert sum(shares) == (count if None in room else min(count, limit))
