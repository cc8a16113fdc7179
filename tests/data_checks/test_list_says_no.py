"""NEW-26: a list that says no is obeyed, whatever its columns are called; what is not understood stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.errors import CohortRefused
from clinic.govern.audit.trail import verify
from clinic.message.campaign.said import said_of
from clinic.message.intake.says_no import kind_of
from clinic.record.database import Record
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs, tally


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(3)
    return made


# Heading, a cell that says no, a cell that does not, the outcome
SAYS = [
    ("Date of Death", "03/02/2026", "", "list_says_dead"),
    ("DOD", "3 Feb 2026", "n/a", "list_says_dead"),
    ("Deceased?", "Y", "N", "list_says_dead"),
    ("Consent", "Declined", "Given", "list_says_declined"),
    ("SMS consent", "no", "yes", "list_says_declined"),
    ("Consent to text messages", "Dissent", "12/01/2024", "list_says_declined"),
    ("Opted-out", "TRUE", "FALSE", "list_says_declined"),
    ("Declined texts", "x", "", "list_says_declined"),
    ("Deduction Date", "2026-01-31", "-", "list_says_left"),
    ("Deducted", "Yes", "no", "list_says_left"),
    ("Left practice", "1", "0", "list_says_left"),
    ("SpineSensitive", "true", "false", "list_says_sensitive"),
    ("Safeguarding", "Y", "", "list_says_sensitive"),
    ("Domestic abuse – do not text", "yes", "no", "list_says_sensitive"),
    ("Do not contact", "1", "", "list_says_no_contact"),
    ("DON'T TEXT", "x", "", "list_says_no_contact"),
    # As databases write them
    ("DateOfDeath", "2026-02-03", "", "list_says_dead"),
    ("deathdate", "2026-02-03", "", "list_says_dead"),
    ("DoNotText", "1", "0", "list_says_no_contact"),
    ("domestic_abuse", "Y", "N", "list_says_sensitive"),
    ("DateLeft", "2026-01-31", "", "list_says_left"),
]


@pytest.mark.parametrize(("heading", "no", "fine", "outcome"), SAYS)
def test_a_column_that_says_no_is_obeyed(
    practice: Practice, heading: str, no: str, fine: str, outcome: str
) -> None:
    path = practice.file(f"{nhs(1)},{no}", f"{nhs(2)},{fine}", heading=f"NHS Number,{heading}")
    assert practice.judge(path) == {2: outcome, 3: "accepted"}


@pytest.mark.parametrize(
    ("heading", "cell"),
    [
        ("Safeguarding", "see notes"), ("Consent", "9ndQ"), ("Deceased", "query"),
        ("Date of Death", "unknown"), ("Sensitive", "unknown"), ("Do not text", "til May"),
    ],
)  # fmt: skip
def test_what_is_not_understood_stops_until_a_person_says_so_and_stays_out(
    practice: Practice, heading: str, cell: str
) -> None:
    path = practice.file(f"{nhs(1)},{cell}", f"{nhs(2)},", heading=f"NHS Number,{heading}")
    with pytest.raises(CohortRefused, match=r"not understood.*--accept list_says_unclear=REASON"):
        practice.check(practice.begin(path))
    accept = {"list_says_unclear": "Asked the reception; the first is rung"}
    number = practice.begin(path, request_key="two", accept=accept, requested_by="nia")
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"list_says_unclear": 1, "accepted": 1}
    with practice.record.read() as connection:
        assert ("accepted", "nia accepted list_says_unclear, with a reason.") in [
            (one.code, one.says) for one in said_of(connection, number)
        ]
    assert verify(practice.record, None).first_fault is None


def test_one_check_accepted_is_not_another_accepted(practice: Practice) -> None:
    path = practice.file(f"{nhs(1)},see notes", heading="NHS Number,Safeguarding")
    number = practice.begin(path, accept={"name_differs": "Names in Arabic"}, requested_by="nia")
    with pytest.raises(CohortRefused):
        practice.check(number)


EVERYDAY = (
    "Clinic", "Usual GP", "Last flu vaccination", "Contact number", "Notes", "Preferred Name", "Due date",
    "Next of kin", "Piano contact", "Postcode", "Ethnicity", "Left eye", "Registered GP", "Dose", "Phone No",
    "Reason",
)  # fmt: skip


def test_everyday_headings_say_nothing() -> None:
    assert {heading: kind_of(heading, "sms") for heading in EVERYDAY} == dict.fromkeys(EVERYDAY, "")


def test_a_column_about_another_channel_alone_is_passed_over(practice: Practice) -> None:
    heading = "NHS Number,Email consent,Do not email"
    path = practice.file(f"{nhs(1)},No,Yes", heading=heading)
    assert practice.judge(path) == {2: "accepted"}
    judged = practice.judge(path, channel="email", request_key="mail")
    assert judged == {2: "list_says_no_contact"}
