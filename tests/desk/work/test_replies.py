"""Replies, STOP from shared numbers, and what replies hold back, at the desk."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.gateway.received import Inbound
from clinic.govern.people.facilities import set_facilities
from clinic.message.incoming.holds import list_holds
from clinic.message.incoming.replies import Wanted, apply_replies, keep_replies, list_replies
from clinic.message.incoming.shared_stop import list_open
from clinic.record.schema.govern import access_log, audit_act
from clinic.record.schema.people import consent, patient
from tests.desk.busy_day import NAMES, fill
from tests.desk.visitors import Visitor
from tests.main_job import Practice

WRONG, QUESTION, STOP = 1, 2, 3


@pytest.fixture
def day(practice: Practice) -> Practice:
    fill(practice)
    return practice


def standing(practice: Practice, number: int) -> tuple[str, str | None]:
    """State and owner of a reply."""
    found = list_replies(practice.record, Wanted("all"))
    return next((one.state, one.owner) for one in found if one.id == number)


def acts_of(practice: Practice, name: str) -> list[str]:
    with practice.record.read() as connection:
        own = sa.select(audit_act.c.operation_type).where(audit_act.c.operator == name)
        return [kind for kind in connection.scalars(own) if kind.startswith(("reply", "hold"))]


def test_marked_ones_come_first_and_the_look_is_logged(day: Practice, visitor: Visitor) -> None:
    """PAT-25: not ordered by urgency but by marks that are an aid, and says so; NEW-37."""
    visitor.sign_in("olwen")
    page = visitor.see("/replies").text
    assert page.index("Wrong number, I am not Ann") < page.index("Can I come on Tuesday?")
    assert 'nhsuk-tag--red">Wrong number' in page
    assert "STOP</strong>" not in page
    assert "STOP</strong>" in visitor.see("/replies?keywords=1").text
    with day.record.read() as connection:
        row = connection.execute(sa.select(access_log)).first()
    assert row is not None
    assert (row.command, row.subject, row.patients) == ("desk replies", "replies", 2)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?mark=wrong_number", WRONG),
        ("?state=open&owner=tegan", None),
        ("?state=all&mark=x", QUESTION),
    ],
)
def test_only_some_are_shown(
    day: Practice, visitor: Visitor, query: str, shown: int | None
) -> None:
    visitor.sign_in("olwen")
    page = visitor.see(f"/replies{query}").text
    assert (f'href="/replies/{shown}"' in page) == (shown is not None)
    if shown is None:
        assert "There is no such reply" in page


def test_a_reply_is_taken_given_done_and_opened_again(day: Practice, visitor: Visitor) -> None:
    """Each step once, however often it is sent; the note stays with the reply, the trail has its digest."""
    visitor.sign_in("olwen")
    at = f"/replies/{QUESTION}"
    steps: list[tuple[str, dict[str, Any], tuple[str, str | None]]] = [
        ("take", {}, ("in_hand", "olwen")),
        ("give", {"to": "tegan"}, ("in_hand", "tegan")),
        ("done", {"note": "rung her: Tuesday at ten"}, ("done", "tegan")),
        ("reopen", {}, ("open", None)),
    ]
    for what, values, after in steps:
        for _ in range(2):
            visitor.send(f"{at}/{what}", values, seen_at=at)
            assert standing(day, QUESTION) == after
    assert acts_of(day, "olwen") == [
        "reply.assigned", "reply.assigned", "reply.closed", "reply.reopened",
    ]  # fmt: skip
    assert NAMES[4] in visitor.see(at).text


def test_done_with_an_opt_out_counts_like_stop(day: Practice, visitor: Visitor) -> None:
    """Somebody asked for no more messages in other words."""
    visitor.sign_in("olwen")
    at = f"/replies/{QUESTION}"
    visitor.send(f"{at}/done", {"note": "asked for no more", "opt_out": "1"}, seen_at=at)
    with day.record.read() as connection:
        found = connection.execute(sa.select(consent.c.patient_id, consent.c.decision)).all()
    assert (4, "opt_out") in [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("path", "values", "says"),
    [
        (f"/replies/{QUESTION}/done", {"note": ""}, "say what was done"),
        (f"/replies/{QUESTION}/give", {"to": "nobody"}, "only an active operator"),
    ],
)
def test_what_is_missing_is_said_where_it_is_typed(
    day: Practice, visitor: Visitor, path: str, values: dict[str, str], says: str
) -> None:
    visitor.sign_in("olwen")
    answer = visitor.send(path, values, seen_at=f"/replies/{QUESTION}")
    assert answer.status_code == 400
    assert says in answer.text
    assert standing(day, QUESTION) == ("open", None)


def test_whose_stop_it_was_is_said_for_each_who_has_the_number(
    day: Practice, visitor: Visitor
) -> None:
    """One is opted out too, the other is messaged; decided once."""
    visitor.sign_in("olwen")
    page = visitor.see("/replies/shared").text
    assert page.count("It holds: no messages") == 2
    for who, said in ((5, "opt_out"), (6, "opt_in"), (6, "opt_in")):
        values = {"patient": str(who), "decision": said}
        visitor.send(f"/replies/{STOP}/decide", values, seen_at=f"/replies/{QUESTION}")
    assert list_open(day.record) == []
    assert acts_of(day, "olwen") == ["reply.decided", "reply.decided"]
    assert "Nothing waits for a decision" in visitor.see("/replies/shared").text


@pytest.mark.parametrize(
    "values",
    [
        {"patient": "5", "decision": "x"},
        {"patient": "x", "decision": "opt_in"},
        {"patient": "1", "decision": "opt_in"},
    ],
)
def test_what_nobody_asked_is_not_decided(
    day: Practice, visitor: Visitor, values: dict[str, str]
) -> None:
    visitor.sign_in("olwen")
    answer = visitor.send(f"/replies/{STOP}/decide", values, seen_at=f"/replies/{QUESTION}")
    assert answer.status_code in (400, 404)
    assert len(list_open(day.record)) == 2


@pytest.mark.parametrize(("decision", "mobile"), [("released", "07700900003"), ("kept", None)])
def test_what_a_reply_holds_back_is_decided_with_how_one_knows(
    day: Practice, visitor: Visitor, decision: str, mobile: str | None
) -> None:
    """Kept: the number is taken off the record. Without a note nothing is decided; twice is once."""
    visitor.sign_in("olwen")
    assert "Wrong number" in visitor.see("/holds").text
    answer = visitor.send("/holds/1/decide", {"decision": decision, "note": ""}, seen_at="/holds/1")
    assert answer.status_code == 400
    assert len(list_holds(day.record)) == 1
    for _ in range(2):
        values = {"decision": decision, "note": "rung the number"}
        visitor.send("/holds/1/decide", values, seen_at="/holds/1")
    assert list_holds(day.record) == []
    assert acts_of(day, "olwen") == [f"hold.{decision}"]
    with day.record.read() as connection:
        now = connection.scalar(sa.select(patient.c.mobile).where(patient.c.id == 3))
    assert now == mobile
    assert "rung the number" in visitor.see("/holds/1").text


def test_who_is_tied_to_facilities_sees_and_does_nothing_of_others(
    day: Practice, visitor: Visitor
) -> None:
    """NEW-38: left out of the lists, uncounted; each by itself is refused."""
    with day.record.write() as connection:
        connection.execute(sa.update(patient).values(facility_id=1))
        connection.execute(sa.update(patient).where(patient.c.id == 4).values(facility_id=2))
    set_facilities(day.record, day.clock, name="olwen", codes=["f2"], by="ada")
    visitor.sign_in("olwen")
    page = visitor.see("/replies").text
    assert "Can I come on Tuesday?" in page
    assert "I am not Ann" not in page
    assert "Nothing waits for a decision" in visitor.see("/replies/shared").text
    assert "Nothing is held back" in visitor.see("/holds").text
    for path in (f"/replies/{WRONG}", "/holds/1"):
        assert visitor.see(path).status_code == 403
    for path, values in (
        (f"/replies/{WRONG}/take", {}),
        (f"/replies/{STOP}/decide", {"patient": "5", "decision": "opt_out"}),
        ("/holds/1/decide", {"decision": "kept", "note": "rung"}),
    ):
        assert visitor.send(path, values, seen_at=f"/replies/{QUESTION}").status_code == 403
    assert standing(day, WRONG) == ("open", None)
    assert len(list_holds(day.record)) == 1
    assert len(list_open(day.record)) == 2


def test_what_a_patient_writes_is_no_markup(day: Practice, visitor: Visitor) -> None:
    """Stored XSS: by text message, by anybody."""
    evil = "<script>alert(1)</script>"
    phones = day.settings.phones
    keep_replies(
        day.record, day.clock, [Inbound("fake", "x", "sms", "+447700900004", evil)], phones
    )
    apply_replies(day.record, day.clock, phones)
    visitor.sign_in("olwen")
    for path in ("/replies", "/replies/4"):
        page = visitor.see(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
