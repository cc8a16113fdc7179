"""Exports: what is in the file, who may read it, what the trail says, and what a kill leaves."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.change.core.outcomes import LOCKED
from clinic.change.export.asked_before import written_before
from clinic.change.export.export import folder_of, write_file
from clinic.change.export.file import ExportFile, cell_text
from clinic.change.exported import export, find_file
from clinic.change.operations import get_operation
from clinic.change.review.checklist import checklist
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.undo import request_undo
from clinic.errors import NotAllowed, OperationRefused
from clinic.govern.audit.rows import audit_item
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.clinical import allergy, diagnosis, export_file, medication
from clinic.record.schema.govern import audit_act
from clinic.record.schema.people import patient_tag
from clinic.settings import Operations, Settings
from clinic.values.formula import plain_cell
from tests.clinic.change.practice import (
    ASKER,
    LEAD,
    MANAGER,
    asked,
    die,
    outcomes,
    practice,
    reviewed,
    update,
    visits,
)
from tests.fakes import FakeClock

ZONE = ZoneInfo("Europe/London")
SYSTEM = "http://snomed.info/sct"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Chunks of two patients, and a home of its own."""
    return Settings(home=tmp_path / "home", operations=Operations(chunk_size=2))


def clinical(record: Record) -> None:
    """Patient 1 has one of each, patient 2 two diagnoses."""
    begun = date(2020, 5, 1)
    usual = {"code": "38341003", "system": SYSTEM, "status": "active"}
    with record.write() as connection:
        connection.execute(
            sa.insert(diagnosis),
            [
                usual | {"patient_id": n, "text": text, "onset": begun, "ended": None}
                for n, text in ((1, "Hypertension"), (2, "Asthma"), (2, "=HYPERLINK()"))
            ],
        )
        connection.execute(
            sa.insert(medication),
            usual | {"patient_id": 1, "text": "Amlodipine", "dosage": "5 mg", "started": begun},
        )
        connection.execute(
            sa.insert(allergy),
            usual | {"patient_id": 1, "text": "Penicillin", "onset": begun, "criticality": "high"},
        )


def approved(record: Record, clock: FakeClock, home: Settings, operation_id: int) -> None:
    """Tom, a team lead, approves it, also without those whom another operation changes."""
    number = reviewed(record, clock, operation_id, settings=home)
    decide(
        record, clock, number, operator=LEAD, decision="approved", note="for the audit", override="wanted"
    )  # fmt: skip


def noted(record: Record, clock: FakeClock, home: Settings, operation_id: int) -> None:
    """Approved, and every patient is in the audit trail."""
    approved(record, clock, home, operation_id)
    begin(record, clock, operation_id)
    for number in chunks_left(record, operation_id):
        apply_chunk(record, clock, operation_id, number)


def exported(
    record: Record,
    clock: FakeClock,
    home: Settings,
    what: str,
    format_: str,
    ids: Any = range(1, 7),
) -> Path:
    """The file of an export, and how its operation ended: done."""
    operation_id = asked(
        record, clock, "export", {"what": what, "format": format_}, ids, settings=home
    )
    noted(record, clock, home, operation_id)
    written = export(record, clock, home, operation_id)
    assert finish(record, clock, home, operation_id).state == "done"
    return folder_of(home) / written.name


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows, as the practice's own tools read them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{k: plain_cell(v) for k, v in row.items()} for row in csv.DictReader(file)]


def read_sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    """A sheet's rows with its headings."""
    workbook = openpyxl.load_workbook(path)
    try:
        return list(workbook[name].iter_rows(values_only=True))
    finally:
        workbook.close()


