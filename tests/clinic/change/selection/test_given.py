"""Each id that is given for a selection ends in one outcome: counted, listed, and written to a file."""

from __future__ import annotations

import csv
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.core.outcomes import SELECTED
from clinic.change.selection.given import given_sentence, read_given, write_given
from clinic.change.selection.selection import filter_part, take
from clinic.change.selection.selection_parts import Part
from clinic.cohort.filters import PatientFilter, group_query
from clinic.cohort.id_file import Given, given_ids
from clinic.errors import NotFound, OperationRefused
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.people import group_member, patient_group
from tests.clinic.change.practice import SETTINGS, patients, practice, update
from tests.fakes import FakeClock
from tests.selections import select_by_filter

ONE, TWO, STRANGER, SLIPPED = "9990000018", "9990000026", "9990000034", "9990000019"


@pytest.fixture
def office(record: Record) -> Record:
    """L1 and L2 have NHS numbers, L3 has a record number that is L2's NHS number; L5 belongs to F2."""
    practice(record)
    update(record, 1, nhs_number=ONE)
    update(record, 2, nhs_number=TWO)
    update(record, 5, facility_id=2)
    return record


# What one row gives → its outcome, and whom it means
ROWS: Mapping[str, tuple[Given, str, str]] = {
    "an NHS number": (Given(1, ONE), "selected", ONE),
    "as it is printed": (Given(1, "999 000 0018"), "selected", ONE),
    "with hyphens": (Given(1, other="999-000-0018"), "selected", ONE),
    "a record number": (Given(1, other="L4"), "selected", "L4"),
    "both of one patient": (Given(1, ONE, "L1"), "selected", ONE),
    "of two patients": (Given(1, ONE, "L2"), "ids_contradict", ""),
    "of a stranger and a patient": (Given(1, STRANGER, "L2"), "ids_contradict", ""),
    "of a stranger and one without": (Given(1, STRANGER, "L4"), "ids_contradict", ""),
    "two NHS numbers": (Given(1, ONE, TWO), "ids_contradict", ""),
    "a record number that nobody has beside": (Given(1, ONE, "X9"), "selected", ONE),
    "a stranger's": (Given(1, STRANGER), "patient_not_found", ""),
    "of two strangers": (Given(1, STRANGER, "X9"), "patient_not_found", ""),
    "a wrong check digit": (Given(1, SLIPPED), "nhs_number_invalid", ""),
    "a wrong check digit, pasted": (Given(1, other="999 000 0019"), "nhs_number_invalid", ""),
    "a wrong check digit beside a right id": (Given(1, SLIPPED, "L1"), "nhs_number_invalid", ""),
    "a record number under NHS Number": (Given(1, "L1"), "nhs_number_invalid", ""),
    "nothing": (Given(1), "id_missing", ""),
    "too many cells": (Given(1, ONE, readable=False), "unreadable_row", ""),
    "a formula": (Given(1, other="=cmd()"), "patient_not_found", ""),
    "of another facility": (Given(1, other="L5"), "other_facility", ""),
}


@pytest.mark.parametrize(("given", "outcome", "whom"), ROWS.values(), ids=ROWS.keys())
def test_a_row_of_ids_means_one_patient_or_says_why_not(
    office: Record, clock: FakeClock, given: Given, outcome: str, whom: str
) -> None:
    """ALC-11, ALC-12, NEW-6."""
    parts = [Part("file", ids=[given, Given(2, other="L6")])]
    taken = take(office, clock, SETTINGS, parts, taken_by="ann", within=["F1"])
    row, other = read_given(office, taken.id)
    assert (row.row, row.given, row.outcome, row.patient) == (1, given.text, outcome, whom)
    assert other.outcome == "selected"
    assert sum(taken.outcomes.values()) == taken.rows == 2


