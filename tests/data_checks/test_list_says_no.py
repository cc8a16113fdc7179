"""NEW-26: a list that says no is obeyed, whatever its columns are called; what is not understood stops it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import orjson
import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.govern.audit.trail import verify
from clinic.message.campaign.said import said_of
from clinic.message.intake.cells import says_in, speaks
from clinic.message.intake.says_no import kind_of
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.people import patient
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
    # As practices call them
    ("RIP", "12/03/2026", "", "list_says_dead"),
    ("Passed away?", "y", "n", "list_says_dead"),
    ("Wedi marw", "Ydi", "Nac ydi", "list_says_dead"),
    ("MARAC", "Y", "", "list_says_sensitive"),
    ("Child protection plan", "yes", "", "list_says_sensitive"),
    ("No further contact", "1", "", "list_says_no_contact"),
    ("Not to be texted", "x", "", "list_says_no_contact"),
    ("Exclude", "Y", "N", "list_says_no_contact"),
    ("Peidiwch â thecstio", "x", "", "list_says_no_contact"),
    ("Leaving date", "31/01/2026", "", "list_says_left"),
    ("Moved away", "yes", "", "list_says_left"),
    ("Refused", "yes", "", "list_says_declined"),
    ("Objection", "Y", "", "list_says_declined"),
    ("OK to text?", "No", "Yes", "list_says_declined"),
    ("May we contact you", "N", "Y", "list_says_declined"),
    ("SMS allowed", "false", "true", "list_says_declined"),
    ("Caniatâd", "Nac oes", "Oes", "list_says_declined"),
    ("Text?", "No", "Y", "list_says_declined"),
    ("SMS (Y/N)", "N", "see below", "list_says_declined"),
    # Whatever the column is called
    ("Patient status", "Deceased", "Regular", "list_says_dead"),
    ("Col7", "R.I.P.", "", "list_says_dead"),
    ("Status", "Deducted", "Registered", "list_says_left"),
    ("Notes", "Left the practice", "Diabetic", "list_says_left"),
    ("Notes", "DO NOT TEXT!", "rings back", "list_says_no_contact"),
    ("Contact preference", "Letter only", "SMS", "list_says_no_contact"),
    ("Remarks", "Opted out.", "opted in", "list_says_declined"),
    ("Flag", "Domestic violence", "Diabetes", "list_says_sensitive"),
    ("Sylwadau", "Peidiwch â chysylltu", "", "list_says_no_contact"),
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
        ("Notes", "Please don’t text: husband reads her phone"), ("Comment", "mum says she has died"),
        ("Col7", "known to safeguarding lead"), ("Alert", "moved away in May?"),
        ("Info", "wrong address; declines all texts"), ("Exclusion", "see notes"),
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


QUIET = (
    "", "Diabetic", "call back Tuesday", "no contact number", "no contact lenses", "Not deceased",
    "mother died 2019", "left eye", "Left", "text sent", "message left", "none", "No", "declined", "Dr Safe",
    "do not call, text instead", "National data opt-out", "Dead Sea salt", "never smoked", "stopped smoking",
    "no text back yet", "Stop Smoking",
)  # fmt: skip


def test_everyday_cells_say_nothing(practice: Practice) -> None:
    """NEW-26: of a campaign by text; a question that always comes is not read."""
    assert [text for text in QUIET if says_in(text, "sms", within=True)] == []
    path = practice.file(
        f"{nhs(1)},no contact number,No", f"{nhs(2)},declined,Left", heading="NHS Number,Notes,Side"
    )
    assert practice.judge(path) == {2: "accepted", 3: "accepted"}


@pytest.mark.parametrize("channel", ["sms", "email", "voice"])
def test_no_cell_that_says_something_is_lost_with_its_column(channel: str) -> None:
    """NEW-26, NEW-39: what is kept of a column that is not kept is what the check would read."""
    cells = [*QUIET, *(cell for _, no, fine, _ in SAYS for cell in (no, fine))]
    kept = speaks(pd.Series(cells, dtype="str"))
    said = [bool(says_in(cell, channel, within=True)) for cell in cells]
    assert [
        cell for cell, one, other in zip(cells, said, kept, strict=True) if one and not other
    ] == []


def test_of_a_column_that_is_not_kept_the_cells_that_say_no_are(practice: Practice) -> None:
    """NEW-39: and no other, as nothing else serves the campaign."""
    path = practice.file(
        f"{nhs(1)},Do not contact,his sister rang",
        f"{nhs(2)},HbA1c 60,",
        heading="NHS Number,Notes,More",
    )
    number = practice.begin(path)
    practice.check(number)
    assert practice.outcomes(number) == {2: "list_says_no_contact", 3: "accepted"}
    with practice.record.read() as connection:
        cells = connection.scalars(
            sa.select(list_row.c.cells).order_by(list_row.c.row_number)
        ).all()
    assert [orjson.loads(row)[1:] for row in cells] == [["Do not contact", ""], ["", ""]]


def test_in_a_column_that_a_text_prints_a_cell_counts_that_says_nothing_else(
    practice: Practice,
) -> None:
    """NEW-26: whoever writes a text knows its words; a mark that slipped into it is none of them."""
    practice.template("{{ list.Line }} Please book.", key="own")
    path = practice.file(
        f"{nhs(1)},Do not contact,1 May 1960",
        f"{nhs(2)},Please do not contact the ward.,2 May 1961",
        heading="NHS Number,Line,Date of Birth",
    )
    for key, born in ((1, date(1960, 5, 1)), (2, date(1961, 5, 2))):
        with practice.record.write() as connection:
            connection.execute(
                sa.update(patient).where(patient.c.id == key).values(birth_date=born)
            )
    number = practice.begin(path, template="own")
    practice.check(number)
    assert practice.outcomes(number) == {2: "list_says_no_contact", 3: "accepted"}


def test_a_column_about_another_channel_alone_is_passed_over(practice: Practice) -> None:
    heading = "NHS Number,Email consent,Do not email"
    path = practice.file(f"{nhs(1)},No,Yes", heading=heading)
    assert practice.judge(path) == {2: "accepted"}
    judged = practice.judge(path, channel="email", request_key="mail")
    assert judged == {2: "list_says_no_contact"}
