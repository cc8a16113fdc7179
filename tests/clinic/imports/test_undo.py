"""
NEW-15, NEW-10: an import is put back: what it changed is as it was, what it added is gone, and what somebody
changed since, or what is in use, is left and listed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, NotFound
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.imports.undo.runs import get_run, list_runs
from clinic.imports.undo.undo import Undone, undo_import
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.govern import audit_act
from clinic.record.schema.people import (
    appointment,
    appointment_source,
    consent,
    facility,
    group_member,
    patient,
    patient_group,
)
from clinic.record.schema.systems.imports import import_change
from clinic.settings import ImportKind
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

TABLES = (
    patient, appointment, appointment_source, consent, facility, patient_group, group_member, diagnosis,
)  # fmt: skip
# Of each kind: its headings, and the rows of a first and a second export
EXPORTS: dict[ImportKind, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "patients": (
        "NHS Number,Surname,Mobile,Do not text",
        (f"{nhs(1)},Llwyd,07700900001,no",),
        (f"{nhs(1)},Llwyd,07700900999,yes", f"{nhs(8)},Owen,,no", f"{nhs(9)},Rees,,yes"),
    ),
    "appointments": (
        "Slot Guid,NHS Number,Date,Status,Room",
        (f"a,{nhs(1)},2026-03-04 10:30,booked,1", f"b,{nhs(2)},2026-03-05 10:30,booked,1"),
        (
            f"a,{nhs(1)},2026-03-04 11:30,booked,2", f"b,{nhs(3)},2026-03-05 10:30,booked,1",
            f"c,{nhs(3)},2026-03-06 10:30,booked,1",
        ),
    ),
    "consents": (
        "NHS Number,Decision,Date", (f"{nhs(1)},opted out,2026-01-02",),
        (f"{nhs(1)},opted out,2026-01-02", f"{nhs(2)},opted out,2026-01-03"),
    ),
    "facilities": ("Code,Name", ("A1,Old",), ("A1,New", "B2,Mill Lane")),
    "groups": (
        "NHS Number,Group,Removed", (f"{nhs(1)},g,",), (f"{nhs(1)},g,2026-02-01", f"{nhs(2)},h,"),
    ),
    "diagnoses": (
        "NHS Number,Term,End Date", (f"{nhs(1)},Gout,",), (f"{nhs(1)},Gout,2026-01-01", f"{nhs(2)},Gout,"),
    ),
}  # fmt: skip


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(3)
    if record.dialect == "postgresql":  # they were put in with ids of their own
        with record.write() as connection:
            connection.execute(
                sa.text("SELECT setval(pg_get_serial_sequence('patient', 'id'), 100)")
            )
    return made


def run(practice: Practice, kind: ImportKind, heading: str, *rows: str, **more: Any) -> Imported:
    path = practice.file(*rows, heading=heading, name="rows.csv")
    options = Options(by="nia", **more)
    file = open_file(kind, path, options.how)
    return run_import(practice.record, practice.clock, kind, file, options)


def undo(practice: Practice, result: Imported, *, check: bool = False) -> Undone:
    assert result.number is not None
    return undo_import(practice.record, practice.clock, result.number, by="mia", check=check)


def contents(practice: Practice) -> list[tuple[Any, ...]]:
    """Every row of these tables, but for what counts how often a row was written."""
    with practice.record.read() as connection:
        return [
            (table.name, *row)
            for table in TABLES
            for row in connection.execute(
                sa.select(*(c for c in table.c if c.name not in ("version", "digest", "versions")))
                .order_by(*table.primary_key.columns)
            )
        ]  # fmt: skip


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_import_that_is_put_back_leaves_the_record_as_it_was(
    practice: Practice, kind: ImportKind
) -> None:
    heading, first, second = EXPORTS[kind]
    run(practice, kind, heading, *first)
    before = contents(practice)
    result = run(practice, kind, heading, *second)
    after = contents(practice)
    assert after != before
    dry = undo(practice, result, check=True)
    assert contents(practice) == after
    done = undo(practice, result)
    assert contents(practice) == before
    assert (dry.counts, dry.left) == (done.counts, done.left) == (done.counts, [])
    assert run(practice, kind, heading, *second).counts == result.counts  # and may come again


def test_what_was_changed_since_is_left_and_listed(practice: Practice) -> None:
    heading, first, second = EXPORTS["patients"]
    run(practice, "patients", heading, *first)
    result = run(practice, "patients", heading, *second)
    with practice.record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.nhs_number == nhs(1)).values(mobile="07700900555")
        )
        connection.execute(
            sa.update(patient)
            .where(patient.c.nhs_number == nhs(8))
            .values(title="Dr", version=patient.c.version + 1)
        )
    done = undo(practice, result)
    assert {(table, why) for table, _, why in done.left} == {("patient", "changed_since")}
    assert done.counts["changed_since"] == 2
    with practice.record.read() as connection:
        query = sa.select(patient.c.nhs_number, patient.c.mobile)
        found = dict(connection.execute(query).tuples().all())
    assert (found[nhs(1)], nhs(8) in found, nhs(9) in found) == ("07700900555", True, False)


def test_a_patient_who_is_in_use_stays(practice: Practice) -> None:
    result = run(practice, "patients", "NHS Number,Surname", f"{nhs(8)},Owen", f"{nhs(9)},Rees")
    run(practice, "diagnoses", "NHS Number,Term", f"{nhs(8)},Gout")
    assert undo(practice, result).counts == {"in_use": 1, "deleted": 1}


def test_the_newest_of_a_kind_is_put_back_first(practice: Practice) -> None:
    heading, first, second = EXPORTS["facilities"]
    one = run(practice, "facilities", heading, *first)
    two = run(practice, "facilities", heading, *second)
    run(practice, "facilities", heading, *second)  # which changed nothing, and is in nobody's way
    with pytest.raises(NotAllowed) as refused:
        undo(practice, one)
    assert refused.value.code == "import-not-newest"
    undo(practice, two)
    assert undo(practice, one).counts == {"deleted": 1}
    with pytest.raises(NotFound):
        undo_import(practice.record, practice.clock, 77, by="mia", check=True)


NIGHTS = (
    (f"a,{nhs(1)},2026-03-04 10:30,booked,1", f"b,{nhs(2)},2026-03-05 10:30,booked,1",
     f"c,{nhs(3)},2026-03-06 10:30,booked,1", f"d,{nhs(3)},2026-03-07 10:30,booked,1"),
    (f"a,{nhs(1)},2026-03-04 11:30,booked,2", f"b,{nhs(3)},2026-03-05 10:30,booked,1",
     f"c,{nhs(3)},2026-03-06 11:30,booked,1"),
    (f"a,{nhs(1)},2026-03-04 11:30,cancelled,2", "b,,2026-03-05 10:30,,",
     f"c,{nhs(3)},2026-03-06 11:30,booked,7"),
)  # fmt: skip


def test_imports_of_several_nights_are_put_back_one_after_the_other_until_nothing_is_left(
    practice: Practice,
) -> None:
    """What later ones changed, and was put back, is nobody's change: no visit stays of whom nobody booked."""
    heading = EXPORTS["appointments"][0]
    states = [contents(practice)]
    nights = []
    for rows in NIGHTS:
        nights.append(run(practice, "appointments", heading, *rows, source="emis"))
        states.append(contents(practice))
    for result, before in zip(reversed(nights), reversed(states[:-1]), strict=True):
        assert undo(practice, result).left == []
        assert contents(practice) == before


