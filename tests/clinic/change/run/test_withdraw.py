"""What becomes of a request that is not carried out: withdrawn, expired, decided while nobody looked."""

from __future__ import annotations

import pytest

from clinic.change.operations import get_operation
from clinic.change.review.approve import answer, ask, note_decisions, why_closed
from clinic.change.review.deciding import decide
from clinic.change.review.next_steps import next_steps
from clinic.change.run.apply import begin
from clinic.change.run.plan import make_plan
from clinic.change.run.rerun import request_rerun
from clinic.change.run.withdraw import NOT_ASKED, expire_plans, withdraw
from clinic.errors import NotAllowed, OperationRefused
from clinic.govern.approvals.approvals import expire
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from tests.clinic.change.practice import (
    MANAGER,
    SETTINGS,
    applied,
    approved,
    asked,
    column,
    done,
    practice,
    reviewed,
    update,
)
from tests.fakes import FakeClock

HOLD = {"to": "on_hold"}


def in_state(record: Record, clock: FakeClock, state: str) -> int:
    """An operation in this state."""
    operation_id = asked(record, clock, "status", HOLD, [1, 2, 3], key=state)
    if state == "planned":
        make_plan(record, clock, SETTINGS, operation_id)
    elif state in ("waiting", "rejected"):
        number = reviewed(record, clock, operation_id)
        if state == "rejected":
            decide(record, clock, number, operator=MANAGER, decision="rejected", note="too early")
            answer(record, clock, operation_id)
    elif state == "approved":
        approved(record, clock, operation_id)
        answer(record, clock, operation_id)
    elif state == "running":
        approved(record, clock, operation_id)
        begin(record, clock, operation_id)
    elif state == "done":
        done(record, clock, operation_id)
    assert get_operation(record, operation_id).state == state
    return operation_id


@pytest.mark.parametrize("state", ["requested", "planned", "waiting", "approved"])
def test_who_asked_withdraws_what_has_not_begun(
    record: Record, clock: FakeClock, state: str
) -> None:
    practice(record)
    operation_id = in_state(record, clock, state)
    with pytest.raises(NotAllowed, match="withdraw-other"):
        withdraw(record, clock, operation_id, by="mia")
    assert get_operation(record, operation_id).state == state
    for _ in range(2):
        withdraw(record, clock, operation_id, by="ann")
    assert get_operation(record, operation_id).state == "withdrawn"
    assert why_closed(record, operation_id) == f"Operation {operation_id} was withdrawn by ann"
    with pytest.raises(NotAllowed, match="operation-ended"):
        begin(record, clock, operation_id)
    assert set(column(record, "version").values()) == {1}
    assert verify(record, None).holds


@pytest.mark.parametrize("state", ["running", "done", "rejected"])
def test_what_has_begun_or_ended_is_not_withdrawn(
    record: Record, clock: FakeClock, state: str
) -> None:
    practice(record)
    operation_id = in_state(record, clock, state)
    with pytest.raises(NotAllowed, match="withdraw-begun"):
        withdraw(record, clock, operation_id, by="ann")
    assert get_operation(record, operation_id).state == state


def test_a_withdrawn_request_is_decided_by_nobody(record: Record, clock: FakeClock) -> None:
    practice(record)
    operation_id = in_state(record, clock, "waiting")
    number = get_operation(record, operation_id).approval_id or 0
    withdraw(record, clock, operation_id, by="ann")
    with pytest.raises(NotAllowed, match="approval-decided"):
        decide(record, clock, number, operator=MANAGER, decision="approved", note="")


