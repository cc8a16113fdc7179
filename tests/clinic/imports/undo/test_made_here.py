"""NEW-15: an import that is put back leaves alone what was made here since, whatever number it was given."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.undo.undo import Undone, undo_import
from clinic.practice.groups import add_to_group, delete_group, members_of
from clinic.record.database import Record
from clinic.record.schema.people import appointment
from clinic.record.schema.visits import visit_plan
from clinic.settings import ImportKind
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

GROUPS = "NHS Number,Group,Removed"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, kind: ImportKind, heading: str, *rows: str) -> int:
    file = open_file(kind, practice.file(*rows, heading=heading, name="rows.csv"))
    result = run_import(practice.record, practice.clock, kind, file, Options(by="nia"))
    assert result.number is not None
    return result.number


def undo(practice: Practice, number: int) -> Undone:
    return undo_import(practice.record, practice.clock, number, by="nia", check=False)


def test_a_group_that_was_made_after_one_was_deleted_keeps_its_members(practice: Practice) -> None:
    number = run(practice, "groups", GROUPS, f"{nhs(1)},flu,", f"{nhs(2)},flu,")
    record, clock = practice.record, practice.clock
    delete_group(record, clock, "flu", by="nia")
    add_to_group(record, clock, "xmas", [nhs(1)], by="nia", name="Christmas")
    assert undo(practice, number).counts == {"as_before": 3}
    assert [each.nhs_number for each in members_of(record, "xmas")] == [nhs(1)]


def test_nobody_is_put_into_a_group_again_that_was_deleted(practice: Practice) -> None:
    run(practice, "groups", GROUPS, f"{nhs(1)},flu,", f"{nhs(2)},flu,")
    number = run(practice, "groups", GROUPS, f"{nhs(1)},flu,2026-02-01")
    delete_group(practice.record, practice.clock, "flu", by="nia")
    assert undo(practice, number).counts == {"as_before": 1}


@pytest.mark.parametrize(
    ("kind", "heading", "last"),
    [
        ("groups", GROUPS, f"{nhs(8)},flu,2026-02-01"),
        ("consents", "NHS Number,Decision,Date", f"{nhs(8)},consent ended,2026-02-01"),
    ],
)
def test_nothing_is_put_in_again_for_a_patient_whose_own_import_was_put_back(
    practice: Practice, kind: ImportKind, heading: str, last: str
) -> None:
    if practice.record.dialect == "postgresql":  # the others have ids of their own
        with practice.record.write() as connection:
            sequence = "SELECT setval(pg_get_serial_sequence('patient', 'id'), 100)"
            connection.execute(sa.text(sequence))
    patients = run(practice, "patients", "NHS Number,Surname", f"{nhs(8)},Llwyd")
    given = {"groups": f"{nhs(8)},flu,", "consents": f"{nhs(8)},consented,2026-01-05"}
    run(practice, kind, heading, given[kind])
    number = run(practice, kind, heading, last)
    assert undo(practice, patients).counts == {"deleted": 1}
    run(practice, "patients", "NHS Number,Surname", f"{nhs(9)},Owen")
    assert undo(practice, number).counts == {"as_before": 1}


def test_a_visit_that_was_booked_here_stays_though_it_got_the_number_of_an_imported_one(
    practice: Practice,
) -> None:
    rows = (f"a,{nhs(1)},2026-03-04 10:30,booked", f"b,{nhs(2)},2026-03-05 10:30,booked")
    number = run(practice, "appointments", "Slot Guid,NHS Number,Date,Status", *rows)
    undo(practice, number)
    booked = {"id": 2, "patient_id": 3, "visit_plan_id": 1, "starts_at": practice.clock.now()}
    plan = {
        "id": 1,
        "operation_id": 1,
        "patient_id": 3,
        "occurrence": 1,
        "minutes": 10,
        "visit_type": "visit",
    }
    with practice.record.write() as connection:
        connection.execute(sa.insert(visit_plan).values(**plan))
        connection.execute(sa.insert(appointment).values(**booked))
    assert undo(practice, number).counts == {"as_before": 2}
