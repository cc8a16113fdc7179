"""What waits for the record, and what does not."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa

from clinic.errors import RecordUnsafe
from tasks.guard.while_away import SECONDS, while_away


class Step:
    """Fails so often with an error, then gives its name."""

    def __init__(self, error: Exception, times: int) -> None:
        self._error, self._times, self._calls = error, times, itertools.count()

    def __call__(self) -> str:
        if next(self._calls) < self._times:
            raise self._error
        return "done"


AWAY = RecordUnsafe("record-away", "it does not answer")
LOCKED = sa.exc.OperationalError("UPDATE", None, Exception("database is locked"))
FULL = RecordUnsafe("disk-full", "no room is left")


@pytest.mark.parametrize(
    ("error", "times", "waited"),
    [(AWAY, 0, []), (AWAY, 2, SECONDS[:2]), (LOCKED, 5, SECONDS)],
)
def test_a_step_is_done_when_the_record_is_back(
    error: Exception, times: int, waited: list[float]
) -> None:
    slept: list[float] = []
    assert while_away(Step(error, times), sleep=slept.append) == "done"
    assert slept == waited


@pytest.mark.parametrize(
    ("error", "times", "waits"), [(FULL, 1, 0), (KeyError("x"), 1, 0), (AWAY, 6, 5)]
)
def test_a_full_disk_a_fault_and_a_long_outage_end_it(
    error: Exception, times: int, waits: int
) -> None:
    slept: list[float] = []
    with pytest.raises(type(error)):
        while_away(Step(error, times), sleep=slept.append)
    assert len(slept) == waits
