"""NEW-15, ACX-18: a source's own headings, words, dates and lengths are settings, and read as ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import ListRefused
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import appointment
from clinic.settings import SourceFormat
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

OWN: dict[str, Any] = {
    "columns": {"appointments": {"status": "State of slot", "date": "When", "minutes": "How long"}},
    "statuses": {"Bestätigt": "booked", "weg": "cancelled"},
    "date_format": "%m.%d.%Y %H:%M",
    "time_zone": "Europe/Berlin",
    "length_unit": "seconds",
}


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, how: SourceFormat, *rows: str, heading: str) -> Imported:
    path = practice.file(*rows, heading=heading, name="own.csv")
    file = open_file("appointments", path, how)
    options = Options(by="nia", how=how)
    return run_import(practice.record, practice.clock, "appointments", file, options)


def test_a_practice_s_own_headings_words_dates_zone_and_unit_are_read(practice: Practice) -> None:
    """Month before day, which the words of no column prove: 03.04.2026 is in March."""
    rows = (f"{nhs(1)},03.04.2026 10:30,BESTÄTIGT,1200", f"{nhs(2)},2026-03-04 10:30,weg,")
    heading = "NHS Number,When,State of slot,How long"
    result = run(practice, SourceFormat.model_validate(OWN), *rows, heading=heading)
    assert result.counts == {"added": 1, "not_here": 1}
    with practice.record.read() as connection:
        found = connection.execute(
            sa.select(appointment.c.starts_at, appointment.c.minutes, appointment.c.status)
        ).one()
    assert tuple(found) == (datetime(2026, 3, 4, 9, 30, tzinfo=UTC), 20, "booked")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"status": "Not in the file"}, "import-column-missing"),
        ({"stauts": "Status"}, "import-column-unknown"),
    ],
)
def test_a_column_of_the_settings_that_is_not_there_is_said(
    practice: Practice, columns: dict[str, str], code: str
) -> None:
    how = SourceFormat(columns={"appointments": columns})
    with pytest.raises(ListRefused) as refused:
        run(practice, how, f"{nhs(1)},2026-03-04 10:30,booked", heading="NHS Number,Date,Status")
    assert refused.value.code == code


@pytest.mark.parametrize(
    "masked", ["1900-01-01", "9999-12-31 00:00:00", "0000-00-00", "01/01/1900"]
)
def test_a_day_that_stands_for_not_known_is_none(practice: Practice, masked: str) -> None:
    """Trap 5 of exports."""
    rows = (f"{nhs(1)},{masked},booked", f"{nhs(2)},2026-03-04 10:30,booked")
    result = run(practice, SourceFormat(), *rows, heading="NHS Number,Date,Status")
    assert result.counts == {"start_invalid": 1, "added": 1}
