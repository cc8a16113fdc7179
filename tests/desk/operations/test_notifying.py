"""ALC-8: staff are told of an operation from its page, once another person has approved the notice."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.operations import get_operation
from clinic.change.review.deciding import decide
from clinic.govern.people.operators import get_operator
from clinic.record.schema.people import facility
from tasks.wiring import Wiring
from tests.desk.operations.asked import carried_out, furnish, waiting
from tests.desk.visitors import Visitor

PAGE = "/operations/1/notify"
ASKED = {"to": "facility", "reason": "they ask for it", "key": "k"}


@pytest.fixture
def olwen(visitor: Visitor, parts: Wiring) -> Visitor:
    """Olwen's operation 1 on two patients of North is done; North has an address."""
    parts.settings = parts.settings.model_copy(update={"outbox": True})
    furnish(parts)
    with parts.record.write() as connection:
        connection.execute(
            sa.update(facility).where(facility.c.code == "F1").values(email="north@practice.nhs.uk")
        )
    number, _ = waiting(parts, (1, 2))
    visitor.sign_in("olwen")
    assert "reached" not in visitor.see(PAGE).text
    assert "nothing to notify about" in visitor.see(PAGE).text
    assert "Tell staff" not in visitor.see("/operations/1").text
    decide(
        parts.record, parts.clock, get_operation(parts.record, number).approval_id or 0,
        operator=get_operator(parts.record, "mair"), decision="approved", note="yes",
    )  # fmt: skip
    carried_out(parts, number)
    return visitor


def post(visitor: Visitor, values: dict[str, str]) -> Any:
    return visitor.send(PAGE, values, seen_at="/sessions")


def test_who_would_be_told_is_shown_and_another_person_decides(
    olwen: Visitor, parts: Wiring
) -> None:
    """The same form sent twice is one notice; its approver sees text and addressees."""
    assert "Tell staff" in olwen.see("/operations/1").text
    page = olwen.see(PAGE).text
    for said in ("north@practice.nhs.uk", "concerned", "Ask for its approval"):
        assert said in page, said
    for _ in range(2):
        answer = post(olwen, ASKED)
        assert answer.url.path == "/approvals/2", answer.text
        assert "another person decides it" in answer.text
    assert "Notices to staff" in olwen.see("/operations/1").text
    approver = Visitor(parts)
    approver.sign_in("mair")
    seen = approver.see("/approvals/2").text
    for said in ("Notice to staff", "they ask for it", "north@practice.nhs.uk", "Approve"):
        assert said in seen, said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (ASKED | {"reason": ""}, "Say why they are to be told"),
        (ASKED | {"text": "Dear {{ patient.given_name }}"}, "patient"),
        (ASKED | {"to": "internal"}, "notices.internal"),
    ],
)
def test_what_cannot_be_told_is_said(olwen: Visitor, values: dict[str, str], says: str) -> None:
    """A notice speaks of no patient."""
    answer = post(olwen, values)
    assert (answer.status_code, says in answer.text) == (422, True)
