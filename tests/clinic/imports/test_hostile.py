"""
Issue 16: a table of rows that are wrong in every way we know, for each kind, and nothing changes unsaid.

Wrong days, ids that come twice, unknown patients, two states of one appointment, moved and cancelled, the hours
around a change of the clock, half a row, another practice's row. Each row ends as it says; what differs in
the record afterwards is what was counted (explained.py).
"""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Complete, Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.settings import ImportKind
from tests.clinic.imports.explained import Rows, assert_explained, count_on, rows_of
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

ODS = "A1"
HEADINGS = {
    "appointments": "SlotGuid,NHS Number,EMIS Number,AppointmentDate,AppointmentStartTime,SlotStatus,Place,"
    "Deleted,ODS Code",
    "consents": "NHS Number,EMIS Number,Decision,Channel,Purpose,Date,ODS Code",
    "patients": "NHS Number,EMIS Number,Surname,Date of Birth,Mobile,Date of Death,Deleted,ODS Code",
}  # fmt: skip


def slot(
    key: str, n: int | str, at: str = "2026-03-03,09:30", status: str = "Booked", place: str = "1",
    deleted: str = "", ods: str = ODS,
) -> str:  # fmt: skip
    who = f"{nhs(n)}," if isinstance(n, int) and n else n or ","
    return f"{key},{who},{at},{status},{place},{deleted},{ods}"


KNOWN = tuple(slot(f"k{n}", n) for n in range(1, 10))
APPOINTMENTS: tuple[tuple[str, str], ...] = (
    (slot("k1", 1), "unchanged"),
    (slot("k2", 2, "2026-03-05,11:00"), "moved"),
    (slot("k3", 3, status="Cancelled"), "replaced"),
    (slot("k4", 4, place="9"), "changed"),
    (
        slot("k5", 6),
        "booked_again",
    ),  # given to another, whose own is at the same time under another id
    (slot("k6", 0), "replaced"),  # the slot is free
    (slot("k7", 0, ",", "", deleted="1"), "cancelled"),  # deleted without its patient
    (slot("k8", 8, status="Booked"), "contradicts"),
    (slot("k8", 8, status="Cancelled"), "contradicts"),
    (slot("k9", 9, "2026-02-30,09:30"), "start_invalid"),
    (slot("n1", 1, "2026-10-25,01:30"), "added"),
    (slot("n2", 2, "2026-03-29,01:30"), "start_invalid"),
    (slot("n3", 3, "2026-03-29,02:30"), "booked_again"),
    (slot("n4", 4, "1900-01-01,09:30"), "start_invalid"),
    (slot("n5", 5, status="Perhaps"), "status_unknown"),
    (slot("n6", 0), "slot_free"),
    (slot("n7", 7, status="DNA"), "not_here"),
    (slot("n8", 100), "patient_not_found"),
    (slot("n9", "1234567890,"), "nhs_number_invalid"),
    (slot("n10", f"{nhs(1)},E2"), "ids_differ"),
    (slot("n11", 1, ods="B2"), "other_organisation"),
    (slot("n12", 1) + ",more", "unreadable_row"),
    (slot("n13", 1, "2026-03-06,10:00"), "added"),
    (slot("n13", 1, "2026-03-06,10:00"), "repeated"),
    (slot("x" * 121, 1, "2026-03-06,12:00"), "id_too_long"),
    (slot("", 0), "nhs_number_missing"),
)
CONSENTS = (
    (f"{nhs(1)},,opted out,sms,,2025-03-01,{ODS}", "noted"),
    (f"{nhs(1)},,opted out,sms,,2025-03-01,{ODS}", "unchanged"),
    (f"{nhs(2)},,opted out,pigeon,,2025-03-01,{ODS}", "widened"),
    (f"{nhs(3)},,opted out,sms,,31/02/2025,{ODS}", "widened"),
    (f"{nhs(4)},,consented,sms,,31/02/2025,{ODS}", "consent_unclear"),
    (f"{nhs(4)},,consented,sms,,,{ODS}", "consent_undated"),
    (f"{nhs(5)},,perhaps,sms,,2025-03-01,{ODS}", "decision_unclear"),
    (f"{nhs(5)},,,sms,,2025-03-01,{ODS}", "decision_missing"),
    (f"{nhs(100)},,opted out,sms,,2025-03-01,{ODS}", "patient_not_found"),
    (f"{nhs(1)},E2,opted out,sms,,2025-03-01,{ODS}", "ids_of_two"),
    (f"123,,opted out,sms,,2025-03-01,{ODS}", "nhs_number_invalid"),
    (f",,opted out,sms,,2025-03-01,{ODS}", "nhs_number_missing"),
    (f"{nhs(6)},,opted out,sms,,2025-03-01,B2", "other_organisation"),
    (f"{nhs(6)},,opted out,sms,,2025-03-01,{ODS},more", "unreadable_row"),
)
PATIENTS = (
    (f"{nhs(1)},E1,Family,,,,,{ODS}", "unchanged"),
    (f"{nhs(2)},E2,Family,1950-02-01,,,,{ODS}", "changed"),
    (f"{nhs(2)},E2,Family,1951-02-01,,,,{ODS}", "repeated"),
    (f"{nhs(3)},E3,Family,,,2026-02-01,,{ODS}", "changed"),
    (f"{nhs(4)},E4,Family,,,31/02/2026,,{ODS}", "death_date_invalid"),
    (f"{nhs(5)},E5,Family,31/02/1950,,,,{ODS}", "birth_date_invalid"),
    (f"{nhs(10)},E10,Family,1950-02-01,,1949-02-01,,{ODS}", "death_date_invalid"),
    (f"{nhs(6)},E7,Family,,,,,{ODS}", "ids_differ"),
    (f"{nhs(7)},E77,Family,,,,,{ODS}", "own_id_differs"),
    (f"{nhs(8)},E8,Family,,,,TRUE,{ODS}", "left_source"),
    (f"{nhs(9)},E9,Family,1950-02-01,,,,B2", "other_organisation"),
    (f"{nhs(20)},E20,Llwyd,1950-02-01,07700900123,,,{ODS}", "added"),
    (f"123,E21,Llwyd,1950-02-01,,,,{ODS}", "nhs_number_invalid"),
    (f"{nhs(22)},E22,Llwyd,1950-02-01,,,,{ODS},more", "unreadable_row"),
)


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(9)
    count_on(record)
    return made


