"""
Who comes to whom and when (ALC-30, ALC-31): greedy, balanced, and always the same for the same record.

Patients in the order of their ids; each goes to whoever of their providers has the fewest visits so far,
at the earliest time that both have. All visits of an operation are of one length, so whoever comes takes
one slot from one provider: who comes first changes who is left out, hardly how many.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clinic.change.visits.slots import Slot, Spans


@dataclass(frozen=True)
class Wish:
    """One visit for one patient. `among`: a key of the pools of providers who may have it."""

    patient_id: int
    occurrence: int
    among: str


@dataclass(frozen=True)
class Placed:
    """A wish and where it came; no provider: there was no time left."""

    wish: Wish
    provider_id: int | None = None
    start: int = 0


@dataclass
class Diary:
    """What providers and patients have, as visits are placed."""

    minutes: int
    free: Mapping[tuple[int, int], list[Slot]]  # (provider, occurrence) → in order
    load: dict[int, int]  # provider → visits in the whole period
    busy: dict[int, Spans] = field(default_factory=lambda: defaultdict(list))  # of patients

    def take(self, patient_id: int, provider_id: int, occurrence: int) -> int | None:
        """The provider's earliest free time at which the patient is free too, taken; None: there is none."""
        slots = self.free.get((provider_id, occurrence), [])
        for number, slot in enumerate(slots):
            end = slot.start + self.minutes
            if all(end <= begin or slot.start >= stop for begin, stop in self.busy[patient_id]):
                del slots[number]
                self.busy[patient_id].append((slot.start, end))
                self.load[provider_id] += 1
                return slot.start
        return None


def place(wishes: Iterable[Wish], pools: Mapping[str, Sequence[int]], diary: Diary) -> list[Placed]:
    """
    Place every wish, in their order.

    Args:
        pools: key → providers among whom the visits are balanced
    """
    heaps: dict[tuple[str, int], list[tuple[int, int]]] = {}
    placed = []
    for wish in wishes:
        key = (wish.among, wish.occurrence)
        if key not in heaps:
            heaps[key] = [(diary.load[each], each) for each in pools[wish.among]]
            heapq.heapify(heaps[key])
        placed.append(_place(wish, heaps[key], diary))
    return placed


def _place(wish: Wish, heap: list[tuple[int, int]], diary: Diary) -> Placed:
    """The least loaded who has time; one whose time is all taken leaves the heap."""
    passed: list[tuple[int, int]] = []
    found = Placed(wish)
    while heap:
        load, provider_id = heapq.heappop(heap)
        if load != diary.load[provider_id]:  # somebody else's heap gave them a visit
            heapq.heappush(heap, (diary.load[provider_id], provider_id))
            continue
        if not diary.free.get((provider_id, wish.occurrence)):
            continue
        start = diary.take(wish.patient_id, provider_id, wish.occurrence)
        passed.append((diary.load[provider_id], provider_id))
        if start is not None:
            found = Placed(wish, provider_id, start)
            break
    for each in passed:
        heapq.heappush(heap, each)
    return found
