"""
NEW-15, COM-11: facilities, providers, groups, diagnoses, medications and allergies of another system: added,
changed and unchanged; tried first; and what cannot be used is listed by its row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.govern import audit_act, operator
from clinic.record.schema.people import facility, group_member, patient_group, provider
from clinic.settings import ImportKind, SourceFormat
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

PENICILLIN = "91936005"
# Of each kind: headings; a row; the same one with something changed; a row of another one
TABLES: dict[ImportKind, tuple[str, str, str, str]] = {
    "facilities": ("Code,Name,Telephone", "A1,High Street,01", "A1,High Street,02", "B2,Mill Lane,"),
    "providers": (
        "User In Role Guid,Given Name,Surname,Job Category Name,Capacity",
        "p1,Siân,Llwyd,GP,900", "p1,Siân,Llwyd,GP,1000", "p2,Ned,Owen,Nurse,",
    ),
    "groups": ("NHS Number,Group Name", f"{nhs(1)},Flu 2026", "", f"{nhs(2)},Flu 2026"),
    "diagnoses": (
        "NHS Number,SNOMED CT Concept ID,Term,Effective Date,End Date",
        f"{nhs(1)},38341003,Hypertension,2020-03-01,",
        f"{nhs(1)},38341003,Hypertension,2020-03-01,2025-01-01",
        f"{nhs(2)},44054006,,13/05/2021,",
    ),
    "medications": (
        "NHS Number,Name of medication,Dosage,Start Date,Is Active",
        f"{nhs(1)},Amlodipine,5 mg,2020-03-01,TRUE",
        f"{nhs(1)},Amlodipine,10 mg,2020-03-01,TRUE",
        f"{nhs(1)},Metformin,,2020-03-01,FALSE",
    ),
    "allergies": (
        "NHS Number,Code,Allergen,Criticality", f"{nhs(1)},{PENICILLIN},Penicillin,low",
        f"{nhs(1)},{PENICILLIN},Penicillin,severe", f"{nhs(2)},,Cats,",
    ),
}  # fmt: skip


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, kind: ImportKind, heading: str, *rows: str, **more: Any) -> Imported:
    path = practice.file(*rows, heading=heading, name="rows.csv")
    options = Options(**({"by": "nia"} | more))
    file = open_file(kind, path, options.how)
    return run_import(practice.record, practice.clock, kind, file, options)


def all_rows(practice: Practice) -> list[tuple[Any, ...]]:
    tables = (facility, provider, patient_group, group_member, diagnosis, medication, allergy)
    with practice.record.read() as connection:
        return [
            (table.name, *row) for table in tables for row in connection.execute(sa.select(table))
        ]


@pytest.mark.parametrize("kind", TABLES)
def test_rows_are_added_once_and_brought_up_to_date(practice: Practice, kind: ImportKind) -> None:
    heading, row, other, another = TABLES[kind]
    empty = all_rows(practice)
    dry = run(practice, kind, heading, row, another, check=True)
    assert (dry.counts, all_rows(practice)) == ({"added": 2}, empty)
    assert run(practice, kind, heading, row, another, row).counts == {"added": 2, "repeated": 1}
    before = all_rows(practice)
    assert run(practice, kind, heading, row, another).counts == {"unchanged": 2}
    assert all_rows(practice) == before
    if other:
        assert run(practice, kind, heading, other, another).counts == {"changed": 1, "unchanged": 1}
        assert len(all_rows(practice)) == len(before)
        assert all_rows(practice) != before


@pytest.mark.parametrize("kind", TABLES)
def test_the_trail_has_counts_and_the_digest_and_no_value(
    practice: Practice, kind: ImportKind
) -> None:
    """NEW-10."""
    heading, row, _, another = TABLES[kind]
    run(practice, kind, heading, row, another)
    with practice.record.read() as connection:
        acts = connection.execute(sa.select(audit_act).order_by(audit_act.c.number)).all()[-2:]
    assert [act.operation_type for act in acts] == [f"{kind}.import-begun", f"{kind}.imported"]
    told = json.loads(acts[1].new_values)
    assert told.pop("sha256")
    assert told["added"] == 2
    values = {cell for cell in f"{row},{another}".split(",") if len(cell) > 3}
    assert not [value for value in values if value in acts[1].new_values]


@pytest.mark.parametrize(
    ("kind", "heading", "row", "outcome"),
    [
        ("facilities", "Code,Name", "High Street 5,Mill", "code_invalid"),
        ("facilities", "Code,Name", "A1,", "name_missing"),
        ("providers", "Code,Name,Capacity", "A1,Ned,many", "capacity_invalid"),
        ("groups", "NHS Number,Group Name", f"{nhs(1)},", "group_missing"),
        ("groups", "NHS Number,Group,Date Removed", f"{nhs(1)},g,soon", "day_invalid"),
        ("groups", "NHS Number,Group", f"{nhs(9)},g", "patient_not_found"),
        ("diagnoses", "NHS Number,Code", f"{nhs(1)},", "code_missing"),
        # An 18-digit code that a spreadsheet has rounded is another code (trap 7)
        ("diagnoses", "NHS Number,Code", f"{nhs(1)},1.23456E+17", "code_rounded"),
        ("diagnoses", "NHS Number,Code", f"{nhs(1)},999000011000000000", "code_rounded"),
        ("diagnoses", "NHS Number,Code", f"{nhs(1)},38341004", "code_invalid"),
        ("diagnoses", "NHS Number,Term,Date", f"{nhs(1)},Gout,31/02/2020", "day_invalid"),
        ("diagnoses", "NHS Number,Term,Status", f"{nhs(1)},Gout,perhaps", "status_unknown"),
        ("medications", "NHS Number,Drug,Start", f"{nhs(1)},Zinc,2036-01-01", "day_invalid"),
        ("allergies", "NHS Number,Allergen", "123,Cats", "nhs_number_invalid"),
        ("allergies", "NHS Number,Allergen", ",Cats", "nhs_number_missing"),
        ("allergies", "NHS Number,Allergen,ODS Code", f"{nhs(1)},Cats,X9", "other_organisation"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_changes_nothing_and_is_listed(
    practice: Practice, kind: ImportKind, heading: str, row: str, outcome: str
) -> None:
    empty = all_rows(practice)
    result = run(practice, kind, heading, row, codes=("A1",))
    assert (result.counts, result.problems) == ({outcome: 1}, [(2, outcome)])
    assert all_rows(practice) == empty


def test_a_day_of_removal_takes_a_patient_out_of_the_group(practice: Practice) -> None:
    heading = "NHS Number,Group Name,Date Removed"
    run(practice, "groups", heading, f"{nhs(1)},Flu,", f"{nhs(2)},Flu,")
    gone = (f"{nhs(1)},Flu,2026-02-01", f"{nhs(3)},Flu,2026-02-01")
    assert run(practice, "groups", heading, *gone).counts == {"removed": 1, "unchanged": 1}
    assert [row[2] for row in all_rows(practice) if row[0] == "group_member"] == [2]


@pytest.mark.parametrize("first", [0, 1])
def test_who_left_a_group_and_is_in_it_again_is_in_whatever_the_order_of_the_rows(
    practice: Practice, first: int
) -> None:
    """An extract of SystmOne keeps the row of a membership that is over beside the one of today."""
    rows = (f"{nhs(1)},Flu,2020-02-01", f"{nhs(1)[:3]} {nhs(1)[3:]},Flu,")
    heading = "NHS Number,Group Name,Date Removed"
    once = run(practice, "groups", heading, rows[first], rows[1 - first])
    assert once.counts == {"added": 1, "in_again": 1}
    again = run(practice, "groups", heading, rows[first], rows[1 - first])
    assert again.counts == {"unchanged": 1, "in_again": 1}
    assert [row[2] for row in all_rows(practice) if row[0] == "group_member"] == [1]


def test_a_provider_s_facility_is_named_by_its_code_and_may_be_closed(practice: Practice) -> None:
    run(practice, "facilities", "Code,Name", "A1,High Street")
    heading = "Code,Name,Speciality,Facility Code,Contract End Date"
    rows = ("p1,Ned,Nurse,a1,", "p2,Ann,GP,ZZ,2020-01-31", "p3,Bob,GP,A1,31/12/2040")
    result = run(practice, "providers", heading, *rows)
    assert (result.counts, result.also["facility_unknown"]) == ({"added": 3}, 1)
    with practice.record.read() as connection:
        p = provider.c
        query = sa.select(p.code, p.speciality, p.facility_id, p.active).order_by(p.code)
        found = [tuple(row) for row in connection.execute(query)]
    assert found == [("p1", "Nurse", 1, True), ("p2", "GP", None, False), ("p3", "GP", 1, True)]


def test_places_of_an_extract_have_their_guids_in_braces_and_those_taken_out_are_closed(
    practice: Practice,
) -> None:
    """EMIS writes {GUID}, in Admin_Location, Admin_UserInRole and wherever it names one."""
    place, who = "0d7e0b5c-6d6a-4f4b-9f0c-0a1b2c3d4e5f", "2D7E0B5C-6D6A-4F4B-9F0C-0A1B2C3D4E5F"
    emis = SourceFormat(layout="emis-bulk")
    heading = "LocationGuid,LocationName,Deleted"
    rows = (f"{{{place}}},High Street,False", "{1d7e0b5c-6d6a-4f4b-9f0c-0a1b2c3d4e5f},Gone,True")
    assert run(practice, "facilities", heading, *rows, how=emis).counts == {"added": 2}
    assert run(practice, "facilities", "Code,Name", f"{place},High Street").counts == {
        "unchanged": 1
    }
    heading = "UserInRoleGuid,GivenName,Surname,JobCategoryName,Default Facility"
    row = f"{{{who}}},Ann,Oak,GP,{{{place.upper()}}}"
    result = run(practice, "providers", heading, row, how=emis)
    assert (result.counts, result.also["facility_unknown"]) == ({"added": 1}, 0)
    heading = "Slot ID,NHS Number,Date,Time,Status,Provider,Facility"
    row = f"a,{nhs(1)},2026-03-03,09:30,Booked,{{{who}}},{{{place}}}"
    result = run(practice, "appointments", heading, row)
    assert (result.counts, result.also["provider_unknown"], result.also["facility_unknown"]) == (
        {"added": 1}, 0, 0,
    )  # fmt: skip
    with practice.record.read() as connection:
        found = connection.execute(
            sa.select(facility.c.code, facility.c.active).order_by(facility.c.id)
        )
        assert [active for _, active in found] == [True, False]


def test_a_day_of_closing_that_cannot_be_read_closes_nothing_and_is_counted(
    practice: Practice,
) -> None:
    """A month before its day, or a mask, would else be taken for a yes."""
    rows = (
        "p1,Ned,2026-02-31,", "p2,Ann,,perhaps", "p3,Bob,,", "p4,Dee,2020-01-31,yes", "p5,Eva,12/31/2040,",
        "p6,Fay,9999-12-31,", "p7,Gus,1900-01-01 00:00:00,", "p8,Hal,1,", "p9,Ivy,0,",
    )  # fmt: skip
    result = run(practice, "providers", "Code,Name,Contract End Date,Active", *rows)
    assert (result.counts, result.also["closing_unclear"]) == ({"added": 9}, 3)
    with practice.record.read() as connection:
        query = sa.select(provider.c.active).order_by(provider.c.code)
        active = connection.scalars(query).all()
    assert [f"p{n}" for n, here in enumerate(active, 1) if not here] == ["p4", "p8"]


def test_an_empty_cell_takes_away_only_where_the_source_owns_the_column(practice: Practice) -> None:
    heading, row, *_ = TABLES["medications"]
    run(practice, "medications", heading, row)
    empty = f"{nhs(1)},Amlodipine,,2020-03-01,"
    owns = SourceFormat(owns_columns=True)
    assert run(practice, "medications", heading, empty).counts == {"unchanged": 1}
    assert run(practice, "medications", heading, empty, how=owns).counts == {"changed": 1}


def test_places_are_imported_by_a_manager_and_by_no_other_person(practice: Practice) -> None:
    olu = {"name": "olu", "role": "operator", "secret_hash": "", "created_by": "nia"}
    with practice.record.write() as connection:
        connection.execute(sa.insert(operator).values(**olu, created_at=practice.clock.now()))
    with pytest.raises(NotAllowed) as refused:
        run(practice, "facilities", "Code,Name", "A1,High Street", by="olu")
    assert refused.value.code == "places-role"
