"""One patient at the desk: found, opened with a reason, and what staff say of how they are messaged."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.govern.people.facilities import set_facilities
from clinic.govern.tied import CODE
from clinic.practice.needs import needs_of
from clinic.practice.objection import decisions_of
from clinic.record.schema.govern import access_log, access_patient, audit_act
from clinic.record.schema.people import facility, patient
from clinic.record.schema.safety import safe_contact
from tasks.wiring import Wiring
from tests.desk.visitors import Visitor
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

EVIL = "<img src=x onerror=alert(1)>\"'>"
WHY = {"reason": "care", "words": ""}


@pytest.fixture
def sian(practice: Practice) -> int:
    """A patient with a message that was sent."""
    practice.patient(
        1,
        given_name="Siân",
        family_name="Morgan",
        birth_date=date(1960, 11, 3),
        postcode="CF10 1AA",
    )
    practice.patient(2, given_name="Owen", family_name="Morgan", birth_date=date(1985, 1, 31))
    practice.run(practice.everybody(1))
    return 1


def open_card(visitor: Visitor, number: int = 1, part: str = "", **why: str) -> Any:
    """The patient's page, after the reason."""
    at = f"/patients/{number}" + (f"/{part}" if part else "")
    return visitor.send(f"/patients/{number}/why", WHY | why | {"part": part}, seen_at=at)


def looks(practice: Practice) -> list[tuple[str, str, str, str | None]]:
    """What the access log has: who, page, reason, refused."""
    c = access_log.c
    with practice.record.read() as connection:
        rows = connection.execute(
            sa.select(c.person, c.command, c.reason, c.refused).order_by(c.id)
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (nhs(1), ["Siân"]),
        (f"{nhs(1)[:3]} {nhs(1)[3:6]} {nhs(1)[6:]}", ["Siân"]),
        ("E2", ["Owen"]),
        ("morgan", ["Owen", "Siân"]),
        ("MOR ow", ["Owen"]),
        ("03/11/1960", ["Siân"]),
        ("morgan 1985-01-31", ["Owen"]),
        ("owen 03/11/1960", []),
        ("cf101aa", ["Siân"]),
        ("nobody", []),
    ],
)  # fmt: skip
def test_a_patient_is_found_by_what_people_type(
    visitor: Visitor, practice: Practice, sian: int, typed: str, names: list[str]
) -> None:
    """ALC-13: search; whom the list shows is in the access log, and no name in an address."""
    visitor.sign_in("olwen")
    found = visitor.send("/patients", {"q": typed}, seen_at="/patients")
    assert found.status_code == 200
    assert [name for name in ("Owen", "Siân") if f"{name} Morgan" in found.text] == names
    assert found.url.query == b""
    with practice.record.read() as connection:
        shown = set(connection.scalars(sa.select(access_patient.c.patient_id)))
    assert shown == {{"Siân": 1, "Owen": 2}[name] for name in names}


@pytest.mark.parametrize("typed", ["", " ", "a"])
def test_a_search_for_nothing_finds_nobody(visitor: Visitor, sian: int, typed: str) -> None:
    """One letter would list half a practice."""
    visitor.sign_in("olwen")
    assert visitor.send("/patients", {"q": typed}, seen_at="/patients").status_code == 422


def test_nothing_of_a_patient_is_shown_before_a_reason(
    visitor: Visitor, practice: Practice, sian: int
) -> None:
    """ARC-16: every message is on the outreach card; the access log has who looked, and why."""
    visitor.sign_in("olwen")
    for part in ("", "/needs", "/safe-contact", "/objection"):
        asked = visitor.see(f"/patients/1{part}").text
        assert "Why do you look at this patient?" in asked
        assert "Morgan" not in asked
        assert nhs(1) not in asked
    assert looks(practice) == []
    card = open_card(visitor, reason="complaint", words="letter of Monday")
    assert card.url.path == "/patients/1"
    for says in (
        "Siân Morgan",
        "3 Nov 1960",
        nhs(1),
        "Hello, your review is due.",
        "Outreach card: 1 message",
    ):
        assert says in card.text, says
    assert looks(practice) == [("olwen", "desk patient", "complaint", None)]
    assert "Siân Morgan" in visitor.see("/patients/1/needs").text, "asked once"
    assert looks(practice)[-1] == ("olwen", "desk patient needs", "complaint", None)
    assert "Why do you look" in visitor.see("/patients/2").text, "for each patient"


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ({"reason": ""}, "Choose why you look"),
        ({"reason": "other"}, "Choose why you look"),
        ({"reason": "care", "words": "Mrs Morgan rang"}, "the reason names the patient"),
        ({"reason": "care", "words": "9990000018"}, "the reason names the patient"),
        ({"reason": EVIL, "words": EVIL}, "Choose why you look"),
    ],
)
def test_a_reason_is_of_the_list_and_names_nobody(
    visitor: Visitor, practice: Practice, sian: int, why: dict[str, str], says: str
) -> None:
    """What is kept for years has no name in it; nothing is shown and nothing is logged."""
    visitor.sign_in("olwen")
    answer = open_card(visitor, **why)
    assert answer.status_code == 422
    assert says in answer.text
    assert "Hello" not in answer.text
    assert "<img" not in answer.text
    assert looks(practice) == []


