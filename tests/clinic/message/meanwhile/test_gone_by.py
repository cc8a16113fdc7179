"""Dates that a message prints and that have gone by: which columns are meant, and what becomes of the rows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.message.meanwhile.gone_by import days_to_keep, days_told, gone_by
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs, tally

ASKS = [
    ("Your clinic is on {{ list.Clinic_date }}", ["list.Clinic_date"]),
    ("Please come on {{list.Date}} at {{ list.Time }}", ["list.Date", "list.Time"]),
    ("Book before {{ list.Before }}. You were last seen on {{ list.Date }}.", ["list.Before"]),
    ("You were last seen on {{ list.Date }}, and your next visit is on {{ list.Next }}", ["list.Next"]),
    ("You missed your appointment on {{ list.Date }}", []),
    ("Our letter of {{ list.Letter }} was wrong", []),
    ("Your review was due on {{ list.Due }}", []),
    ("Date of birth {{ list.DOB }}, record {{ list.LastSeen }}, {{ list.Date_of_birth }}", []),
    ("Last seen: {{ list.Last_Seen }}. Clinic: {{ list.Clinic }}", ["list.Clinic"]),
    ("Thank you. Your visit is booked for {{ list.Visit }}", ["list.Visit"]),
    ("Mae eich clinig ar {{ list.Dyddiad }}", ["list.Dyddiad"]),
    ("Cawsoch eich gweld ar {{ list.Dyddiad }}", []),
    # Of a day to come, whatever happened before
    ("You will be seen on {{ list.Date }}", ["list.Date"]),
    ("You are to be seen by Dr. Rees on {{ list.Date }}", ["list.Date"]),
    ("Last chance: flu clinic on {{ list.Date }}", ["list.Date"]),
    ("Thank you for booking your appointment on {{ list.Date }}", ["list.Date"]),
    ("We wrote to you about your appointment on {{ list.Date }}", ["list.Date"]),
    ("We have received your referral; your appointment: {{ list.Date }}", ["list.Date"]),
    ("As you missed your last appointment we made you another on {{ list.Date }}", ["list.Date"]),
    ("Your appointment was moved to {{ list.Date }}", ["list.Date"]),
    ("Your visit was brought forward to {{ list.Date }}", ["list.Date"]),
    ("For whoever has not had the jab: walk-in on {{ list.Date }}", ["list.Date"]),
    ("Your overdue review: {{ list.Date }}", ["list.Date"]),
    ("Cafodd eich apwyntiad ei symud i {{ list.Dyddiad }}", ["list.Dyddiad"]),
    ("Clinic: {{ list.Referral_appointment_date }} {{ list.Date_given_for_next_visit }}",
     ["list.Referral_appointment_date", "list.Date_given_for_next_visit"]),
    ("Are you coming on {{ list.Date }}?", ["list.Date"]),
    ("Please come on the following date: {{ list.Date }}", ["list.Date"]),
    # Of a day that is over
    ("Following your appointment on {{ list.Date }}, please book a blood test", []),
    ("After your visit on {{ list.Date }} we ask how it was", []),
    ("Your blood test from {{ list.Date }} is back", []),
    ("You were last seen by Dr. Rees on {{ list.Date }}", []),
    ("Your appointment on {{ list.Date }} was missed", []),
    ("You had an appointment with us on {{ list.Date }} but did not come", []),
    ("Our clinic of {{ list.Date }}, which you missed", []),
    ("Thank you for attending on {{ list.Date }}", []),
    ("Sorry that you could not come on {{ list.Date }}", []),
    ("We saw you on {{ list.Date }}", []),
    ("Your new appointment is {{ list.New }} and not {{ list.Old }}", ["list.New"]),
    ("If you can not attend on {{ list.Date }}, call us", ["list.Date"]),
    ("Ni ddaethoch i'ch apwyntiad ar {{ list.Dyddiad }}", []),
    ("Ref {{ list.lastseen }} {{ list.BirthDate }} {{ list.previous_visit }} {{ list.Dyddiad_geni }}", []),
    ("Ar ôl eich apwyntiad ar {{ list.Dyddiad }}", []),
    ("{% if list.Date %}Come and see us{% endif %} {{ patient.given_name }}", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "columns"), ASKS)
def test_which_columns_are_printed_as_a_day_to_keep(text: str, columns: list[str]) -> None:
    assert list(days_to_keep(text)) == columns


def test_a_row_is_told_of_its_earliest_day_and_gone_by_only_before_the_day_it_leaves() -> None:
    cells = pd.DataFrame(
        {
            "list.One": ["04/12/2026", "05/12/2026", "06/12/2026", "", "soon"],
            "list.Two": ["", "2026-12-30", "1 Nov 2026", "5 Dec", None],
        }
    )
    told = days_told(cells, today=date(2026, 11, 1), order="ambiguous", otherwise="dmy")
    assert told["day"].dt.date.tolist()[:4] == [
        date(2026, 12, 4), date(2026, 12, 5), date(2026, 11, 1), date(2026, 12, 5),
    ]  # fmt: skip
    assert gone_by(told, date(2026, 12, 5)).tolist() == ["list.One", "", "list.Two", "", ""]


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """It is Monday 2 March 2026."""
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(5)
    made.template("Your clinic is on {{ list.Clinic_Date }}")
    return made


def _list(practice: Practice) -> Path:
    days = ("01/03/2026", "02/03/2026", "20 March 2026", "2026-03-04", "Main Hall")
    rows = (f"{nhs(n)},Family,{day}" for n, day in enumerate(days, start=1))
    return practice.file(*rows, heading="NHS Number,Family Name,Clinic Date")


def test_a_row_whose_day_is_over_gets_no_message_and_one_whose_day_goes_by_meanwhile_neither(
    practice: Practice,
) -> None:
    """ACX-36: judged for the day it is to leave, and again when it does."""
    number = practice.begin(_list(practice))
    practice.check(number)
    left_out = "date_gone_by (list.Clinic_Date)"
    assert practice.outcomes(number) == {2: left_out} | dict.fromkeys((3, 4, 5, 6), "accepted")
    practice.stage(number)
    later = practice.clock.now() + timedelta(days=3)
    assert practice.left_out(number, later) == dict.fromkeys((3, 5), "date_gone_by")


def test_a_day_before_a_later_start_is_over_too(practice: Practice) -> None:
    start = practice.clock.now() + timedelta(days=10)
    found = practice.judge(_list(practice), start_at=start)
    assert [row for row, outcome in found.items() if outcome == "accepted"] == [4, 6]


def test_a_named_person_accepts_it_for_a_campaign_with_a_reason(practice: Practice) -> None:
    """It counts for the days that are over at the check, and their messages; the act is on the trail."""
    accept = {"date_gone_by": "It is the day of the walk-in, told afterwards"}
    number = practice.begin(_list(practice), accept=accept, requested_by="nia")
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"accepted": 5}
    practice.stage(number)
    with practice.record.read() as connection:
        later = practice.clock.now() + timedelta(days=3)
        # Who was over at the check was accepted; the days of the others go by like any other's
        assert practice.left_out(number, later) == dict.fromkeys((3, 5), "date_gone_by")
        acts = connection.execute(
            sa.select(audit_act.c.operator, audit_act.c.patients_affected).where(
                audit_act.c.operation_type == "safety.accepted"
            )
        ).all()
    assert [tuple(act) for act in acts] == [("nia", 1)]


def test_a_day_that_is_yet_to_come_counts_beside_one_that_was_accepted() -> None:
    cells = pd.DataFrame({"list.One": ["01/03/2026", "03/03/2026"], "list.Two": ["05/03/2026", ""]})
    told = days_told(
        cells, today=date(2026, 3, 2), order="dmy", otherwise="dmy", since=date(2026, 3, 2)
    )
    assert told["day"].dt.date.tolist() == [date(2026, 3, 5), date(2026, 3, 3)]


def test_a_text_that_says_tomorrow_is_sent_on_the_day_it_was_asked_for_or_not_at_all(
    practice: Practice,
) -> None:
    """ACX-36: a campaign that was paused over a night, or carried on with in the morning."""
    practice.template("Our clinic is tomorrow", key="own")
    number = practice.begin(practice.everybody(2), template="own")
    practice.check(number)
    practice.stage(number)
    now = practice.clock.now()
    assert practice.left_out(number, now + timedelta(hours=8)) == {}
    night = now + timedelta(hours=23)
    assert practice.left_out(number, night) == dict.fromkeys((2, 3), "date_gone_by")
