"""Placing, for whatever people and hours there are: the rules hold, and it is always the same."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.change.visits.placing import Diary, Placed, Wish, place
from clinic.change.visits.slots import Slot, Spans, free_slots

MINUTES = 20
# A week of days, eight hours each, cut into visits
SLOTS = [Slot(day * 1440 + at, day) for day in range(7) for at in range(540, 1020, MINUTES)]
spans = st.lists(
    st.tuples(st.integers(0, 7 * 1440), st.integers(5, 120)).map(lambda s: (s[0], s[0] + s[1])),
    max_size=8,
)


def days_of(booked: Spans) -> Counter[int]:
    return Counter(begin // 1440 for begin, _ in booked)


@given(booked=spans, most=st.integers(1, 30))
@settings(max_examples=100, derandomize=True)
def test_a_free_slot_overlaps_nothing_and_no_day_is_over_its_limit(
    booked: Spans, most: int
) -> None:
    """ALC-31."""
    free = free_slots(SLOTS, booked, days_of(booked), minutes=MINUTES, most=most)
    for slot in free:
        assert all(slot.start + MINUTES <= begin or slot.start >= end for begin, end in booked)
    a_day = Counter(slot.day for slot in free)
    assert all(count <= max(0, most - days_of(booked)[day]) for day, count in a_day.items())
    assert free == sorted(free)


def placed(
    patients: int, providers: int, busy: dict[int, Spans], most: int
) -> tuple[list[Placed], dict[tuple[int, int], list[Slot]]]:
    free = {
        (n, 1): free_slots(SLOTS, [], Counter(), minutes=MINUTES, most=most)
        for n in range(providers)
    }
    full = {key: list(slots) for key, slots in free.items()}
    own = {n: list(busy.get(n, [])) for n in range(patients)}
    diary = Diary(MINUTES, free, dict.fromkeys(range(providers), 0), own)
    wishes = [Wish(n, 1, "all") for n in range(patients)]
    return place(wishes, {"all": list(range(providers))}, diary), full


@given(
    patients=st.integers(0, 60),
    providers=st.integers(1, 4),
    most=st.integers(1, 5),
    busy=st.dictionaries(st.integers(0, 60), spans, max_size=5),
)
@settings(max_examples=100, derandomize=True)
def test_nobody_is_in_two_places_and_the_load_is_balanced(
    patients: int, providers: int, most: int, busy: dict[int, Spans]
) -> None:
    """ALC-30, ALC-31: and whoever is free all the time is left out only when every slot is taken."""
    found, full = placed(patients, providers, busy, most)
    assert [each.wish.patient_id for each in found] == list(range(patients))
    booked = [each for each in found if each.provider_id is not None]
    for provider_id in range(providers):
        starts = sorted(each.start for each in booked if each.provider_id == provider_id)
        assert set(starts) <= {slot.start for slot in full[provider_id, 1]}
        assert all(after - before >= MINUTES for before, after in pairwise(starts))
    for each in booked:
        own = busy.get(each.wish.patient_id, [])
        assert all(each.start + MINUTES <= begin or each.start >= end for begin, end in own)
    left_out = [each for each in found if each.provider_id is None]
    if any(each.wish.patient_id not in busy for each in left_out):
        assert len(booked) == sum(map(len, full.values()))
    loads = Counter(each.provider_id for each in booked)
    if not busy and booked:
        assert max(loads.values()) - min(loads[n] for n in range(providers)) <= 1
    assert placed(patients, providers, busy, most)[0] == found