def test_a_reason_is_of_one_sign_in_and_for_some_minutes(
    visitor: Visitor, parts: Wiring, sian: int, clock: FakeClock
) -> None:
    """Another person is asked by themselves; after a quarter of an hour so is the first."""
    visitor.sign_in("olwen")
    open_card(visitor)
    other = Visitor(parts)
    other.sign_in("mair")
    assert "Why do you look" in other.see("/patients/1").text
    clock.sleep(14 * 60)
    assert "Siân Morgan" in visitor.see("/patients/1").text
    clock.sleep(2 * 60)
    assert "Why do you look" in visitor.see("/patients/1").text


def test_whoever_is_tied_to_a_facility_sees_its_patients_alone(
    visitor: Visitor, practice: Practice, sian: int
) -> None:
    """A patient of another facility is not found, and not shown: that they tried is in the log."""
    with practice.record.write() as connection:
        connection.execute(sa.insert(facility).values(id=1, code="NORTH", name="North"))
        connection.execute(sa.update(patient).where(patient.c.id == 2).values(facility_id=1))
    set_facilities(practice.record, practice.clock, name="olwen", codes=["NORTH"], by="ada")
    visitor.sign_in("olwen")
    found = visitor.send("/patients", {"q": "morgan"}, seen_at="/patients").text
    assert "Owen Morgan" in found
    assert "Siân" not in found
    assert "Owen Morgan" in open_card(visitor, 2).text
    refused = open_card(visitor, 1)
    assert refused.status_code == 403
    assert "Siân" not in refused.text
    assert looks(practice)[-1] == ("olwen", "desk patient", "care", CODE)


def test_roles_reach_what_is_theirs(visitor: Visitor, practice: Practice, sian: int) -> None:
    """An admin reaches no patient; who-saw is for whoever may read the audit; nobody else is told of it."""
    visitor.sign_in("ada")
    for path in ("/patients", "/patients/1", "/patients/1/needs", "/patients/1/who-saw"):
        assert visitor.see(path).status_code == 404
    posted = visitor.send("/patients/1/why", WHY, seen_at="/sessions")
    assert posted.status_code == 404
    visitor.sign_in("olwen")
    assert "Who saw" not in open_card(visitor).text
    assert visitor.see("/patients/1/who-saw").status_code == 404
    visitor.sign_in("mair")
    seen = open_card(visitor, part="who-saw", reason="audit").text
    assert "desk patient, " in seen
    assert "olwen" in seen


def test_safe_contact_is_set_by_anybody_and_seen_and_lifted_by_role(
    visitor: Visitor, practice: Practice, sian: int
) -> None:
    """What protects is done at once; what is in force is shown to team leads and managers alone."""
    visitor.sign_in("olwen")
    open_card(visitor)
    at = "/patients/1/safe-contact"
    bad = visitor.send(at, {"safe_number": "12", "reason": "she asked", "do": "set"}, seen_at=at)
    assert bad.status_code == 422
    assert "is no mobile number" in bad.text
    assert visitor.send(at, {"reason": "", "do": "set"}, seen_at=at).status_code == 422
    form = {
        "channels": ["sms"],
        "safe_number": "07700900999",
        "reason": "partner reads it",
        "do": "set",
    }
    assert visitor.send(at, form, seen_at=at).url.path == "/patients/1"
    shown = visitor.see(at).text
    assert "partner reads it" not in shown
    assert "900999" not in shown
    more = {"channels": ["sms", "email"], "reason": "more of it", "do": "set"}
    assert "only a team lead or manager" in visitor.send(at, more, seen_at=at).text
    visitor.sign_in("tegan")
    assert "partner reads it" in open_card(visitor, part="safe-contact").text
    lifted = visitor.send(at, {"reason": "moved away", "do": "lift"}, seen_at=at)
    assert lifted.url.path == "/patients/1"
    with practice.record.read() as connection:
        (row,) = connection.execute(sa.select(safe_contact))
        acts = list(connection.scalars(sa.select(audit_act.c.operation_type)))
    assert (row.set_by, row.ended_by, row.ended_why) == ("olwen", "tegan", "moved away")
    assert "safe-contact.seen" in acts


