"""
Importing, a process each, beside reading the same file bare and inserting its rows with `executemany`.

    python -m benchmarks.imports                                  every kind, 100,000 rows, SQLite; twice each
    python -m benchmarks.imports --rows 1000000 patients          one kind, into an empty table and once more
    python -m benchmarks.imports --postgresql patients            in a PostgreSQL that is started for it

CPU seconds are those of the whole process, user and system, with its children; so are those of the floor. What
PostgreSQL's own processes use is not among them.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.csv as arrow

from benchmarks.people import fill
from clinic.clock import SystemClock
from clinic.collector import collect_seldom
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.practice.people import nhs_numbers
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.people import appointment, consent, group_member, patient, patient_group
from clinic.settings import ImportKind
from tests.servers.postgres import running_postgres

ROWS: Final = 100_000
_ZONE: Final = "Europe/London"
_SLOTS: Final = 60  # a day of a provider, every ten minutes
_NEW: Final = ("added", "noted")
# Kinds of many rows; of facilities and providers a practice has few
MANY: Final[tuple[ImportKind, ...]] = (
    "patients", "appointments", "consents", "groups", "diagnoses", "medications", "allergies",
)  # fmt: skip
_SNOMED: Final = ("73211009", "195967001", "38341003", "44054006", "13645005", "35489007")


@dataclass(frozen=True)
class Cost:
    """Of one process. `mb`: the most memory that it had."""

    cpu: float
    mb: float


def write(kind: ImportKind, folder: Path, rows: int) -> Path:
    """A file of that kind, as systems export them."""
    path = folder / f"{kind}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADINGS[kind].split(","))
        writer.writerows(_ROWS[kind](rows))
    return path


def _patients(rows: int) -> Iterator[tuple[Any, ...]]:
    """Twelve columns, an address in its lines."""
    numbers = nhs_numbers(np.arange(1, rows + 1), rows).tolist()
    for n, number in enumerate(numbers, 1):
        born = date(1940 + n % 70, 1 + n % 12, 1 + n % 28)
        yield (f"E{n}", number, "Ms", f"Given{n}", f"Family{n}", f"{born:%d/%m/%Y}", "F", f"074{n:08}",
               f"p{n}@example.org", "CF10 1AA", f"{n} High Street", "Cardiff")  # fmt: skip


def _appointments(rows: int) -> Iterator[tuple[Any, ...]]:
    day = datetime.now(UTC).date() + timedelta(days=1)
    for n in range(1, rows + 1):
        at = f"{8 + n % _SLOTS // 6:02}:{n % 6 * 10:02}:00"
        yield (f"{{{n:08X}-0000-4000-8000-000000000000}}", f"E{n}", day + timedelta(days=n % 60), at, 15,
               "Booked", "GP surgery", f"Room {n % 20}")  # fmt: skip


def _consents(rows: int) -> Iterator[tuple[Any, ...]]:
    for n in range(1, rows + 1):
        said = ("opted out", "consented")[n % 2]
        yield (f"E{n}", said, "sms", date(2024, 1 + n % 12, 1 + n % 28))


def _groups(rows: int) -> Iterator[tuple[Any, ...]]:
    yield from ((f"E{n}", f"group-{n % 20}", f"Group {n % 20}", "") for n in range(1, rows + 1))


def _clinical(rows: int) -> Iterator[tuple[Any, ...]]:
    for n in range(1, rows + 1):
        began = date(2000 + n % 25, 1 + n % 12, 1 + n % 28)
        yield (f"E{n}", _SNOMED[n % len(_SNOMED)], f"Term {n % 500}", began, "", "active")


_CLINICAL_HEADING: Final = "EMIS Number,SNOMED Code,Term,Start Date,End Date,Status"
_HEADINGS: Final[dict[str, str]] = {
    "patients": "EMIS Number,NHS Number,Title,Given Name,Family Name,Date of Birth,Sex,Mobile Telephone,"
    "E-mail Address,Postcode,Number and Street,Town",
    "appointments": "SlotGuid,EMIS Number,AppointmentDate,AppointmentStartTime,PlannedDurationInMinutes,Status,"
    "SlotType,Place",
    "consents": "EMIS Number,Decision,Channel,Date",
    "groups": "EMIS Number,Group Code,Group Name,Date Removed",
    **dict.fromkeys(("diagnoses", "medications", "allergies"), _CLINICAL_HEADING),
}
_ROWS: Final = {
    "patients": _patients, "appointments": _appointments, "consents": _consents, "groups": _groups,
    **dict.fromkeys(("diagnoses", "medications", "allergies"), _clinical),
}  # fmt: skip
# Where the floor puts the file's cells, a column each; None: left out. The first is a patient's id
_BARE: Final[dict[str, tuple[Any, tuple[str | None, ...]]]] = {
    "patients": (patient, ("local_id", "nhs_number", "title", "given_name", "family_name", "birth_date",
                           "sex", "mobile", "email", "postcode", "address", None)),
    "appointments": (appointment, (None, "patient_id", "starts_at", None, "minutes", "status", "visit_type",
                                   "place")),
    "consents": (consent, ("patient_id", "decision", "channel", "decided_at")),
    "groups": (group_member, ("patient_id", "group_id", None, None)),
    **{name: (table, ("patient_id", "code", "text", began, None, "status"))
       for name, table, began in (("diagnoses", diagnosis, "onset"), ("medications", medication, "started"),
                                  ("allergies", allergy, "onset"))},
}  # fmt: skip


def prepare(kind: ImportKind, url: str, folder: Path, rows: int) -> None:
    """A record, with as many patients where the kind is of patients' own, and a file of that kind."""
    if kind == "patients":
        record = Record.open(url)
        migrate(record)
        record.close()
    else:
        fill(url, rows, folder)
    write(kind, folder, rows)


