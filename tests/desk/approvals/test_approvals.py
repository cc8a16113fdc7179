"""Approvals in pages: who decides, on what, and what becomes of it (ALC-33, ALC-34, ALC-45, NEW-1)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.operations import get_operation
from clinic.change.run.withdraw import withdraw
from clinic.govern.approval_rows import existing
from clinic.govern.people.facilities import set_facilities
from clinic.govern.people.operators import get_operator
from clinic.govern.rules.governed import in_force
from clinic.govern.rules.setting_changes import ask_change
from clinic.record.schema.govern import access_log, audit_act
from tasks.wiring import Wiring
from tests.clinic.change.practice import update
from tests.desk.operations.asked import furnish, planned, waiting
from tests.desk.visitors import SECRET, Visitor
from tests.fakes import FakeClock

YES = {"decision": "approve", "note": "counted them", "password": SECRET}


@pytest.fixture
def asked(parts: Wiring) -> tuple[int, int]:
    """Olwen's operation on three of five patients, and its approval."""
    furnish(parts)
    return waiting(parts)


def decide(visitor: Visitor, number: int, values: dict[str, Any], **more: Any) -> Any:
    """Send the form of this request."""
    return visitor.send(f"/approvals/{number}/decide", values, seen_at="/sessions", **more)


def state_of(parts: Wiring, number: int) -> str:
    """How a request stands."""
    with parts.record.read() as connection:
        return existing(connection, number).state


def test_the_approver_sees_who_what_why_and_the_checklist_and_approves(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int]
) -> None:
    """ALC-33, ALC-34, ALC-15: patients, type, justification, impact; the look is on the access log."""
    operation, number = asked
    visitor.sign_in("mair")
    listed = visitor.see("/approvals").text
    assert "Waits for you" in listed
    assert f"{number}: Status change" in listed
    page = visitor.see(f"/approvals/{number}").text
    for said in ("closing the branch", "olwen", "3 selected", "Family2", "L3", "on_hold",
                 "Checklist, as things stand now", "What follows", "cannot easily be undone"):  # fmt: skip
        assert said in page, said
    with parts.record.read() as connection:
        assert existing(connection, number).digest in page
        log = connection.execute(sa.select(access_log)).mappings().all()
    assert [(row["person"], row["subject"], row["subject_id"], row["patients"]) for row in log] == [
        ("mair", "operation", operation, 3)
    ]
    answer = decide(visitor, number, YES)
    assert "Approved" in answer.text
    assert "counted them" in answer.text
    assert state_of(parts, number) == "approved"
    assert get_operation(parts.record, operation).state == "approved"


def test_sent_twice_it_is_one_decision(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int]
) -> None:
    """A double click, or Back and send again: the same page, and no refusal on the trail."""
    _, number = asked
    visitor.sign_in("mair")
    for _ in range(2):
        assert decide(visitor, number, YES).url.path == f"/approvals/{number}"
    with parts.record.read() as connection:
        kinds = list(connection.scalars(sa.select(audit_act.c.operation_type)))
    assert kinds.count("approval.approved") == 1
    assert "approval.refused" not in kinds


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [
        ({"decision": "approve", "password": "wrong"}, 403, "The password is not yours"),
        ({"decision": "approve", "password": ""}, 403, "The password is not yours"),
        ({"decision": "", "password": SECRET}, 422, "Say whether you approve"),
        ({"decision": "reject", "note": " ", "password": SECRET}, 422, "Say why you reject"),
    ],
)
def test_a_fault_in_the_form_decides_nothing_and_keeps_what_was_typed(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int], values: dict[str, str], status: int,
    says: str,
) -> None:  # fmt: skip
    """The password is asked for again at each decision (ASVS 7.5.3); it is never shown."""
    _, number = asked
    visitor.sign_in("mair")
    answer = decide(visitor, number, {"note": "typed <b>before</b>", **values})
    assert (answer.status_code, says in answer.text) == (status, True)
    assert "<b>" not in answer.text
    assert "typed &lt;b&gt;before" in answer.text or "note" in values
    assert SECRET not in answer.text
    assert state_of(parts, number) == "waiting"


@pytest.mark.parametrize("name", ["olwen", "tegan"])
def test_neither_the_requester_nor_a_lower_role_decides(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int], name: str
) -> None:
    """ALC-33: no form is shown, and what is sent all the same is refused."""
    _, number = asked
    visitor.sign_in(name)
    page = visitor.see(f"/approvals/{number}").text
    assert "Your password" not in page
    assert ("another person decides" in page) == (name == "olwen")
    answer = decide(visitor, number, YES)
    assert answer.status_code == 403
    assert state_of(parts, number) == "waiting"