def test_needs_are_kept_field_by_field(visitor: Visitor, practice: Practice, sian: int) -> None:
    """What was not touched stays, what was emptied goes; what is not understood is said."""
    visitor.sign_in("olwen")
    open_card(visitor)
    at = "/patients/1/needs"
    said = {
        "language": "Polish", "interpreter": "yes", "formats": "easy_read", "prefers": "email", "stay": "",
        "proxy_role": "daughter", "proxy_name": "Anna", "proxy_mobile": "", "proxy_email": "",
        "proxy_consent": "no",
    }  # fmt: skip
    assert visitor.send(at, said, seen_at=at).url.path == "/patients/1"

    def needs() -> dict[str, Any]:
        with practice.record.read() as connection:
            return needs_of(connection, 1)

    expected = {
        "preferred_channel": "email", "language": "pl", "interpreter": True, "formats": "easy_read",
        "proxy_role": "daughter", "proxy_name": "Anna", "proxy_consent": False,
    }  # fmt: skip
    assert needs() == expected
    page = visitor.see(at).text
    assert 'value="pl"' in page
    visitor.send(at, said | {"language": "pl", "proxy_name": "", "prefers": "any"}, seen_at=at)
    del expected["proxy_name"], expected["preferred_channel"]
    assert needs() == expected
    wrong = visitor.send(at, said | {"formats": "papyrus"}, seen_at=at)
    assert wrong.status_code == 422
    assert "one of:" in wrong.text


def test_an_objection_its_end_and_a_consent_are_noted(
    visitor: Visitor, practice: Practice, sian: int
) -> None:
    """Of what a patient said the latest counts; what makes no sense is said, and nothing is noted."""
    visitor.sign_in("olwen")
    open_card(visitor)
    at = "/patients/1/objection"
    form = {"what": "objects", "purpose": "feedback", "channel": "sms", "on": ""}
    for wrong, says in (
        ({"what": ""}, "Choose what the patient says"),
        ({"what": "lifts"}, "there is nothing to lift"),
        ({"on": "31 Foo"}, "Write a day as"),
        ({"on": "2099-01-01"}, "it is to come yet"),
        ({"what": "consents", "purpose": "any"}, "a consent is to one purpose"),
        ({"purpose": EVIL, "on": ""}, "is one of"),
    ):
        answer = visitor.send(at, form | wrong, seen_at=at)
        assert answer.status_code == 422, wrong
        assert says in answer.text
        assert "<img" not in answer.text
    noted = visitor.send(at, form, seen_at=at)
    assert noted.url.path == "/patients/1"
    assert "Noted. It counts" in noted.text
    earlier = visitor.send(at, form | {"what": "lifts", "on": "2020-01-01"}, seen_at=at)
    assert "What the patient said later counts" in earlier.text
    with practice.record.read() as connection:
        found = [(one.decision, one.purpose, one.taken_by) for one in decisions_of(connection, 1)]
    assert found == [("opt_out", "feedback", "olwen"), ("opt_in", "feedback", "olwen")]


def test_a_number_is_confirmed_on_the_day(visitor: Visitor, practice: Practice, sian: int) -> None:
    """As the patient says it is their own."""
    visitor.sign_in("olwen")
    open_card(visitor)
    visitor.send("/patients/1/confirm-number", {}, seen_at="/patients/1")
    with practice.record.read() as connection:
        query = sa.select(patient.c.mobile_confirmed_on).where(patient.c.id == 1)
        assert connection.scalar(query) == practice.clock.now().date()


def test_what_a_record_has_is_never_markup(visitor: Visitor, practice: Practice) -> None:
    """Names, ids, messages, needs, reasons: in the list, on the card, in the forms."""
    practice.patient(
        1,
        given_name=EVIL,
        family_name=EVIL,
        local_id=EVIL,
        address=EVIL,
        status=EVIL,
        nhs_number=None,
    )
    practice.template(f"Hello {EVIL.replace('{', '')}, we are the practice.")
    visitor.sign_in("tegan")
    texts = [
        visitor.send("/patients", {"q": "<img"}, seen_at="/patients").text,
        open_card(visitor).text,
    ]
    needs = {
        "language": EVIL,
        "proxy_role": EVIL[:40],
        "proxy_name": EVIL,
        "prefers": EVIL,
        "formats": "",
    }
    texts.append(visitor.send("/patients/1/needs", needs, seen_at="/patients/1/needs").text)
    contact = {"reason": EVIL, "do": "set", "channels": [EVIL]}
    at = "/patients/1/safe-contact"
    texts += [visitor.send(at, contact, seen_at=at).text, visitor.see(at).text]
    assert "&lt;img" in texts[0]
    assert "<img" not in "".join(texts)
