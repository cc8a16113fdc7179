"""`cohort list check`, review, run, summary and outcome file say the same of the same list."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.govern.audit.key import unlock
from clinic.message.outcomes.outcome_rows import write_outcomes
from clinic.message.prepare.review import review_campaign
from clinic.practice.faulty import faulty_list
from clinic.practice.people import Practice as People
from clinic.practice.synthetic import fill_practice
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import patient
from clinic.settings import Phones, Settings
from tasks.show.campaign import check_rows
from tests.cli.conftest import Type
from tests.main_job import Practice

PEOPLE = People(patients=300)


@pytest.fixture
def practice(installed: Record, home: Path) -> Practice:
    """An installation with 300 patients who do not exist."""
    clock = SystemClock()
    fill_practice(installed, PEOPLE, clock=clock)
    settings = Settings(home=home, operator="nia", phones=Phones(test_range=True))
    made = Practice(unlock(installed, home), clock, home, settings=settings)
    made.template("Come to {{ list.Clinic }}.", key="clinic")
    return made


def demo_list(practice: Practice, folder: Path) -> Path:
    path = folder / "flu.csv"
    path.write_bytes(faulty_list(np.random.default_rng(3), 150, PEOPLE))
    return path


def hostile_list(practice: Practice, folder: Path) -> Path:
    """Hidden rows and columns, a further sheet, phones under an odd heading, dummies, gaps, repeats."""
    query = sa.select(patient.c.nhs_number, patient.c.family_name).where(
        patient.c.death_date.is_(None), patient.c.nhs_number.is_not(None)
    )
    with practice.record.read() as connection:
        people = connection.execute(query.order_by(patient.c.id).limit(40)).all()
        taken = {
            (text or "").replace(" ", "")
            for text in connection.scalars(sa.select(patient.c.mobile))
        }
    nobodys = next(n for n in range(1000) if f"07700900{n:03}" not in taken)
    mobile_of = f"07700 900{nobodys:03}"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(
        ["NHS Number", "Mobile Number", "Clinic", "Handy of the wife", "Secret", "Surname"]
    )
    for place, (number, name) in enumerate(people):
        mobile = [mobile_of, "07700 000000", "", "none"][place % 4 if place < 16 else 0]
        clinic = "" if place % 3 == 0 else "Nia's < 5 & co"
        sheet.append([number, mobile, clinic, f"07700 900{place:03}", "x", name])
    sheet.append([people[1].nhs_number, mobile_of, "Nia's", "", "", people[1].family_name])
    sheet.append(["9990000019", mobile_of, "Nia's", "", "", "Nobody"])
    sheet.row_dimensions[5].hidden = True
    sheet.row_dimensions[9].hidden = True
    sheet.column_dimensions["E"].hidden = True
    book.create_sheet("More patients").append(["NHS Number"])
    path = folder / "recall.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("make", "template"), [(demo_list, "flu-invite"), (hostile_list, "clinic")]
)
def test_five_places_say_the_same_of_one_list(
    practice: Practice, typed: Type, tmp_path: Path, make: type, template: str
) -> None:
    """ARC-9, ACX-25 to ACX-27: the same counts, the same remarks, and nothing is kept of the check."""
    path = make(practice, tmp_path)
    page = tmp_path / "page.html"
    told = typed("list", "check", str(path), "--template", template, "--json", "--html", str(page))
    assert told.code == 0, told.err
    checked = json.loads(told.out)
    assert (practice.count(cohort_list), practice.count(campaign)) == (0, 0)
    outcomes = checked["outcomes"]
    accepted = outcomes.pop("accepted")
    assert 0 < accepted == checked["messaged"] < checked["rows"]
    remarks = set(checked["said"])
    shown = page.read_text(encoding="utf-8")
    assert "As a campaign would judge it" in shown
    rows_of = dict(re.findall(r"<code>(\w+)</code>.*?class=\"number\">([\d,]+)<", shown, re.DOTALL))
    assert {code: rows_of.get(code) for code in outcomes} == {
        code: f"{rows:,}" for code, rows in outcomes.items()
    }

    number = practice.begin(path, template=template)
    practice.check(number)
    practice.stage(number)
    review = review_campaign(practice.record, number, segment_cost=0)
    assert (review.accepted, review.not_accepted) == (accepted, outcomes)
    assert {one.code for one in review.said} == remarks

    run = check_rows(practice.record, number)
    assert {row["check"] for row in run if row["result"] != "ok"} == remarks

    summary = practice.finish(number)
    before = {code: rows for code, rows in summary.outcomes.items() if code in outcomes}
    assert (before, summary.messages) == (outcomes, accepted)
    assert sum(summary.outcomes.values()) == checked["rows"]

    file = io.StringIO()
    write_outcomes(practice.record, number, file)
    file.seek(0)
    rows = list(csv.DictReader(file))
    by_code = Counter(row["Outcome"] for row in rows if row["Row"])
    assert {code: by_code[code] for code in outcomes} == outcomes
    assert sum(by_code.values()) == checked["rows"]
    assert {row["Outcome"] for row in rows if not row["Row"]} == remarks
    if make is hostile_list:
        assert {"hidden_rows", "hidden_columns", "other_sheets", "unused_phones"} <= remarks
        assert "placeholders" in remarks


@pytest.mark.parametrize("channel", ["sms", "email", "voice"])
def test_a_list_of_which_nobody_can_be_messaged_is_no_success(
    practice: Practice, typed: Type, tmp_path: Path, channel: str, config: Path
) -> None:
    """Exit code 2, and why; the channel is the one that was asked for."""
    own_table = '[organisation]\nchannels = ["sms", "email", "voice"]\n'
    config.write_text(config.read_text().replace("[organisation]\n", own_table))
    path = tmp_path / "list.csv"
    c = patient.c
    own = c.email if channel == "email" else c.mobile  # else the record's is used
    query = sa.select(c.nhs_number).where(own.is_(None), c.preferred_channel.is_(None))
    with practice.record.read() as connection:
        number = connection.scalar(query)
    path.write_text(f"NHS Number,Mobile Number,Email\n{number},not given,not given\n")
    told = typed("list", "check", str(path), "--channel", channel)
    assert told.code == 2
    assert ("phone_" in told.err) is (channel != "email")
    assert ("email_" in told.err) is (channel == "email")


def test_a_template_that_the_list_cannot_fill_is_told_at_once(
    practice: Practice, typed: Type, tmp_path: Path
) -> None:
    path = demo_list(practice, tmp_path)
    told = typed("list", "check", str(path), "--template", "clinik")
    assert (told.code, "template-unknown" in told.err) == (2, True)