def run(
    practice: Practice, kind: ImportKind, *rows: str, complete: Complete | None = None
) -> Imported:
    path = practice.file(*rows, heading=HEADINGS[kind], name="hostile.csv")
    options = Options(by="nia", source="emis", codes=(ODS,), complete=complete)
    return run_import(practice.record, practice.clock, kind, open_file(kind, path), options)


def tried(
    practice: Practice, kind: ImportKind, rows: tuple[tuple[str, str], ...]
) -> tuple[Rows, Imported]:
    """Import the table; each row ends as it says, and nothing changed unsaid."""
    before = rows_of(practice.record)
    dry = practice.file(*(row for row, _ in rows), heading=HEADINGS[kind], name="dry.csv")
    options = Options(by="nia", source="emis", codes=(ODS,), check=True)
    would = run_import(practice.record, practice.clock, kind, open_file(kind, dry), options)
    assert rows_of(practice.record) == before
    result = run(practice, kind, *(row for row, _ in rows))
    assert result.counts == would.counts
    expected = sorted(outcome for _, outcome in rows)
    assert sorted(result.counts.elements()) == expected
    assert_explained(kind, before, rows_of(practice.record), result)
    return before, result


def test_appointments(practice: Practice) -> None:
    run(practice, "appointments", *KNOWN)
    _, result = tried(practice, "appointments", APPOINTMENTS)
    assert result.also["given_to_another"] == 1
    assert result.also["hour_repeated"] == 1
    last = rows_of(practice.record)
    again = run(practice, "appointments", *(row for row, _ in APPOINTMENTS))
    assert rows_of(practice.record) == last
    assert not again.counts.keys() & {
        "added",
        "booked_again",
        "moved",
        "changed",
        "cancelled",
        "replaced",
    }


def test_consents(practice: Practice) -> None:
    tried(practice, "consents", CONSENTS)
    last = rows_of(practice.record)
    run(practice, "consents", *(row for row, _ in CONSENTS))
    assert rows_of(practice.record) == last


def test_patients(practice: Practice) -> None:
    tried(practice, "patients", PATIENTS)
    last = rows_of(practice.record)
    run(practice, "patients", *(row for row, _ in PATIENTS))
    assert rows_of(practice.record) == last


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_and_cut_anywhere(practice: Practice, seed: int) -> None:
    """Half a file, its rows in any order: what is there is imported, and nothing is cancelled for the rest."""
    run(practice, "appointments", *KNOWN)
    rows = [row for row, _ in APPOINTMENTS]
    chance = random.Random(seed)
    chance.shuffle(rows)
    before = rows_of(practice.record)
    half = run(practice, "appointments", *rows[: chance.randrange(1, len(rows))])
    assert_explained("appointments", before, rows_of(practice.record), half)


def test_half_a_file_that_is_said_to_be_whole_cancels_nothing(practice: Practice) -> None:
    run(practice, "appointments", *KNOWN)
    before = rows_of(practice.record)
    whole = Complete(0.2, date(2026, 3, 3), date(2026, 3, 3))
    result = run(practice, "appointments", *KNOWN[:4], complete=whole)
    assert "the file lacks 5 of the 9" in result.refused
    assert rows_of(practice.record) == before


@pytest.mark.parametrize("kind", HEADINGS)
def test_an_empty_file_changes_nothing(practice: Practice, kind: ImportKind) -> None:
    run(practice, "appointments", *KNOWN)
    before = rows_of(practice.record)
    assert run(practice, kind).rows == 0
    assert rows_of(practice.record) == before
