"""NEW-40: an objection as it is typed, what messages are for, and what purposes were called before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.database import Record
from clinic.record.schema.lists import template_purpose
from clinic.record.schema.people import consent, patient
from tests.cli.office import Office, hire
from tests.main_job import nhs

WHO = nhs(1)


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    with sqlite_record.write() as connection:
        connection.execute(sa.insert(patient).values(id=1, nhs_number=WHO, mobile="07700900001"))
    return office


def test_it_is_noted_lifted_and_dated(office: Office, sqlite_record: Record) -> None:
    words = ("objection", WHO, "--purpose", "feedback", "--channel", "sms")
    noted = office.run(*words, "--on", "02/03/2026", me="ann")
    assert (noted.exit_code, "objects to messages for feedback by sms" in noted.output) == (0, True)
    assert "objects no more" in office.run(*words, "--lift", me="ann").output
    late = office.run(*words, "--on", "01/03/2026", me="ann")
    assert (late.exit_code, "What they said later counts" in late.output) == (0, True)
    tomorrow = office.run(*words, "--on", "01/03/2099", me="ann")
    assert (tomorrow.exit_code, "objection-day" in tomorrow.output) == (2, True)
    both = office.run(*words, "--lift", "--consent", me="ann")
    assert (both.exit_code, "request-invalid" in both.output) == (2, True)
    odd = office.run("objection", WHO, "--purpose", "newsletter", me="ann")
    assert (odd.exit_code, "purpose-unknown" in odd.output) == (2, True)
    nobody = office.run("objection", nhs(2), "--purpose", "feedback", me="ann")
    assert (nobody.exit_code, "patient-unknown" in nobody.output) == (2, True)
    with sqlite_record.read() as connection:
        rows = connection.execute(sa.select(consent).order_by(consent.c.decided_at)).all()
    assert [(row.decision, row.taken_by) for row in rows] == [
        ("opt_out", "ann"), ("opt_out", "ann"), ("opt_in", "ann"),
    ]  # fmt: skip
    trail = office.run("audit", "list", "--json", me="mia").output
    assert (trail.count('"objection.'), WHO in trail) == (3, False)


def test_the_table_says_basis_rule_owner_and_templates(
    office: Office, sqlite_record: Record
) -> None:
    new = NewTemplate("fft", "FFT", "survey", "How was it?", purpose="feedback")
    add_template(sqlite_record, SystemClock(), new, by="nia")
    environment = {
        "COHORT_PURPOSES__FEEDBACK__OWNER": "the practice manager",
        "COHORT_PURPOSES__FEEDBACK__REVIEW_BY": "2027-03-31",
        "COHORT_PURPOSES__FEEDBACK__NOTICE": "https://elm.example.org/privacy",
    }
    told = office.run("purposes", "--json", environment=environment)
    rows = {row["purpose"]: row for row in json.loads(told.stdout)}
    assert list(rows) == ["care", "administration", "recall", "feedback", "research", "marketing"]
    assert rows["feedback"] | {"about": "", "legal_basis": ""} == {
        "purpose": "feedback", "about": "", "legal_basis": "", "ruled_by": "objection",
        "owner": "the practice manager", "review_by": "2027-03-31",
        "notice": "https://elm.example.org/privacy", "templates": 1,
    }  # fmt: skip
    assert rows["marketing"]["ruled_by"] == "consent"
    assert all(row["legal_basis"].startswith("UK GDPR 6(1)") for row in rows.values())


def test_what_was_mapped_is_said_and_what_says_nothing_too(
    office: Office, sqlite_record: Record
) -> None:
    add_template(sqlite_record, SystemClock(), NewTemplate("n", "N", "notice", "Hi"), by="nia")
    with sqlite_record.write() as connection:
        connection.execute(sa.update(template_purpose).values(mapped_from="newsletter"))
        for purpose, was in (("marketing", "newsletter"), ("xyzzy", None), ("any", None)):
            connection.execute(
                sa.insert(consent).values(
                    patient_id=1, channel="sms", purpose=purpose, mapped_from=was,
                    decision="opt_out", decided_at=SystemClock().now(), source="staff",
                )
            )  # fmt: skip
    found = json.loads(office.run("purposes", "--mapped", "--json").stdout)
    assert [tuple(row.values()) for row in found] == [
        ("n", "newsletter", "care", 1),
        ("decisions of patients", "xyzzy", None, 1),
        ("decisions of patients", "newsletter", "marketing", 1),
    ]
    assert "nobody is left out" in office.run("purposes", "--mapped").output


def test_free_text_without_a_purpose_is_refused(office: Office) -> None:
    said = office.run("message", "--status", "active", "--name", "N", "--text", "Hello", me="ann")
    assert (said.exit_code, "purpose-missing" in said.output) == (2, True)
    words = ("message", "--status", "active", "--name", "N", "--template", "flu-invite")
    said = office.run(*words, "--purpose", "care", me="ann")
    assert (said.exit_code, "says itself what it is for" in said.output) == (2, True)
