"""A cancellation and a new booking of one patient are one move: counted in any order and in any blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinic.imports.appointments.pairs import BOOKED_AGAIN, MOVED_AWAY, REPLACED, Pairs
from clinic.imports.result import Imported

PATIENTS = st.lists(st.integers(1, 6), max_size=12)


@given(blocks=st.lists(st.tuples(PATIENTS, PATIENTS, PATIENTS), max_size=4), gone=PATIENTS)
def test_each_new_booking_is_taken_once_and_nothing_is_lost(
    blocks: Sequence[tuple[list[int], list[int], list[int]]], gone: list[int]
) -> None:
    """NEW-14: rows that cancel first, then slots given away, then what is no longer there."""
    pairs = Pairs()
    added, cancelled, given_away = (
        sum((block[n] for block in blocks), list[int]()) for n in range(3)
    )
    for block in blocks:
        more, less, other = (np.array(part, dtype="int64") for part in block)
        pairs.note(added=more, cancelled=less, given=other)
    result = Imported(0, Counter(added=len(added), cancelled=len(cancelled)))
    result.also.update(given_to_another=len(given_away), no_longer_there=len(gone))

    pairs.count(result, gone)

    left = Counter(added)
    expected = []
    for ones in (cancelled, given_away, gone):
        together = left & Counter(ones)
        left -= together
        expected.append(together.total())
    found = result.counts | result.also
    assert found.get(REPLACED, 0) == expected[0]
    assert found.get(MOVED_AWAY, 0) == expected[1] + expected[2]
    assert found.get(BOOKED_AGAIN, 0) == sum(expected)
    assert found.get("added", 0) == len(added) - sum(expected)
