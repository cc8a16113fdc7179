"""
Issue 16: tables of wrong rows for facilities, providers, groups, diagnoses, medications and allergies.

Ids that come twice, unknown patients, wrong days, codes that a spreadsheet has rounded, half a row, another
practice's row, an empty file. Each row ends as it says, and as many rows of the record differ as were counted.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.people import facility, group_member, patient_group, provider
from clinic.settings import ImportKind
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

TABLES = (facility, provider, patient_group, group_member, diagnosis, medication, allergy)
PLACES = "Code,Name,Telephone,Close Date"
STAFF = "Provider Code,Name,Capacity,Facility,Contract End Date"
GROUPS = "NHS Number,Group,Date Removed,ODS Code"
ILL = "NHS Number,Code,Term,Date,Status,ODS Code"
DRUGS = "NHS Number,Code,Drug,Start,Status,ODS Code"
ALLERGIES = "NHS Number,Code,Allergen,Date,Status,ODS Code"
# Of each kind: headings, a row that was imported before, then rows and what each ends with
Hostile = tuple[str, str, tuple[tuple[str, str], ...]]


def clinical(heading: str, code: str, words: str) -> Hostile:
    """The rows that are wrong in the same way for diagnoses, medications and allergies."""
    known = f"{nhs(1)},{code},{words},2020-03-01,active,A1"
    return heading, known, (
        (known, "unchanged"),
        (known, "repeated"),
        (f"{nhs(2)},{code},{words},2020-03-01,active,A1", "added"),
        (f"{nhs(2)},{code},{words},2021-03-01,active,A1", "added"),  # begun again, on another day
        (f"{nhs(3)},{code},{words},2020-02-30,active,A1", "day_invalid"),
        (f"{nhs(3)},{code},{words},2036-01-01,active,A1", "day_invalid"),
        (f"{nhs(3)},{code},{words},2020-03-01,perhaps,A1", "status_unknown"),
        (f"{nhs(3)},,,2020-03-01,active,A1", "code_missing"),
        (f"{nhs(3)},1.23456E+17,{words},2020-03-01,active,A1", "code_rounded"),
        (f"{nhs(3)},38341004,{words},2020-03-01,active,A1", "code_invalid"),
        (f"{nhs(77)},{code},{words},2020-03-01,active,A1", "patient_not_found"),
        (f"123,{code},{words},2020-03-01,active,A1", "nhs_number_invalid"),
        (f",{code},{words},2020-03-01,active,A1", "nhs_number_missing"),
        (f"{nhs(3)},{code},{words},2020-03-01,active,X9", "other_organisation"),
        (f"{nhs(3)},{code}", "unreadable_row"),
        (f"{nhs(3)},{code},{words},2020-03-01,active,A1,more", "unreadable_row"),
    )  # fmt: skip


HOSTILE: dict[ImportKind, Hostile] = {
    "facilities": (PLACES, "A1,High Street,01,", (
        ("A1,High Street,02,", "changed"),
        ("A1,Low Street,03,", "repeated"),
        ("B2,Mill Lane,,", "added"),
        ("High Street 5,Mill,,", "code_invalid"),
        (",Mill,,", "code_invalid"),
        ("C" * 41 + ",Mill,,", "code_invalid"),
        ("D4,,,", "name_missing"),
        ("E5,Half", "unreadable_row"),
        ("F6,More,01,,than,there,is", "unreadable_row"),
    )),
    "providers": (STAFF, "p1,Ann Owen,900,,", (
        ("p1,Ann Owen,1000,,", "changed"),
        ("p1,Ann Owen,900,,", "repeated"),
        ("p2,Ben Rees,,nowhere,", "added"),  # the place is not here: counted, and left
        ("p3,Cai Pugh,many,,", "capacity_invalid"),
        ("p4,Cai Pugh,-1,,", "capacity_invalid"),
        ("p5,,900,,", "name_missing"),
        ("p 6,Cai Pugh,900,,", "code_invalid"),
        ("p7,Cai", "unreadable_row"),
    )),
    "groups": (GROUPS, f"{nhs(1)},walkers,,A1", (
        (f"{nhs(1)},walkers,,A1", "unchanged"),
        (f"{nhs(1)},walkers,2026-01-01,A1", "in_again"),
        (f"{nhs(2)},walkers,,A1", "added"),
        (f"{nhs(3)},walkers,31/02/2026,A1", "day_invalid"),
        (f"{nhs(3)},walkers,soon,A1", "day_invalid"),
        (f"{nhs(3)},,,A1", "group_missing"),
        (f"{nhs(77)},walkers,,A1", "patient_not_found"),
        ("123,walkers,,A1", "nhs_number_invalid"),
        (",walkers,,A1", "nhs_number_missing"),
        (f"{nhs(3)},walkers,,X9", "other_organisation"),
        (f"{nhs(3)},walkers,,A1,more", "unreadable_row"),
    )),
    "diagnoses": clinical(ILL, "38341003", "Hypertension"),
    "medications": clinical(DRUGS, "", "Amlodipine"),
    "allergies": clinical(ALLERGIES, "91936005", "Penicillin"),
}  # fmt: skip


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, kind: ImportKind, *rows: str, check: bool = False) -> Imported:
    path = practice.file(*rows, heading=HOSTILE[kind][0], name="rows.csv")
    options = Options(by="nia", codes=("A1",), check=check)
    file = open_file(kind, path, options.how)
    return run_import(practice.record, practice.clock, kind, file, options)


def rows_of(practice: Practice) -> Counter[tuple[Any, ...]]:
    with practice.record.read() as connection:
        return Counter(
            (table.name, *row) for table in TABLES for row in connection.execute(sa.select(table))
        )


@pytest.mark.parametrize("kind", HOSTILE)
def test_each_wrong_row_ends_as_it_says_and_nothing_changes_unsaid(
    practice: Practice, kind: ImportKind
) -> None:
    _, known, hostile = HOSTILE[kind]
    assert run(practice, kind, known).counts == {"added": 1}
    before = rows_of(practice)
    rows, outcomes = zip(*hostile, strict=True)
    tried = run(practice, kind, *rows, check=True)
    assert rows_of(practice) == before
    result = run(practice, kind, *rows)
    assert (result.counts, tried.counts) == (Counter(outcomes), Counter(outcomes))
    wrong = dict(enumerate(outcomes, start=2))
    assert all(wrong[row] == code for row, code in result.problems)
    after = rows_of(practice)
    new, gone = (after - before).total(), (before - after).total()
    assert (new, gone) == (
        result.counts["added"] + result.counts["changed"],
        result.counts["changed"],
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_empty_file_changes_nothing(practice: Practice, kind: ImportKind) -> None:
    """Headings alone are an export of nothing: nothing is taken away."""
    run(practice, kind, HOSTILE[kind][1])
    before = rows_of(practice)
    result = run(practice, kind)
    assert (result.rows, dict(result.counts), rows_of(practice)) == (0, {}, before)
