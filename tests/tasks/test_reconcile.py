"""NEW-3, COM-6: the steps of settling, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from clinic.errors import NotFound, RecordUnsafe
from tasks.reconcile import STEPS, Reconciled, run_steps
from tests.fakes import FakeClock


@dataclass
class Step:
    """Fails as often as it has errors, then finds what it is to find."""

    errors: list[Exception] = field(default_factory=list)
    found: int = 1
    calls: int = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.found


def _away() -> Exception:
    return RecordUnsafe("record-away", "the database does not answer")


@pytest.mark.parametrize(
    ("errors", "calls", "failed"),
    [
        ([], 1, None),
        ([OSError("SENTINEL")], 2, None),
        ([_away(), _away()], 3, None),
        ([_away(), _away(), _away()], 3, "record-away"),
        ([NotFound("deployment", "it is not deployed")], 1, "deployment"),
        ([OSError("SENTINEL")] * 3, 3, "unforeseen"),
    ],
)
def test_a_step_that_fails_stops_no_other_and_is_tried_again_where_that_may_help(
    clock: FakeClock, errors: list[Exception], calls: int, failed: str | None
) -> None:
    """What went wrong is told by its code, and by nothing of the data."""
    step, after, began = Step(list(errors)), Step(), clock.now()
    done = run_steps([("one", step), ("two", after)], sleep=clock.sleep)
    assert (step.calls, after.calls, done.found["two"]) == (calls, 1, 1)
    assert [error.code for error in done.failed.values()] == ([failed] if failed else [])
    assert ("one" in done.found) == (failed is None)
    assert not any("SENTINEL" in str(error) for error in done.failed.values())
    waited = (clock.now() - began).total_seconds()
    assert waited == {1: 0, 2: 5, 3: 35}[calls]


def test_what_was_done_is_said_with_counts_and_nothing_where_nothing_was_due() -> None:
    words = {name: word for name, _, word in STEPS}
    idle: dict[str, int | list[int]] = dict.fromkeys(words, 0)
    assert Reconciled(idle | {"check-health": 2, "forget-runs": 12}).says(words) == ""
    busy = Reconciled(idle | {"apply-receipts": 12, "find-due": [3, 7]})
    assert busy.says(words) == "12 receipts applied, 2 campaigns go on"
    one = Reconciled(
        idle
        | {"apply-receipts": 1, "apply-replies": 1, "find-due": [3], "find-lost-operations": [1]}
    )
    assert (
        one.says(words)
        == "1 receipt applied, 1 reply noted, 1 campaign goes on, 1 operation goes on"
    )
    assert (busy.due, busy.lost) == ([3, 7], [])


def test_each_step_is_there_once() -> None:
    names: list[str] = [name for name, _, _ in STEPS]
    steps: list[Callable[[], object]] = [step for _, step, _ in STEPS]
    assert (len(set(names)), len(set(steps))) == (len(names), len(steps)) == (20, 20)