@pytest.mark.parametrize("when", ["between", "after"])
def test_what_a_person_changed_between_imports_stays_though_these_are_put_back(
    practice: Practice, when: str
) -> None:
    def by_hand() -> None:
        with practice.record.write() as connection:
            a = appointment.c
            later = {"provider_id": None, "minutes": 25, "version": a.version + 1}
            connection.execute(sa.update(appointment).where(a.patient_id == 1).values(later))

    heading = EXPORTS["appointments"][0]
    first = run(practice, "appointments", heading, *NIGHTS[0], source="emis")
    if when == "between":
        by_hand()
    second = run(practice, "appointments", heading, *NIGHTS[1], source="emis")
    if when == "after":
        by_hand()
    undo(practice, second)
    done = undo(practice, first)
    assert [(table, why) for table, _, why in done.left] == [("appointment", "changed_since")]
    assert (done.counts["deleted"], done.counts["changed_since"]) == (3, 1)


def test_it_may_be_run_again_and_is_on_the_trail(practice: Practice) -> None:
    heading, first, second = EXPORTS["patients"]
    run(practice, "patients", heading, *first)
    result = run(practice, "patients", heading, *second)
    undo(practice, result)
    again = undo(practice, result)
    assert again.counts.keys() == {"as_before"}
    with practice.record.read() as connection:
        acts = connection.execute(sa.select(audit_act).order_by(audit_act.c.number)).all()
    undone = [act for act in acts if act.operation_type == "patients.import-undone"]
    assert [(act.operator, act.patients_affected > 0) for act in undone] == [
        ("mia", True), ("mia", False),
    ]  # fmt: skip
    assert json.loads(undone[0].new_values)["import"] == result.number
    assert "07700" not in "".join(act.new_values for act in acts if act.new_values)
    assert result.number is not None
    one = get_run(practice.record, result.number)
    assert (one.undone_by, one.counts) == ("mia", dict(result.counts))
    assert [each.id for each in list_runs(practice.record)] == [2, 1]


def test_a_dry_run_is_no_import(practice: Practice) -> None:
    for kind, (heading, first, _) in EXPORTS.items():
        assert run(practice, kind, heading, *first, check=True).number is None
    assert list_runs(practice.record) == []


def test_the_values_before_and_after_are_noted_where_an_erasure_reaches_them(
    practice: Practice,
) -> None:
    heading, first, second = EXPORTS["patients"]
    run(practice, "patients", heading, *first)
    run(practice, "patients", heading, *second)
    with practice.record.read() as connection:
        found = connection.execute(
            sa.select(import_change).where(import_change.c.field == "mobile")
        ).one()
    assert (found.patient_id, found.old, found.new) == (1, "07700900001", "07700900999")