def run(kind: ImportKind, url: str, folder: Path) -> None:
    """Import the file, as the command and the nightly flow do."""
    record = Record.open(url)
    collect_seldom()
    file = open_file(
        kind, folder / f"{kind}.csv", scheme="emis" if kind == "patients" else "generic"
    )
    result = run_import(
        record, SystemClock(), kind, file, Options(by="bench", source="bench", zone=_ZONE)
    )
    done = sum(result.counts[code] for code in (*_NEW, "unchanged"))
    assert done > 0.9999 * file.row_count, result.counts  # nobody has ten times the same digit
    record.close()


def bare(kind: ImportKind, url: str, folder: Path) -> None:
    """Read the same file with pyarrow, check nothing, and insert its rows into the same table."""
    record = Record.open(url)
    table, names = _BARE[kind]
    at = [place for place, name in enumerate(names) if name is not None]
    with (folder / f"{kind}.csv").open("rb") as file:
        cells = arrow.read_csv(file)
    columns = [_values(str(names[place]), cells.column(place).to_pylist(), kind) for place in at]
    fixed = {"source": "import"} if kind == "consents" else {}
    columns += [[value] * len(cells) for value in fixed.values()]
    with record.write() as connection:
        if kind == "groups":
            made = ((n, f"group-{n - 1}", "bare") for n in range(1, 21))
            insert_rows(connection, patient_group, ("id", "code", "name"), made)
        rows = zip(*columns, strict=True)
        insert_rows(connection, table, [*(str(names[place]) for place in at), *fixed], rows)
    record.close()


def nothing(kind: ImportKind, url: str, folder: Path) -> None:
    """Start, import all that the others need, and end."""


def peak_mb() -> float:
    """The most memory that this process had; `ru_maxrss` would count what it was forked from."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line) / 1024


def _values(name: str, cells: list[Any], kind: ImportKind) -> list[Any]:
    if name == "patient_id":
        return [int(cell[1:]) for cell in cells]
    if name == "group_id":
        return [int(cell[6:]) + 1 for cell in cells]
    if name in ("starts_at", "decided_at"):
        return [datetime(cell.year, cell.month, cell.day, 9, tzinfo=UTC) for cell in cells]
    if name == "birth_date":
        return [datetime.strptime(cell, "%d/%m/%Y").date() for cell in cells]  # noqa: DTZ007  a day
    if name in ("decision", "status"):
        return ["opt_out" if kind == "consents" else str(cell).lower() for cell in cells]
    # Beyond 909,091 patients there are no NHS numbers to try with, so some have none
    return [cell if cell is None or isinstance(cell, date) else str(cell) for cell in cells]


def cost(what: str, kind: ImportKind, url: str, folder: Path) -> Cost:
    """What `run` or `bare` costs in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.imports", "--apart", what, url, str(folder), kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    says = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{what} of {kind} ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, float(says))


def measure(kind: ImportKind, rows: int = ROWS, server: str = "") -> dict[str, Cost]:
    """`start`, which is each one's own; `bare`, `first` and `again`: one process each."""
    costs = {"start": cost("nothing", kind, "sqlite://", Path())}
    for what in ("bare", "first"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with _database(server, folder) as url:
                prepare(kind, url, folder, rows)
                costs[what] = cost("bare" if what == "bare" else "run", kind, url, folder)
                if what == "first":
                    costs["again"] = cost("run", kind, url, folder)
    return costs


@contextlib.contextmanager
def _database(server: str, folder: Path) -> Iterator[str]:
    if server:
        with running_postgres() as url:
            yield url
    else:
        yield f"sqlite:///{folder / 'record.db'}"


def main() -> None:
    """What each kind costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--apart", nargs=3)
    parser.add_argument("kinds", nargs="*", choices=[*MANY, []])
    given = parser.parse_args()
    if given.apart:
        what, url, folder = given.apart
        {"run": run, "bare": bare, "nothing": nothing}[what](given.kinds[0], url, Path(folder))
        print(peak_mb())
        return
    for kind in given.kinds or MANY:
        costs = measure(kind, given.rows, "yes" if given.postgresql else "")
        told = ", ".join(
            f"{what} {each.cpu:.2f} s = {given.rows / each.cpu:,.0f} rows/s, {each.mb:.0f} MB"
            for what, each in costs.items()
        )
        start, bare_, first, again = (each.cpu for each in costs.values())
        ratio, sooner = (first - start) / (bare_ - start), (first - start) / (again - start)
        print(
            f"{kind} {given.rows:,}: {told}; less the start: first/bare {ratio:.2f}, first/again {sooner:.2f}"
        )


if __name__ == "__main__":
    main()
