"""Importing patients, appointments and consents, against reading the file with the list reader alone."""

from __future__ import annotations

import csv
import resource
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.people import fill
from clinic.clock import SystemClock
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.practice.people import nhs_numbers
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.settings import ImportKind

ROWS: Final = 100_000
_ZONE: Final = "Europe/London"
_SLOTS: Final = 60  # a day of a provider, every ten minutes


def prepare(folder: Path, rows: int = ROWS) -> Path:
    """A record with as many patients, and beside it a file of appointments and one of opt-outs."""
    fill(f"sqlite:///{folder / 'record.db'}", rows, folder)
    day = datetime.now(UTC).date() + timedelta(days=1)
    with (folder / "slots.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            "SlotGuid,EMIS Number,AppointmentDate,AppointmentStartTime,PlannedDurationInMinutes,Status,"
            "SlotType,Place".split(",")
        )
        for n in range(1, rows + 1):
            at = f"{8 + n % _SLOTS // 6:02}:{n % 6 * 10:02}:00"
            when = day + timedelta(days=n % 60)
            writer.writerow(
                (f"{{{n:08X}-0000-4000-8000-000000000000}}", f"E{n}", when, at, 15, "Booked",
                 "GP surgery", f"Room {n % 20}")
            )  # fmt: skip
    with (folder / "opted-out.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("EMIS Number", "Decision", "Channel", "Date"))
        for n in range(1, rows + 1):
            said = ("opted out", "consented")[n % 2]
            writer.writerow((f"E{n}", said, "sms", date(2024, 1 + n % 12, 1 + n % 28)))
    return folder


def appointments(folder: Path, rows: int = ROWS) -> float:
    """Rows a CPU second of one import; the first of a record adds them, the next finds them unchanged."""
    record = Record.open(f"sqlite:///{folder / 'record.db'}")
    began = time.process_time()
    file = open_file("appointments", folder / "slots.csv")
    options = Options(by="bench", source="bench", zone=_ZONE)
    result = run_import(record, SystemClock(), "appointments", file, options)
    assert result.counts["added"] + result.counts["unchanged"] == rows, result.counts
    took = time.process_time() - began
    record.close()
    return rows / took


def consents(folder: Path, rows: int = ROWS) -> float:
    """Rows a CPU second of one import; the first of a record notes them, the next finds them unchanged."""
    record = Record.open(f"sqlite:///{folder / 'record.db'}")
    began = time.process_time()
    file = open_file("consents", folder / "opted-out.csv")
    options = Options(by="bench", zone=_ZONE)
    result = run_import(record, SystemClock(), "consents", file, options)
    assert result.counts["noted"] + result.counts["unchanged"] == rows, result.counts
    took = time.process_time() - began
    record.close()
    return rows / took


def patients(folder: Path, rows: int = ROWS) -> float:
    """Rows a CPU second of one import of `write_patients` into an empty record; the next changes nothing."""
    record = Record.open(f"sqlite:///{folder / 'patients.db'}")
    migrate(record)
    began = time.process_time()
    file = open_file("patients", folder / "patients.csv", scheme="emis")
    result = run_import(record, SystemClock(), "patients", file, Options(by="bench"))
    assert result.counts["added"] + result.counts["unchanged"] == rows, result.counts
    took = time.process_time() - began
    record.close()
    return rows / took


def write_patients(folder: Path, rows: int = ROWS) -> None:
    """An export of as many patients: twelve columns, an address in its lines."""
    heading = (
        "EMIS Number,NHS Number,Title,Given Name,Family Name,Date of Birth,Sex,Mobile Telephone,"
        "E-mail Address,Postcode,Number and Street,Town"
    )
    numbers = nhs_numbers(np.arange(1, rows + 1), rows).tolist()
    with (folder / "patients.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heading.split(","))
        for n, number in enumerate(numbers, 1):
            born = date(1940 + n % 70, 1 + n % 12, 1 + n % 28)
            writer.writerow(
                (f"E{n}", number, "Ms", f"Given{n}", f"Family{n}", f"{born:%d/%m/%Y}", "F", f"074{n:08}",
                 f"p{n}@example.org", "CF10 1AA", f"{n} High Street", "Cardiff")
            )  # fmt: skip


def only_read(path: Path, kind: ImportKind = "appointments") -> float:
    """Rows a CPU second of the list reader: every row examined, and handed out once."""
    began = time.process_time()
    rows = sum(len(block.frame) for block in open_file(kind, path).blocks())
    return rows / (time.process_time() - began)


def peak_mb() -> float:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
