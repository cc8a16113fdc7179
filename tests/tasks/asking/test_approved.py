"""What was approved at a page is asked for once, without waiting for the scheduled run."""

from __future__ import annotations

import pytest

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.asking.approved import start_approved
from tests.clinic.change.practice import MANAGER, asked, practice, reviewed
from tests.desk.visitors import parts_of
from tests.fakes import FakeClock


@pytest.fixture
def number(record: Record, clock: FakeClock) -> int:
    """An operation that waits for its approval, which has the same number."""
    practice(record)
    operation = asked(record, clock, "status", {"to": "on_hold"}, (1, 2))
    assert reviewed(record, clock, operation) == operation
    return operation


@pytest.mark.parametrize("refuses", [False, True])
def test_it_is_asked_for_once_it_is_approved_and_once_alone(
    record: Record, clock: FakeClock, number: int, *, refuses: bool
) -> None:
    """ALC-33: nothing before the decision; what has ended since keeps nothing else from beginning."""
    parts, tried = parts_of(record, clock, Settings()), set[int]()
    started: list[int] = []

    def start(_record: Record, _settings: Settings, operation: int) -> None:
        started.append(operation)
        if refuses:
            raise NotAllowed("operation-ended", "it has ended")

    start_approved(parts, tried, starts={"operation": start})
    assert started == []
    decide(record, clock, number, operator=MANAGER, decision="approved", note="yes")
    for _ in range(2):
        start_approved(parts, tried, starts={"operation": start})
    assert started == [number]


def test_what_is_too_late_is_not_begun(record: Record, clock: FakeClock, number: int) -> None:
    decide(record, clock, number, operator=MANAGER, decision="approved", note="yes")
    clock.sleep(3600 * (Settings().operations.approval_hours + 1))
    tried = set[int]()
    start_approved(parts_of(record, clock, Settings()), tried, starts={})
    assert tried == set()
