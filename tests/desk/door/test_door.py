"""The door: a date of birth, then the document; and nothing else to anybody else (ACX-14, ACX-15)."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import date, timedelta

import pikepdf
import pytest
import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import SettingsWrong
from clinic.link.standing import links_of, revoke
from clinic.link.token import PLACEHOLDER
from clinic.record.schema.door.links import link_use, patient_link
from clinic.settings.systems.door import Door
from desk.door.words import WORDS
from desk.web.encrypted import require_encrypted
from desk.web.throttle import Throttle
from tests.desk.door.visitors import Patient
from tests.documents import BORN, send_document
from tests.main_job import Practice

WRONG = date(1991, 7, 23)


def later(clock: Clock, delta: timedelta) -> None:
    clock.sleep(delta.total_seconds())


def test_the_right_date_of_birth_opens_the_document(practice: Practice) -> None:
    """ACX-14; each opening is written down."""
    given = send_document(practice)[0]
    patient = Patient(practice)
    asked = patient.see(f"/p/{given}")
    assert asked.status_code == 200
    assert "What is your date of birth?" in asked.text
    for part in ("day", "month", "year"):
        assert f'name="born[{part}]"' in asked.text
    right = patient.try_born(given, BORN)
    assert (right.status_code, right.headers["location"]) == (303, f"/p/{given}")
    cookie = right.headers["set-cookie"]
    assert all(
        word in cookie
        for word in ("__Secure-born", "HttpOnly", "Secure", f"Path=/p/{given}", "900")
    )
    assert "Open Flu leaflet.pdf (PDF, 2 pages" in patient.see(f"/p/{given}").text
    for _ in range(2):
        found = patient.see(f"/p/{given}/document")
    assert found.headers["content-type"] == "application/pdf"
    assert found.headers["content-disposition"].startswith('inline; filename="Flu-leaflet.pdf"')
    assert found.headers["content-security-policy"] == "sandbox; frame-ancestors 'none'"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cache-control"] == "no-store"
    with pikepdf.open(io.BytesIO(found.content)) as pdf:
        assert len(pdf.pages) == 2
    with practice.record.read() as connection:
        assert links_of(connection, 1, practice.clock.now()).opened == 1
        said = list(connection.scalars(sa.select(link_use.c.what).order_by(link_use.c.id)))
    assert said == ["proven", "opened", "opened"]


def test_a_look_changes_nothing(practice: Practice) -> None:
    """A program that previews links, or a scanner of mail, spends no try and opens nothing."""
    given = send_document(practice)[0]
    patient = Patient(practice)
    with practice.record.read() as connection:
        before = connection.execute(sa.select(patient_link)).all()
    for _ in range(20):
        assert patient.see(f"/p/{given}").status_code == 200
        assert patient.client.head(f"/p/{given}").status_code == 200
        assert patient.see(f"/p/{given}/document").headers["location"] == f"/p/{given}"
    with practice.record.read() as connection:
        assert connection.execute(sa.select(patient_link)).all() == before
    assert practice.count(link_use) == 0


def _expired(practice: Practice, _: str) -> None:
    later(practice.clock, timedelta(days=28))


def _revoked(practice: Practice, _: str) -> None:
    revoke(practice.record, practice.clock, 1, by="nia", reason="wrong leaflet")


def _locked(practice: Practice, given: str) -> None:
    patient = Patient(practice)
    for n in range(10):
        patient.try_born(given, WRONG)
        if n == 4:
            later(practice.clock, timedelta(minutes=15))


@pytest.mark.parametrize("close", [_expired, _revoked, _locked])
def test_a_closed_link_looks_as_one_that_nobody_knows(
    practice: Practice, close: Callable[[Practice, str], None]
) -> None:
    """ACX-15: and whoever had proven themselves before opens it no more."""
    given = send_document(practice)[0]
    patient = Patient(practice)
    proven = patient.try_born(given, BORN).headers["set-cookie"].partition(";")[0]
    close(practice, given)
    unknown = "A" * 22
    seen = {
        (answer.status_code, answer.text.replace(one, "…"))
        for one in (given, unknown, PLACEHOLDER, "x" * 21)
        for answer in (patient.see(f"/p/{one}"), patient.try_born(one, BORN))
    }
    assert len(seen) == 1
    status, text = seen.pop()
    assert status == 404
    assert "This link does not work" in text
    assert "01632 960000" in text
    assert patient.see(f"/p/{given}/document", cookie=proven).status_code == 404


def test_wrong_tries_are_told_and_counted(practice: Practice) -> None:
    given = send_document(practice)[0]
    patient = Patient(practice)
    answers = [patient.try_born(given, WRONG) for _ in range(6)]
    assert [one.status_code for one in answers] == [403] * 4 + [429] * 2
    assert "<title>Error:" in answers[0].text
    assert "Wait 15 minutes" in answers[5].text
    assert str(WRONG.year) not in answers[0].text  # what was typed wrong is not shown again


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "empty"),
        ({"day": "", "month": "", "year": ""}, "empty"),
        ({"day": "31", "month": "2", "year": "1984"}, "no_date"),
        ({"day": "15", "month": "3", "year": "84"}, "no_date"),
        ({"day": "15", "month": "three", "year": "1984"}, "no_date"),
        ({"day": "١٥", "month": "3", "year": "1984"}, "no_date"),
        ({"day": "15", "month": "3", "year": "0000"}, "no_date"),
        ({"day": "<script>", "month": "3", "year": "1984"}, "no_date"),
    ],
)
def test_what_is_no_date_is_no_try(practice: Practice, said: dict[str, str], says: str) -> None:
    given = send_document(practice)[0]
    answer = Patient(practice).type(given, said)
    assert answer.status_code == 422
    assert WORDS["en"][says] in answer.text
    assert "<script>3" not in answer.text
    assert 'value="<script' not in answer.text
    assert practice.count(link_use) == 0


def test_the_proof_is_of_one_link_one_process_and_a_quarter_of_an_hour(practice: Practice) -> None:
    first, second = send_document(practice)
    patient = Patient(practice)
    proof = patient.try_born(first, BORN).headers["set-cookie"].partition(";")[0]
    for who, path in ((patient, second), (Patient(practice), first)):
        assert who.see(f"/p/{path}/document", cookie=proof).status_code == 303
    until, _, mark = proof.partition("=")[2].partition(".")
    forged = f"__Secure-born={int(until) + 900}.{mark}"
    assert patient.see(f"/p/{first}/document", cookie=forged).status_code == 303
    later(practice.clock, timedelta(minutes=15, seconds=1))
    assert patient.see(f"/p/{first}/document", cookie=proof).status_code == 303


def test_after_many_failures_one_network_waits_and_others_do_not(practice: Practice) -> None:
    tokens = send_document(practice, 3)
    throttle = Throttle("4 per 5 minute")
    patient = Patient(practice, throttle)
    assert [patient.try_born(one, WRONG).status_code for one in (*tokens, *tokens[:1])] == [403] * 4
    assert patient.try_born(tokens[0], BORN).status_code == 429
    assert throttle.allows("203.0.113.7")
    own = Throttle("1 per 5 minute")
    own.failed("2001:db8::1")
    assert not own.allows("2001:db8::2")  # one home has a whole network
    assert own.allows("2001:db8:1::1")


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}],
)
def test_what_another_site_sends_is_refused(practice: Practice, headers: dict[str, str]) -> None:
    given = send_document(practice)[0]
    assert Patient(practice).try_born(given, BORN, headers=headers).status_code == 403
    assert practice.count(link_use) == 0


def test_a_foreign_host_and_a_large_body_are_refused(practice: Practice) -> None:
    given = send_document(practice)[0]
    patient = Patient(practice)
    assert patient.see(f"/p/{given}", host="evil.example").status_code == 400
    assert patient.type(given, {"day": "1" * 10_000}).status_code in (400, 413)
    for path in ("/", "/sign-in", "/messages", "/p/", f"/p/{given}/other", "/static/../app.py"):
        assert patient.see(path).status_code == 404


def test_welsh_and_english_say_the_same_things(practice: Practice) -> None:
    """Every sentence is there in both; a browser's language is followed, and a choice is kept."""
    assert WORDS["en"].keys() == WORDS["cy"].keys()
    given = send_document(practice)[0]
    patient = Patient(practice)
    welsh = patient.see(f"/p/{given}", **{"accept-language": "cy,en;q=0.8"})
    assert '<html lang="cy"' in welsh.text
    assert "Beth yw eich dyddiad geni?" in welsh.text
    assert "Beth yw" in patient.see(f"/p/{given}?lang=cy").text
    assert "What is your" in patient.see(f"/p/{given}?lang=en", **{"accept-language": "cy"}).text
    right = patient.client.post(
        f"/p/{given}?lang=cy", follow_redirects=False,
        data={"born[day]": "15", "born[month]": "3", "born[year]": "1984"},
    )  # fmt: skip
    assert right.headers["location"] == f"/p/{given}?lang=cy"


def test_the_log_has_neither_token_nor_date_nor_what_went_wrong(
    practice: Practice, caplog: pytest.LogCaptureFixture
) -> None:
    given = send_document(practice)[0]
    patient = Patient(practice)
    with practice.record.write() as connection:
        connection.execute(sa.text("DROP TABLE link_use"))
    with caplog.at_level(logging.DEBUG):
        answer = patient.try_born(given, BORN)
    assert answer.status_code == 500
    said = "\n".join(
        one.getMessage() + str(one.exc_info) for one in caplog.records if one.name != "httpx2"
    )
    assert "unforeseen" in said
    assert given not in said
    assert "1984" not in said
    assert "link_use" not in answer.text + said


def test_it_does_not_listen_in_clear_on_a_network() -> None:
    with pytest.raises(SettingsWrong, match="door-not-encrypted"):
        require_encrypted(Door(host="0.0.0.0"), "door", "dates of birth")
    for own in (Door(), Door(host="0.0.0.0", address="https://msg.example.org")):
        require_encrypted(own, "door", "dates of birth")
