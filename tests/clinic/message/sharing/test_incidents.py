"""NEW-27: what went wrong elsewhere with children and shared phones, in a family practice of ours."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.review import review_campaign
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tasks.messages import render
from tasks.wiring import use
from tests.fakes import FakeClock
from tests.flows.installation import parts_of
from tests.main_job import Practice, nhs, tally

ACCEPT = {"content_sexual_reproductive": "the nurse asked for it"}
PRINTED = ACCEPT | {"printed_unproven": "made row by row"}


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Five mothers with seven children each on their number, ten couples with one number, five on their own."""
    practice = Practice(sqlite_record, clock, tmp_path)
    for n in range(1, 6):
        home = f"07400 3010{n:02}"
        practice.patient(n, given_name=f"Mair{n}", birth_date=date(1985, n, 3), mobile=home)
        for child in range(7):
            key = 10 + 7 * n + child
            born = date(2011 + child, 5, n)
            practice.patient(key, given_name=f"Kid{key}", birth_date=born, mobile=f"+44 {home[1:]}")
    for n in range(60, 80):
        home = f"07400 3020{n // 2:02}"
        practice.patient(n, given_name=f"Wyn{n}", birth_date=date(1960, 1, 1), mobile=home)
    for n in range(80, 85):
        practice.patient(
            n, given_name=f"Own{n}", birth_date=date(1970, 1, 1), mobile=f"07400 3030{n}"
        )
    return practice


EVERYBODY = [*range(1, 6), *range(17, 52), *range(60, 85)]


def staged(
    practice: Practice, lines: list[str], text: str, *, heading: str, **request: object
) -> int:
    """As the flow does it: checked, then the task `render`, which stages and judges."""
    practice.template(text, key="own")
    file = practice.file(*lines, heading=heading)
    number = practice.begin(file, template="own", requested_by="nia", **request)
    practice.check(number)
    parts = parts_of(practice)
    use(parts)
    try:
        render.fn(number)
    finally:
        use(None)
        parts.worker.close()
    return number


def said(practice: Practice) -> dict[int, str]:
    with practice.record.read() as connection:
        rows = connection.execute(sa.select(message.c.patient_id, message.c.body))
        return dict(rows.tuples().all())


def test_no_child_is_texted_about_contraception_on_a_parents_number(practice: Practice) -> None:
    """NEW-27: 35 of 35 were; the words were accepted, which is no yes to the children."""
    text = "Dear {{ patient.given_name }}, your contraception review is due. Please call us."
    lines = [nhs(n) for n in EVERYBODY]
    number = staged(practice, lines, text, heading="NHS Number", accept=ACCEPT)
    assert tally(practice.outcomes(number)) == {
        "accepted": 10, "child_contact": 35, "shared_number": 20,
    }  # fmt: skip
    assert all(f"Dear Mair{n}, " in said(practice)[n] for n in range(1, 6))


def test_a_clinic_that_a_list_names_is_not_told_on_a_parents_phone(practice: Practice) -> None:
    """NEW-27: the girl is 13; whoever goes to the eye clinic is told of it, through the parent."""
    text = "You have an appointment at the {{ list.Clinic }} on Monday at 10:00."
    girl, boy = 17 + 1, 17 + 8
    lines = [f"{nhs(girl)},GUM Clinic", f"{nhs(boy)},Eye Clinic", f"{nhs(84)},GUM Clinic"]
    number = staged(practice, lines, text, heading="NHS Number,Clinic", accept=PRINTED)
    assert practice.outcomes(number) == {2: "child_contact", 3: "accepted", 4: "accepted"}
    assert said(practice)[boy].startswith(f"To the parent or guardian of Kid{boy}: You have")


def test_a_family_practice_sends_its_flu_letter_without_a_question(practice: Practice) -> None:
    """NEW-27: nobody is lost, none who share a number are named, and each has it on the record."""
    text = "Dear {% if patient.title %}{{ patient.title }} {% endif %}{{ patient.given_name }}, your flu "
    text += "vaccination is due. Please book it with us."
    number = staged(practice, [nhs(n) for n in EVERYBODY], text, heading="NHS Number")
    review = review_campaign(practice.record, number, segment_cost=0.0)
    assert (review.accepted, review.to_accept, review.warnings) == (65, (), ())
    practice.send(number, 1)
    save_batches(practice.record, practice.clock, number, 1, 1)
    outcomes = summarize(practice.record, practice.clock, number).outcomes
    assert outcomes == {"sent": 55, "told_together": 10}
    texts = {item.patient_id: item.text for item in practice.items()}
    assert len(texts) == 65
    assert {texts[n] for n in range(60, 80)} == {
        "Dear patient, your flu vaccination is due. Please book it with us."
    }