@pytest.mark.parametrize("name", ["ada", "gwil"])
def test_who_may_not_look_at_patients_sees_no_approvals(
    visitor: Visitor, asked: tuple[int, int], name: str
) -> None:
    """ALC-44: neither in the navigation nor at the address."""
    visitor.sign_in(name)
    assert "/approvals" not in visitor.see("/").text
    assert visitor.see("/approvals").status_code == 404
    assert visitor.see(f"/approvals/{asked[1]}").status_code == 404


def test_a_rejection_is_read_by_its_requester(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int]
) -> None:
    """ALC-33: with why; the operation has ended and changed nobody."""
    operation, number = asked
    visitor.sign_in("mair")
    decide(visitor, number, {"decision": "reject", "note": "wrong branch", "password": SECRET})
    assert get_operation(parts.record, operation).state == "rejected"
    requester = Visitor(parts)
    requester.sign_in("olwen")
    assert "wrong branch" in requester.see("/approvals").text


def test_whoever_is_tied_to_other_facilities_finds_nothing(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int]
) -> None:
    """NEW-38: not in the list, 404 at the address, and on the trail."""
    _, number = asked
    set_facilities(parts.record, parts.clock, name="huw", codes=["F2"], by="ada")
    visitor.sign_in("huw")
    assert "Nothing waits for you" in visitor.see("/approvals").text
    assert visitor.see(f"/approvals/{number}").status_code == 404
    assert decide(visitor, number, YES).status_code == 404
    assert state_of(parts, number) == "waiting"


def test_withdrawn_or_expired_it_says_so_and_cannot_be_decided(
    visitor: Visitor, parts: Wiring, clock: FakeClock, asked: tuple[int, int]
) -> None:
    """ALC-45: what is void or too late is told, not offered."""
    operation, number = asked
    other_operation, other = waiting(parts, (4,))
    withdraw(parts.record, parts.clock, operation, by="olwen")
    clock.sleep(3600 * (parts.settings.operations.approval_hours + 1))
    visitor.sign_in("mair")
    for which, word in ((number, "Void"), (other, "Expired")):
        page = visitor.see(f"/approvals/{which}").text
        assert word in page
        assert "Your password" not in page
        assert decide(visitor, which, YES).status_code == 403
    assert get_operation(parts.record, other_operation).state == "waiting"


def test_what_changed_after_the_review_is_not_approved(
    visitor: Visitor, parts: Wiring, asked: tuple[int, int]
) -> None:
    """ALC-34: the checklist is judged again in the moment of the decision; an override is asked for."""
    _, number = asked
    visitor.sign_in("mair")
    assert "Why to approve although" not in visitor.see(f"/approvals/{number}").text
    update(parts.record, 2, status="inactive")
    answer = decide(visitor, number, YES)
    assert answer.status_code == 403
    assert "Patients are as they were reviewed: no" in answer.text
    assert "Why to approve although" in answer.text
    assert state_of(parts, number) == "waiting"
    decide(visitor, number, YES | {"override": "the other two still are"})
    assert state_of(parts, number) == "approved"


def test_a_setting_is_in_force_at_once(visitor: Visitor, parts: Wiring) -> None:
    """Other subjects of approvals are listed and decided here, too."""
    person = get_operator(parts.record, "mair")
    number = ask_change(
        parts.record, parts.clock, parts.settings, name="operations.cap", value=77, by=person,
        reason="a small branch",
    )  # fmt: skip
    assert number is not None
    visitor.sign_in("huw")
    assert "Change of a setting" in visitor.see("/approvals").text
    assert "77" in visitor.see(f"/approvals/{number}").text
    answer = decide(visitor, number, YES)
    assert "operations.cap is 77 from now on" in answer.text
    assert in_force(parts.record, parts.settings).settings.operations.cap == 77
    assert decide(visitor, number, YES).url.path == f"/approvals/{number}"


def test_an_operation_that_was_only_planned_asks_for_no_approval(
    visitor: Visitor, parts: Wiring
) -> None:
    furnish(parts)
    planned(parts)
    visitor.sign_in("mair")
    assert "Nothing waits for you" in visitor.see("/approvals").text
