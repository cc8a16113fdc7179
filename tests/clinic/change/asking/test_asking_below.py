"""An operation is asked for, looked at and confirmed below any terminal (ALC-9, 14, 15, 33, 36, 38, 44)."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.change.asking.asking import ask, ask_rerun, ask_undo, confirm, resume
from clinic.change.asking.review_of import review_of
from clinic.change.operations import get_operation
from clinic.change.review.deciding import decide
from clinic.change.run.withdraw import withdraw
from clinic.errors import CohortError
from clinic.govern.approvals.approvals import waiting
from clinic.govern.audit.verify import verify
from clinic.govern.people.operators import Operator
from clinic.record.database import Record
from tests.clinic.change.practice import (
    ASKER,
    MANAGER,
    SETTINGS,
    applied,
    asked,
    column,
    done,
    practice,
)
from tests.fakes import FakeClock
from tests.selections import select_ids

ADMIN = Operator("ada", "admin", active=True)
PAST = {
    "type": "review",
    "from": "2020-01-01",
    "to": "2020-01-31",
    "minutes": 15,
    "provider": "auto",
}


def select_three(record: Record, clock: FakeClock) -> int:
    given = ["L1", "L2", "L3"]
    return select_ids(record, clock, SETTINGS, given, source="ids", taken_by="ann").id


def ask_for(record: Record, clock: FakeClock, person: Operator = ASKER, **else_: Any) -> int:
    values: dict[str, Any] = {
        "kind": "status", "parameters": {"to": "on_hold"}, "reason": "Facility F1 closes",
        "request_key": "one",
    }  # fmt: skip
    selection = select_three(record, clock)
    return ask(record, clock, SETTINGS, person, **{"selection_id": selection, **values, **else_})


def test_what_is_asked_for_waits_for_another_person_only_after_a_yes(
    record: Record, clock: FakeClock
) -> None:
    """ALC-14, 15, 33, 34: planned, shown in one object, confirmed by whoever asked, and then carried out."""
    practice(record)
    number = ask_for(record, clock)
    seen = review_of(record, clock, SETTINGS, number, limit=2)
    assert (seen.operation.state, seen.operation.will_change) == ("planned", 3)
    assert [one.field for one in seen.lines] == ["status"] * 2
    assert seen.impact is not None
    assert {check.code for check in seen.checks if check.holds is False} == set()
    assert (seen.look.subject, seen.look.number, seen.look.patients) == ("operation", number, 2)
    assert waiting(record, clock.now()) == [], "nobody is asked before that"
    for _ in range(2):
        confirm(record, clock, SETTINGS, number, by=ASKER)
    (request,) = waiting(record, clock.now())
    decide(record, clock, request.id, operator=MANAGER, decision="approved", note="ok")
    applied(record, clock, number)
    assert set(column(record, "status").values()) >= {"on_hold"}
    after = review_of(record, clock, SETTINGS, number)
    assert (after.impact, tuple(after.checks), tuple(after.left_out)) == (None, (), ())
    assert verify(record, None).holds


@pytest.mark.parametrize(
    ("person", "else_", "code"),
    [
        (ADMIN, {}, "request-not-allowed"),
        (ASKER, {"reason": " "}, "reason-missing"),
        (ASKER, {"kind": "visit", "parameters": PAST}, "visit-past"),
        (ASKER, {"selection_id": 99}, "selection-unknown"),
    ],
)
def test_what_may_not_or_cannot_be_asked_for_leaves_nothing_behind(
    record: Record, clock: FakeClock, person: Operator, else_: dict[str, Any], code: str
) -> None:
    """ALC-44: by whichever way it is asked."""
    practice(record)
    with pytest.raises(CohortError) as refused:
        ask_for(record, clock, person, **else_)
    assert refused.value.code == code
    assert ask_for(record, clock, request_key="after") == 1, "no number was used"


def test_the_same_key_is_one_operation(record: Record, clock: FakeClock) -> None:
    practice(record)
    selection = select_three(record, clock)
    numbers = {ask_for(record, clock, selection_id=selection) for _ in range(3)}
    assert len(numbers) == 1


def test_nobody_says_yes_for_another_and_nobody_after_it_was_withdrawn(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    number = ask_for(record, clock)
    with pytest.raises(CohortError, match="request-not-allowed"):
        confirm(record, clock, SETTINGS, number, by=MANAGER)
    withdraw(record, clock, number, by="ann")
    confirm(record, clock, SETTINGS, number, by=ASKER)
    assert get_operation(record, number).state == "withdrawn"
    assert waiting(record, clock.now()) == []


@pytest.mark.parametrize(
    ("state", "after"), [("requested", "waiting"), ("planned", "waiting"), ("done", "")]
)
def test_another_person_has_it_go_on_unless_it_has_ended(
    record: Record, clock: FakeClock, state: str, after: str
) -> None:
    practice(record)
    number = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3], key="k")
    if state == "planned":
        number = ask_for(record, clock)
    elif state == "done":
        done(record, clock, number)
    if not after:
        with pytest.raises(CohortError, match="operation-ended"):
            resume(record, clock, SETTINGS, number, by="mia")
        return
    resume(record, clock, SETTINGS, number, by="mia")
    assert get_operation(record, number).state == after
    assert get_operation(record, number).requested_by == "ann"


def test_undo_and_rerun_are_asked_for_by_who_may(record: Record, clock: FakeClock) -> None:
    """ALC-36, ALC-38: planned like any other, once for a key."""
    practice(record)
    first = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3], key="k")
    done(record, clock, first)
    undo = {
        ask_undo(record, clock, SETTINGS, ASKER, of=first, reason="wrong list", request_key="u")
        for _ in range(2)
    }
    (number,) = undo
    assert (get_operation(record, number).kind, get_operation(record, number).state) == (
        "undo", "planned",
    )  # fmt: skip
    withdraw(record, clock, number, by="ann")
    again = ask_rerun(record, clock, SETTINGS, ASKER, of=number, request_key="r")
    assert get_operation(record, again).rerun_of == number
    for act in (
        lambda: ask_undo(record, clock, SETTINGS, ADMIN, of=first, reason="x", request_key="a"),
        lambda: ask_rerun(record, clock, SETTINGS, ADMIN, of=first, request_key="b"),
    ):
        with pytest.raises(CohortError, match="request-not-allowed"):
            act()