def test_plans_that_nobody_asked_for_expire_and_requests_that_wait_do_not(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    keys = {state: in_state(record, clock, state) for state in ("requested", "planned")}
    clock.sleep(3600 * (SETTINGS.operations.approval_hours - 1))
    waiting = in_state(record, clock, "waiting")
    assert expire_plans(record, clock, SETTINGS) == 0
    clock.sleep(3600)
    assert expire_plans(record, clock, SETTINGS) == 2
    found = [get_operation(record, key) for key in keys.values()]
    assert {(each.state, each.state_reason) for each in found} == {("expired", NOT_ASKED)}
    assert get_operation(record, waiting).state == "waiting"


def test_a_decision_reaches_its_operation_though_nobody_wrote_it_down(
    record: Record, clock: FakeClock
) -> None:
    """Whoever decided was stopped between the decision and the next step."""
    practice(record)
    yes, no, late = (in_state_waiting(record, clock, key) for key in ("yes", "no", "late"))
    numbers = {key: get_operation(record, key).approval_id or 0 for key in (yes, no)}
    decide(record, clock, numbers[yes], operator=MANAGER, decision="approved", note="")
    decide(record, clock, numbers[no], operator=MANAGER, decision="rejected", note="")
    assert note_decisions(record, clock) == [yes]
    assert [get_operation(record, k).state for k in (yes, no, late)] == [
        "approved", "rejected", "waiting",
    ]  # fmt: skip
    clock.sleep(3600 * (SETTINGS.operations.approval_hours))
    expire(record, clock)
    assert note_decisions(record, clock) == []
    assert [get_operation(record, k).state for k in (yes, late)] == ["expired", "expired"]


def in_state_waiting(record: Record, clock: FakeClock, key: str) -> int:
    operation_id = asked(record, clock, "status", HOLD, [1, 2], key=key)
    reviewed(record, clock, operation_id)
    return operation_id


def test_a_run_that_comes_later_is_noted_with_the_request(record: Record, clock: FakeClock) -> None:
    """The request is in the record before there is a run."""
    from clinic.govern.approvals.approvals import waiting

    practice(record)
    in_state(record, clock, "waiting")
    assert [each.flow_run_id for each in waiting(record, clock.now())] == [None]
    for run in ("a-run", "a-run", "another"):
        ask(record, clock, SETTINGS, 1, flow_run_id=run)
    assert [each.flow_run_id for each in waiting(record, clock.now())] == ["another"]
    assert verify(record, None).holds


@pytest.mark.parametrize("how", ["withdrawn", "expired", "rejected"])
def test_what_was_closed_before_it_began_is_asked_for_again_as_a_whole(
    record: Record, clock: FakeClock, how: str
) -> None:
    practice(record)
    operation_id = in_state(record, clock, "rejected" if how == "rejected" else "planned")
    if how == "withdrawn":
        withdraw(record, clock, operation_id, by="ann")
    elif how == "expired":
        clock.sleep(3600 * (SETTINGS.operations.approval_hours))
        expire_plans(record, clock, SETTINGS)
    again = rerun(record, clock, operation_id)
    assert get_operation(record, again).rerun_of == operation_id
    done(record, clock, again)
    assert [column(record, "status")[n] for n in (1, 3, 4)] == ["on_hold", "on_hold", "active"]


def rerun(record: Record, clock: FakeClock, operation_id: int) -> int:
    return request_rerun(
        record, clock, SETTINGS, of=operation_id, requested_by="ann", request_key=f"r{operation_id}"
    )


@pytest.mark.parametrize(
    ("state", "first"),
    [
        ("requested", "cohort operations resume 1"),
        ("planned", "cohort operations resume 1"),
        ("waiting", "cohort approvals show 1"),
        ("approved", "cohort operations show 1"),
        ("running", "cohort operations show 1"),
        ("rejected", "cohort operations rerun 1"),
        ("done", 'cohort operations undo 1 --reason "…"'),
    ],
)
def test_the_next_command_goes_by_how_the_operation_stands(
    sqlite_record: Record, clock: FakeClock, state: str, first: str
) -> None:
    practice(sqlite_record)
    found = get_operation(sqlite_record, in_state(sqlite_record, clock, state))
    assert next_steps(sqlite_record, found)[0] == first


def test_conflicts_lead_to_a_rerun_and_a_whole_one_leaves_nothing_to_rerun(
    sqlite_record: Record, clock: FakeClock
) -> None:
    practice(sqlite_record)
    torn = asked(sqlite_record, clock, "status", HOLD, [1, 2])
    approved(sqlite_record, clock, torn)
    update(sqlite_record, 1, status="discharged")
    applied(sqlite_record, clock, torn)
    steps = next_steps(sqlite_record, get_operation(sqlite_record, torn))
    assert steps == [
        f"cohort operations rerun {torn}",
        f'cohort operations undo {torn} --reason "…"',
    ]
    whole = asked(sqlite_record, clock, "tag", {"add": ["a"]}, [3])
    done(sqlite_record, clock, whole)
    with pytest.raises(OperationRefused, match="rerun-nothing"):
        rerun(sqlite_record, clock, whole)
