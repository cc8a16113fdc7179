"""People for the benchmarks: everybody alive, reachable, and on the list."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np

from clinic.clock import SystemClock
from clinic.message.template.catalogue import NewTemplate, add_template, seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.practice.people import nhs_numbers
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema.people import appointment, patient

HEADINGS = (
    "EMIS Number", "NHS Number", "Given Name", "Family Name", "Date of Birth", "Mobile Telephone",
    "E-mail Address", "Usual GP's Full Name",
)  # fmt: skip
# As long as a reminder is: what letters cost is no matter of the flow
LONG = (
    "Dear {{ patient.given_name }}, your flu jab is due. We have clinics on all weekdays from 8 to 6. "
    "To book one, please call {{ organisation.name }}."
)
BODY = "Dear {{ patient.given_name }}, your flu jab is due. Call {{ organisation.name }}."


def fill(url: str, people: int, folder: Path) -> Path:
    """Put `people` patients and a template into a new record, and write the list of all of them."""
    record, clock = Record.open(url), SystemClock()
    migrate(record)
    add_template(record, clock, NewTemplate("bench", "Bench", "notice", BODY), by="bench")
    columns = ("id", "nhs_number", "local_id", "given_name", "family_name", "birth_date", "mobile")
    with record.write() as connection:
        insert_rows(connection, patient, columns, _people(people))
    record.close()
    return write_list(folder / f"list-{people}.csv", people)


def book(url: str, people: int) -> None:
    """Book an appointment for each of them in the next two days, and take the vendor's templates in."""
    record, clock = Record.open(url), SystemClock()
    seed_catalogue(record, clock, TEMPLATES)
    add_template(record, clock, NewTemplate("bench-long", "Bench", "notice", LONG), by="bench")
    # Tomorrow's and the day after's: none begins while the benchmark runs. In the order of patients, as
    # the main job's list is: scattered rows cost either of them more
    first = datetime.combine(clock.now().date() + timedelta(days=1), time(8), UTC)
    times = [first + timedelta(days=n // 40, minutes=15 * (n % 40)) for n in range(80)]
    rows = ((n, n, times[(n - 1) * 80 // people], f"Room {n % 20}") for n in range(1, people + 1))
    with record.write() as connection:
        insert_rows(connection, appointment, ("id", "patient_id", "starts_at", "place"), rows)
    record.close()


def write_list(path: Path, people: int) -> Path:
    """An EMIS list of all of them."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for n, nhs, local, given, family, born, mobile in _people(people):
            email, doctor = f"p{n}@example.org", "TOOSY, Raza (Dr)"
            writer.writerow((local, nhs, given, family, f"{born:%d/%m/%Y}", mobile, email, doctor))
    return path


def _people(count: int) -> Iterator[tuple[int, str, str, str, str, date, str]]:
    """Each with a mobile of their own: nothing here leaves the machine."""
    ids = np.arange(1, count + 1)
    for n, nhs in zip(ids.tolist(), nhs_numbers(ids, count).tolist(), strict=True):
        born = date(1940 + n % 70, 1 + n % 12, 1 + n % 28)
        yield n, nhs, f"E{n}", "Given", f"Family{n}", born, f"074{n:08}"
