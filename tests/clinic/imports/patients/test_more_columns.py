"""NEW-15, PAT-7: what practices' exports say of a patient besides name and number, and the traps in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import facility, patient
from clinic.record.schema.systems.imports import patient_digest
from clinic.settings import SourceFormat
from tests.fakes import FakeClock

HEADING = (
    "Patient ID,Surname,Date of Birth,Mobile,Date of Death,Date of Registration,Date of Deactivation,"
    "Patient Type Description,Preferred Contact Method,Dummy Type,Deleted,Contact Comments,Facility"
)
OWNS = SourceFormat(owns_columns=True)


def run(record: Record, folder: Path, *rows: str, heading: str = HEADING, **more: Any) -> Imported:
    path = folder / "patients.csv"
    path.write_text("\n".join((heading, *rows)) + "\n", encoding="utf-8")
    options = Options(by="nia", **more)
    file = open_file("patients", path, options.how)
    return run_import(record, FakeClock(), "patients", file, options)


def one(record: Record, *names: str) -> tuple[Any, ...]:
    with record.read() as connection:
        columns = [patient.c[name] for name in names]
        return tuple(connection.execute(sa.select(*columns).order_by(patient.c.id)).one())


def test_death_registration_status_and_preferred_contact_are_imported(
    record: Record, tmp_path: Path
) -> None:
    """The day is taken as it is written: no zone moves it (trap 13)."""
    row = "1,Llwyd,1950-02-01,07700900123,2026-02-28T00:00:00+00:00,2001-01-31,,Regular,E-mail,,,,"
    assert run(record, tmp_path, row).counts == {"added": 1}
    names = ("death_date", "registered_on", "deregistered_on", "status", "preferred_channel")
    found = (date(2026, 2, 28), date(2001, 1, 31), None, "active", "email")
    assert one(record, *names) == found
    assert run(record, tmp_path, row).counts == {"unchanged": 1}
    left = "1,Llwyd,1950-02-01,07700900123,,,2026-01-15,Left,,,,,"
    assert run(record, tmp_path, left).counts == {"changed": 1}
    assert one(record, *names) == (*found[:2], date(2026, 1, 15), "discharged", "email")


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ("1950-02-01,,31/02/2026,,,,,,,,", "death_date_invalid"),  # no such day
        ("1950-02-01,,2027-01-01,,,,,,,,", "death_date_invalid"),  # to come
        ("1950-02-01,,deceased,,,,,,,,", "death_date_invalid"),
        ("1950-02-01,,9999-12-31,,,,,,,,", "added"),  # masked: not known (trap 5)
        ("1950-02-01,,,,,Dummy,,,,,", "test_patient"),  # trap 26
        ("1950-02-01,,,,,,,TRUE,,,", "test_patient"),
        ("1950-02-01,,,,,,,False,,,", "added"),
        ("1950-02-01,,,,,,,,TRUE,,", "left_source"),  # left the extract: not a death
        ("1950-02-01,,,,,,,,0,,", "added"),
    ],
)
def test_what_a_row_ends_with(
    sqlite_record: Record, tmp_path: Path, cells: str, outcome: str
) -> None:
    assert run(sqlite_record, tmp_path, f"1,Llwyd,{cells}").counts == {outcome: 1}


@pytest.mark.parametrize(
    ("cells", "remark", "column"),
    [
        ("1950,0770,,,,,,,,,", "birth_date_partial", "birth_date"),  # trap 24
        ("1950-02,0770,,,,,,,,,", "birth_date_partial", "birth_date"),
        ("1950-02-01,07700900123,,,,,,,,parent's mobile,", "number_of_another", "mobile"),
        ("1950-02-01,0770,,yesterday,,,,,,,", "day_unclear", "registered_on"),
        ("1950-02-01,0770,,,2035-01-01,,,,,,", "day_unclear", "deregistered_on"),
        ("1950-02-01,0770,,,,,Carrier pigeon,,,,", "channel_unclear", "preferred_channel"),
    ],
)
def test_a_cell_that_is_no_answer_is_left_out_and_counted(
    sqlite_record: Record, tmp_path: Path, cells: str, remark: str, column: str
) -> None:
    result = run(sqlite_record, tmp_path, f"1,Llwyd,{cells}")
    assert (result.counts, result.also[remark]) == ({"added": 1}, 1)
    assert one(sqlite_record, column) == (None,)


def test_an_unknown_status_leaves_what_is_known(sqlite_record: Record, tmp_path: Path) -> None:
    row = "1,Llwyd,1950-02-01,,,,,{},,,,,"
    run(sqlite_record, tmp_path, row.format("on hold"))
    result = run(sqlite_record, tmp_path, row.format("Jabberwocky"))
    assert (result.counts, result.also["status_unclear"]) == ({"unchanged": 1}, 1)
    assert one(sqlite_record, "status") == ("on_hold",)


def test_an_empty_cell_takes_away_only_in_a_source_that_owns_the_column(
    record: Record, tmp_path: Path
) -> None:
    """Never an id, a name or a date of birth, and never what the file has no column for."""
    run(record, tmp_path, "1,Llwyd,1950-02-01,07700900123,2026-02-01,,,,sms,,,,")
    empty = "1,,,,,,,,,,,,"
    assert run(record, tmp_path, empty).counts == {"unchanged": 1}
    heading = "Patient ID,Mobile"
    names = ("mobile", "death_date", "preferred_channel", "family_name", "birth_date")
    assert run(record, tmp_path, "1,", heading=heading, how=OWNS).counts == {"changed": 1}
    assert one(record, *names) == (None, date(2026, 2, 1), "sms", "Llwyd", date(1950, 2, 1))
    assert run(record, tmp_path, empty, how=OWNS).counts == {"changed": 1}
    assert one(record, *names) == (None, None, None, "Llwyd", date(1950, 2, 1))


def test_a_patient_of_another_facility_is_moved_by_its_source_alone_and_listed(
    record: Record, tmp_path: Path
) -> None:
    with record.write() as connection:
        connection.execute(
            sa.insert(facility), [{"code": code, "name": code} for code in ("A1", "B2")]
        )
    row = "1,Llwyd,1950-02-01,,,,,,,,,,{}"
    run(record, tmp_path, row.format("A1"))
    assert run(record, tmp_path, row.format("B2")).counts == {"unchanged": 1}  # a list moves nobody
    dry = run(record, tmp_path, row.format("B2"), how=OWNS, check=True)
    assert one(record, "facility_id") == (1,)
    real = run(record, tmp_path, row.format("B2"), how=OWNS)
    assert dry.counts == real.counts == {"moved": 1}
    assert real.problems == [(2, "moved")]
    assert one(record, "facility_id") == (2,)


def test_a_dry_run_says_what_the_import_does_and_changes_nothing(
    record: Record, tmp_path: Path
) -> None:
    heading = "Patient ID,Surname,Do not text"
    rows = ("1,Llwyd,yes", "2,O'Brien,no", "1,Llwyd,no")
    dry = run(record, tmp_path, *rows, heading=heading, check=True)
    with record.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(patient)).scalar() == 0
    real = run(record, tmp_path, *rows, heading=heading)
    assert (dry.counts, dry.also, dry.problems) == (real.counts, real.also, real.problems)
    assert real.also == {"opted_out": 1}


def test_a_row_that_says_what_it_said_is_passed_over_unless_somebody_wrote_since(
    record: Record, tmp_path: Path
) -> None:
    """As if it were read each time: the record is what the source says, and a first row counts."""
    heading = "Patient ID,Surname,Mobile"
    rows = ("1,Llwyd,07700900001", "2,Owen,07700900002")
    run(record, tmp_path, *rows, heading=heading)
    with record.read() as connection:
        assert len(connection.execute(sa.select(patient_digest)).all()) == 2
    twice = run(record, tmp_path, *rows, "1,Llwyd,07700900009", heading=heading)
    assert twice.counts == {"unchanged": 2, "repeated": 1}
    with record.write() as connection:
        other = {"mobile": "07700900555", "version": patient.c.version + 1}
        connection.execute(sa.update(patient).where(patient.c.local_id == "2").values(other))
    assert run(record, tmp_path, *rows, heading=heading).counts == {"unchanged": 1, "changed": 1}
    assert run(record, tmp_path, *rows, heading=heading).counts == {"unchanged": 2}
    # Another source, other settings and other columns are read for themselves
    assert run(record, tmp_path, *rows, heading=heading, source="b").counts == {"unchanged": 2}
    empty = run(record, tmp_path, "1,Llwyd,", "2,Owen,", heading=heading, how=OWNS)
    assert empty.counts == {"changed": 2}