def test_the_patient_list_has_demographics_status_and_facility(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-24, ALC-6: approved by a team lead."""
    practice(record)
    update(record, 1, birth_date=date(1980, 1, 31), mobile="07700900123", status="on_hold")
    rows = read_csv(exported(record, clock, home, "patients", "csv", [1, 2, 5]))
    assert [row["Local ID"] for row in rows] == ["L1", "L2", "L5"]
    first = rows[0]
    assert (first["Date of Birth"], first["Status"], first["Facility"]) == (
        "1980-01-31",
        "on_hold",
        "F1",
    )
    assert (first["Mobile"], first["Provider Name"]) == ("07700900123", "Dr 1")


def test_the_clinical_summary_has_diagnoses_medications_and_allergies(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-25."""
    practice(record)
    clinical(record)
    rows = read_csv(exported(record, clock, home, "clinical", "csv"))
    assert [(row["Local ID"], row["Kind"], row["Description"]) for row in rows] == [
        ("L1", "Diagnosis", "Hypertension"),
        ("L1", "Medication", "Amlodipine"),
        ("L1", "Allergy", "Penicillin"),
        ("L2", "Diagnosis", "Asthma"),
        ("L2", "Diagnosis", "=HYPERLINK()"),
    ]
    assert [(row["Dosage"], row["Criticality"]) for row in rows] == [
        ("", ""),
        ("5 mg", ""),
        ("", "high"),
        ("", ""),
        ("", ""),
    ]
    assert rows[0]["Code"] == "38341003"
    assert {row["Onset or Start"] for row in rows} == {"2020-05-01"}


def test_the_visit_history_has_dates_types_and_providers(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-26: by the clock of the organisation: 9:00 UTC on a day in summer is 10:00 in London."""
    practice(record)
    visits(record, [(1, 2, 1, 1, 7), (2, 2, 2, 1, 7 + 84)])
    rows = read_csv(exported(record, clock, home, "visits", "csv"))
    assert [(row["Date"], row["Type"], row["Provider"], row["Status"]) for row in rows] == [
        ("2026-03-09 09:00", "visit", "P1", "booked"),
        ("2026-06-01 10:00", "visit", "P2", "booked"),
    ]


def test_the_full_record_is_a_workbook_with_everything(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-27."""
    practice(record)
    clinical(record)
    visits(record, [(1, 2, 1, 1, 7)])
    with record.write() as connection:
        connection.execute(sa.insert(patient_tag), {"patient_id": 3, "tag_id": 1})
    path = exported(record, clock, home, "full", "xlsx")
    counts = {
        name: len(read_sheet(path, name)) - 1
        for name in ("Patients", "Diagnoses", "Medications", "Allergies", "Visits", "Tags")
    }
    assert counts == {
        "Patients": 6, "Diagnoses": 3, "Medications": 1, "Allergies": 1, "Visits": 1, "Tags": 1,
    }  # fmt: skip
    assert {"Groups", "Consents", "Messages"} < set(openpyxl.load_workbook(path).sheetnames)


def test_the_full_record_is_refused_as_csv_and_so_is_what_is_not_offered(
    sqlite_record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-27: Excel only."""
    practice(sqlite_record)
    for what, format_, code in (
        ("full", "csv", "export-excel-only"),
        ("all", "csv", "export-what"),
        ("patients", "pdf", "export-what"),
    ):
        with pytest.raises(OperationRefused, match=code):
            asked(sqlite_record, clock, "export", {"what": what, "format": format_}, [1])


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_no_cell_is_a_formula(
    sqlite_record: Record, clock: FakeClock, home: Settings, format_: str
) -> None:
    """ACX-27, for exports: names that a spreadsheet would run are text in it."""
    practice(sqlite_record)
    update(sqlite_record, 1, family_name="=cmd|'/C calc'!A0", given_name="@SUM(A1)")
    path = exported(sqlite_record, clock, home, "patients", format_)
    if format_ == "csv":
        text = path.read_text(encoding="utf-8-sig")
        assert ",'=cmd|" in text
        assert ",'@SUM" in text
        return
    cells = [cell for row in openpyxl.load_workbook(path)["Patients"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not [cell for cell in cells if str(cell.value or "").startswith(("=", "@"))]


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_the_file_is_its_owners_alone_and_its_name_tells_nothing(
    sqlite_record: Record, clock: FakeClock, home: Settings, format_: str
) -> None:
    """ALC-28: named by the operation; nothing else is left beside it, whatever the umask."""
    practice(sqlite_record)
    before = os.umask(0)
    try:
        path = exported(sqlite_record, clock, home, "patients", format_)
    finally:
        os.umask(before)
    assert path.name == f"export-1.{format_}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_trail_has_every_patient_and_the_fingerprint_of_what_left(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-40, ALC-6: who asked, who approved, which patients, and the file's SHA-256."""
    practice(record)
    path = exported(record, clock, home, "patients", "csv", [1, 3])
    with record.read() as connection:
        items = connection.execute(
            sa.select(audit_item.c.patient_id, audit_item.c.new_values).order_by(
                audit_item.c.patient_id
            )
        ).all()
        act = connection.execute(
            sa.select(audit_act).where(audit_act.c.operation_type == "export.file")
        ).one()
    assert [(n, '"patients.csv"' in new) for n, new in items] == [(1, True), (3, True)]
    assert (act.operator, act.approver) == ("ann", "tom")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in act.new_values
    assert verify(record, None).holds


def test_nobody_is_in_the_file_who_is_not_in_the_trail(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """No file before every patient is noted; none at all without an approval."""
    practice(record)
    operation_id = asked(record, clock, "export", {"what": "patients"}, range(1, 7), settings=home)
    with pytest.raises(NotAllowed, match="export-not-begun"):
        export(record, clock, home, operation_id)
    approved(record, clock, home, operation_id)
    begin(record, clock, operation_id)
    apply_chunk(record, clock, operation_id, 1)
    with pytest.raises(NotAllowed, match="export-not-begun"):
        export(record, clock, home, operation_id)
    assert not folder_of(home).exists()


def test_whom_another_operation_is_changing_is_left_out_and_listed(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-43; who has died is exported like anybody."""
    practice(record)
    die(record, 2)
    running = asked(record, clock, "status", {"to": "on_hold"}, [1])
    decide(
        record,
        clock,
        reviewed(record, clock, running),
        operator=MANAGER,
        decision="approved",
        note="",
    )
    begin(record, clock, running)
    rows = read_csv(exported(record, clock, home, "patients", "csv", [1, 2]))
    assert [row["Local ID"] for row in rows] == ["L2"]
    assert outcomes(record, running + 1)[1] == LOCKED


def test_an_edit_after_the_review_is_in_the_file_and_in_nobodys_way(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    practice(record)
    operation_id = asked(
        record, clock, "export", {"what": "patients", "format": "csv"}, [1], settings=home
    )
    approved(record, clock, home, operation_id)
    update(record, 1, title="Dr")
    begin(record, clock, operation_id)
    apply_chunk(record, clock, operation_id, 1)
    written = export(record, clock, home, operation_id)
    assert read_csv(folder_of(home) / written.name)[0]["Title"] == "Dr"
    assert finish(record, clock, home, operation_id).state == "done"


def test_written_again_it_is_the_same_file_and_one_act(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    practice(record)
    path = exported(record, clock, home, "patients", "csv")
    before = path.stat().st_mtime_ns
    assert export(record, clock, home, 1) == find_file(record, 1)
    assert path.stat().st_mtime_ns == before
    with record.read() as connection:
        acts = connection.scalar(
            sa.select(sa.func.count()).where(audit_act.c.operation_type == "export.file")
        )
    assert acts == 1


def test_what_is_still_open_is_not_exported_twice_and_last_months_is_named(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """Whoever asks, and however the same patients were selected; other patients, or other data, are another."""
    practice(record)
    month = {"what": "patients", "format": "csv"}
    first = asked(record, clock, "export", month, range(1, 5), settings=home)
    with pytest.raises(OperationRefused, match=f"operations show {first}"):
        asked(record, clock, "export", month, range(1, 5), settings=home)
    assert asked(record, clock, "export", month, range(1, 4), settings=home) == first + 1
    other = {"what": "visits", "format": "csv"}
    assert asked(record, clock, "export", other, range(1, 5), settings=home) == first + 2
    assert written_before(record, first, clock.now()) == ""

    noted(record, clock, home, first)
    export(record, clock, home, first)
    finish(record, clock, home, first)
    again = asked(record, clock, "export", month, range(1, 5), settings=home, key="next month")
    assert f"operation {first} on" in written_before(record, again, clock.now())
    assert written_before(record, again, clock.now() + timedelta(days=40)) == ""
    assert written_before(record, first + 2, clock.now()) == ""


def test_an_export_says_that_it_cannot_be_undone(
    sqlite_record: Record, clock: FakeClock, home: Settings
) -> None:
    """ALC-39: N/A."""
    practice(sqlite_record)
    exported(sqlite_record, clock, home, "patients", "csv")
    says = {point.code: (point.holds, point.says) for point in checklist(sqlite_record, home, 1)}
    assert says["undo"][0] is None
    assert "N/A" in says["undo"][1]
    with pytest.raises(OperationRefused, match="undo-impossible"):
        request_undo(
            sqlite_record, clock, home, of=1, requested_by=ASKER.name, reason="oh",
            request_key="u",
        )  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_killed_while_writing_there_is_no_file_and_the_next_try_begins_anew(
    sqlite_record: Record, clock: FakeClock, home: Settings, format_: str
) -> None:
    """A half file never has the final name; what a kill left is removed."""
    practice(sqlite_record)
    parameters = {"what": "patients", "format": format_}
    operation_id = asked(sqlite_record, clock, "export", parameters, range(1, 7), settings=home)
    noted(sqlite_record, clock, home, operation_id)
    folder = folder_of(home)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clinic.change.export.writer", str(folder), format_],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert [each.name for each in folder.iterdir()] == ["export-1.part"]
    written = export(sqlite_record, clock, home, operation_id)
    assert [each.name for each in folder.iterdir()] == [written.name]
    assert written.rows == 6


def test_a_file_that_was_published_but_not_noted_is_written_anew(
    sqlite_record: Record, clock: FakeClock, home: Settings
) -> None:
    """Killed between the name and the note: the trail never has another file's fingerprint."""
    practice(sqlite_record)
    parameters = {"what": "patients", "format": "csv"}
    operation_id = asked(sqlite_record, clock, "export", parameters, [1], settings=home)
    noted(sqlite_record, clock, home, operation_id)
    write_file(
        sqlite_record, home, operation_id, get_operation(sqlite_record, operation_id).parameters
    )
    update(sqlite_record, 1, title="Dr")
    written = export(sqlite_record, clock, home, operation_id)
    content = (folder_of(home) / written.name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == written.sha256
    assert b",Dr," in content


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, format_: str) -> None:
    def interrupted() -> Iterator[tuple[str]]:
        yield ("somebody",)
        raise ZeroDivisionError

    file = ExportFile(tmp_path, "export-1", format_, ZONE)
    with pytest.raises(ZeroDivisionError), file:
        file.add_table("Patients", ["Name"]).write(interrupted())
    assert list(tmp_path.iterdir()) == []


def test_rows_beyond_a_sheet_go_on_in_the_next(tmp_path: Path) -> None:
    """Excel has 1,048,576 rows a sheet; a clinical summary of a million patients has more."""
    with ExportFile(tmp_path, "export-1", "xlsx", ZONE, most=4) as file:
        table = file.add_table("Visits", ["Number"])
        count = sum(table.write([(n,)]) for n in range(7))
    path = tmp_path / file.publish(count).name
    sheets = [read_sheet(path, name) for name in ("Visits", "Visits 2", "Visits 3")]
    assert [[row[0] for row in sheet] for sheet in sheets] == [
        ["Number", "0", "1", "2"], ["Number", "3", "4", "5"], ["Number", "6"],
    ]  # fmt: skip


def test_a_noted_file_is_never_changed_in_the_record(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    practice(record)
    exported(record, clock, home, "patients", "csv", [1])
    for statement in (sa.update(export_file).values(sha256="0" * 64), sa.delete(export_file)):
        with pytest.raises(sa.exc.DatabaseError), record.write() as connection:
            connection.execute(statement)


@given(st.one_of(st.text(), st.dates(), st.none(), st.integers()))
@settings(max_examples=200, derandomize=True)
def test_every_cell_is_text_that_no_spreadsheet_runs(value: object) -> None:
    text = cell_text(value, ZONE)
    assert not text.startswith(("=", "+", "@", "\t", "\r", "\n", "\x00"))
    if isinstance(value, str):
        assert plain_cell(text) == value


def test_instants_are_told_by_the_organisations_clock() -> None:
    assert cell_text(datetime(2026, 6, 1, 9, tzinfo=UTC), ZONE) == "2026-06-01 10:00"