def test_counts_add_up_in_one_sentence_that_names_who_was_not_found(
    office: Record, clock: FakeClock
) -> None:
    """ALC-15: 8 given, 6 found, 2 not found."""
    ids = given_ids([*(f"L{n}" for n in range(1, 7)), "X9", "L77"])
    taken = take(office, clock, SETTINGS, [Part("ids", ids=ids)], taken_by="ann")
    assert given_sentence(office, taken.id) == "8 given, 6 found, 2 not found: X9, L77"
    more = given_ids(["L1", *(f"Y{n}" for n in range(7)), SLIPPED, "L1"])
    taken = take(office, clock, SETTINGS, [Part("ids", ids=more)], taken_by="ann")
    assert given_sentence(office, taken.id) == (
        "10 given, 1 found, 7 not found: Y0, Y1, Y2, Y3, Y4 …; "
        f"1 with a wrong check digit: {SLIPPED}; 1 selected already"
    )
    odd = [Given(2, other="L1"), Given(9, other="L2 | x", readable=False)]
    taken = take(office, clock, SETTINGS, [Part("file", "one.csv", ids=odd)], taken_by="ann")
    assert given_sentence(office, taken.id) == "2 given, 1 found, 1 that cannot be read: row 9"
    wanted = select_by_filter(
        office, clock, SETTINGS, PatientFilter(status="active"), taken_by="ann"
    )
    assert given_sentence(office, wanted.id) is None


def test_parts_add_up_to_one_selection_each_with_its_count(
    office: Record, clock: FakeClock
) -> None:
    """Rows keep the numbers that they have in their own file; each patient is selected once."""
    with office.write() as connection:
        connection.execute(sa.insert(patient_group).values(id=1, code="G", name="G"))
        connection.execute(sa.insert(group_member).values(group_id=1, patient_id=6))
    parts = [
        Part("file", "one.csv", ids=[Given(2, ONE), Given(4, other="X9")]),
        Part("file", "two.xlsx", ids=[Given(2, other="L1"), Given(3, other="L4")]),
        Part("group", "G", query=lambda connection: group_query(connection, "G")),
        filter_part(SETTINGS, PatientFilter(facility=["F1"])),
    ]
    taken = take(office, clock, SETTINGS, parts, taken_by="ann")
    assert [(p.source, p.name, p.rows, p.outcomes) for p in taken.parts] == [
        ("file", "one.csv", 2, {"selected": 1, "patient_not_found": 1}),
        ("file", "two.xlsx", 2, {"duplicate": 1, "selected": 1}),
        ("group", "G", 1, {"selected": 1}),
        ("filter", "", 5, {"selected": 2, "duplicate": 3}),
    ]
    assert taken.outcomes == {"selected": 5, "duplicate": 4, "patient_not_found": 1}
    rows = [(r.part, r.row, r.outcome) for r in read_given(office, taken.id)]
    assert rows[:4] == [
        ("file one.csv", 2, "selected"),
        ("file one.csv", 4, "patient_not_found"),
        ("file two.xlsx", 2, "duplicate"),
        ("file two.xlsx", 3, "selected"),
    ]
    assert verify(office, None).holds


def test_a_patient_is_once_in_a_selection_over_many_blocks(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """The block of 10,000 rows is no seam through which somebody slips twice."""
    patients(sqlite_record, 3, facility_id=None, provider_id=None)
    ids = given_ids(["L1", *["L2"] * 10_000, "L1", "L3"])
    taken = take(sqlite_record, clock, SETTINGS, [Part("ids", ids=ids)], taken_by="ann")
    assert taken.outcomes == {"selected": 3, "duplicate": 10_000}


def test_the_file_of_outcomes_is_for_its_owner_alone_and_harmless_in_a_spreadsheet(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    ids = given_ids(["L4", "=cmd()", "X9"])
    taken = take(office, clock, SETTINGS, [Part("ids", ids=ids)], taken_by="ann")
    path = tmp_path / "not selected.csv"
    path.write_text("something that was there, and open to others")
    path.chmod(0o644)
    assert write_given(office, taken.id, path, but=[SELECTED]) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["Row"], r["Given"], r["Outcome"]) for r in rows] == [
        ("2", "'=cmd()", "patient_not_found"),
        ("3", "X9", "patient_not_found"),
    ]


def test_nothing_is_read_of_what_is_not_there(office: Record, clock: FakeClock) -> None:
    ids = given_ids(["L4"])
    taken = take(office, clock, SETTINGS, [Part("ids", ids=ids)], taken_by="ann")
    with pytest.raises(NotFound, match="selection-unknown"):
        read_given(office, 99)
    with pytest.raises(NotFound, match="there are: selected, patient_not_found"):
        read_given(office, taken.id, outcomes=["lost"])
    with pytest.raises(NotFound, match="facility-unknown"):
        take(office, clock, SETTINGS, [Part("ids", ids=ids)], taken_by="ann", within=["F9"])
    with pytest.raises(OperationRefused, match="selection-empty"):
        take(office, clock, SETTINGS, [Part("ids", ids=ids)], taken_by="ann", within=["F2"])
