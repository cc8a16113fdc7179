"""The synthetic practice: the same for everybody, safe to text by mistake, and it survives being killed."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.gb import nhs

from clinic.errors import NotAllowed
from clinic.practice.people import BLOCK, Practice, blocks, check_digits, people
from clinic.practice.synthetic import fill_practice
from clinic.record.database import Record
from clinic.record.schema.people import appointment, consent, group_member, patient
from tests.fakes import FakeClock

SMALL = Practice(patients=500)


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 999_999_999))
def test_check_digits_are_those_of_the_public_library(body: int) -> None:
    digit = int(check_digits(np.array([body]))[0])
    valid = [last for last in range(10) if nhs.is_valid(f"{body:09}{last}")]
    assert valid == ([digit] if digit < 10 else [])


def test_every_nhs_number_is_valid_unique_and_never_issued() -> None:
    numbers = people(Practice(patients=5_000))["nhs_number"].dropna()
    assert numbers.is_unique
    assert numbers.str.startswith("999").all()
    assert all(nhs.is_valid(number) for number in numbers)


@pytest.mark.parametrize("patients", [1_000_000, 909_091, 600_000])
def test_numbers_stay_unique_across_blocks_at_any_size(patients: int) -> None:
    practice = Practice(patients=patients)
    last = patients - (patients - 1) % BLOCK  # the first id of the last block
    first, end = people(practice), people(practice, first=last)
    known = [*first["nhs_number"].dropna(), *end["nhs_number"].dropna()]
    assert len(known) == len(set(known))
    assert end["id"].iloc[-1] == patients


def test_the_same_seed_makes_the_same_people_and_another_seed_others() -> None:
    again = people(SMALL)
    assert again.equals(people(SMALL))
    assert not again.equals(people(Practice(seed=7, patients=500)))


def test_a_block_can_be_made_alone() -> None:
    practice = Practice(patients=BLOCK + 100)
    alone = people(practice, first=BLOCK + 1)
    assert list(blocks(practice))[1].equals(alone)
    assert next(blocks(practice, after=BLOCK)).equals(alone)


def test_the_mix_has_every_kind_of_patient() -> None:
    frame = people(Practice())
    assert len(frame) == 10_000
    assert 0.005 < frame["death_date"].notna().mean() < 0.05
    assert 0.04 < frame["mobile"].isna().mean() < 0.1
    assert set(frame["status"]) == {"active", "on_hold", "discharged"}
    assert {"Siân", "Llŷr", "Gŵyr"} <= set(frame["given_name"])
    assert frame["fictitious"].any()
    assert frame["preferred_channel"].eq("none").any()
    assert frame["mobile"].str.startswith("020 7946 0").any()
    assert frame["mobile"].duplicated().any()


def test_no_address_belongs_to_anybody() -> None:
    frame = people(Practice(patients=3_000))
    emails = frame["email"].dropna()
    assert (
        emails[emails.str.contains("@") & emails.str.contains(r"\.")]
        .str.endswith("example.org")
        .all()
    )
    digits = frame["mobile"].dropna().str.replace(r"\D", "", regex=True)
    whole = digits[digits.str.len() >= 11].str.replace(r"^(?:0044|44)", "0", regex=True)
    assert whole.str.match(r"07700900|02079460|02920180|12025550147|0{11}|07700900123").all()


def test_nobody_is_born_after_today_or_dies_before_birth() -> None:
    frame = people(Practice(patients=5_000, today=date(2026, 3, 2)))
    assert (frame["birth_date"] <= date(2026, 3, 2)).all()
    dead = frame[frame["death_date"].notna()]
    assert (dead["death_date"] >= dead["birth_date"]).all()
    assert (dead["status"] == "discharged").all()


def test_filling_puts_people_and_all_that_is_theirs_into_the_record(
    record: Record, clock: FakeClock
) -> None:
    filled = fill_practice(record, SMALL, clock=clock)
    assert (filled.patients, filled.facilities, filled.providers) == (500, 4, 25)
    assert filled.appointments > 50
    with record.read() as connection:
        for table in (consent, group_member):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table))
        coming = sa.select(sa.func.count()).where(appointment.c.starts_at > clock.now())
        assert connection.scalar(coming)


def test_filling_again_changes_nothing(record: Record, clock: FakeClock) -> None:
    assert fill_practice(record, SMALL, clock=clock) == fill_practice(record, SMALL, clock=clock)


def test_a_filling_that_was_killed_goes_on_after_its_last_block(
    sqlite_record: Record, clock: FakeClock
) -> None:
    whole = Practice(patients=BLOCK + 50)
    fill_practice(sqlite_record, Practice(patients=BLOCK), clock=clock)  # as far as it came
    assert fill_practice(sqlite_record, whole, clock=clock).patients == BLOCK + 50


def test_a_patient_added_later_gets_a_key_of_its_own(record: Record, clock: FakeClock) -> None:
    fill_practice(record, SMALL, clock=clock)
    with record.write() as connection:
        made = connection.execute(sa.insert(patient).values(given_name="Nia"))
    assert made.inserted_primary_key is not None
    assert made.inserted_primary_key[0] == 501


def test_a_record_with_real_patients_is_refused(record: Record, clock: FakeClock) -> None:
    with record.write() as connection:
        connection.execute(sa.insert(patient).values(nhs_number="4010232137"))
    with pytest.raises(NotAllowed, match="practice-not-empty"):
        fill_practice(record, SMALL, clock=clock)
