"""What is clinically known of made-up people: codes that can be, nothing before birth."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.practice.clinical import SNOMED
from clinic.practice.people import Practice
from clinic.practice.synthetic import fill_practice
from clinic.record.database import Record
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.people import patient
from clinic.values.snomed import check_snomed_codes
from tests.fakes import FakeClock

PRACTICE = Practice(patients=500)
STARTS = {diagnosis: "onset", medication: "started", allergy: "onset"}


def test_every_table_has_rows_with_codes_that_can_be(record: Record, clock: FakeClock) -> None:
    """ALC-25: and nobody had anything before they were born, or after today."""
    fill_practice(record, PRACTICE, clock=clock)
    for table, started in STARTS.items():
        with record.read() as connection:
            rows = connection.execute(
                sa.select(
                    table.c.code, table.c.system, table.c[started], patient.c.birth_date
                ).join(patient, patient.c.id == table.c.patient_id)
            ).all()
        assert len(rows) > 20
        check_snomed_codes(sorted({row.code for row in rows}))
        assert {row.system for row in rows} == {SNOMED}
        assert all(row.birth_date <= begun <= PRACTICE.today for row in rows if (begun := row[2]))


def test_some_of_it_is_over_and_most_is_not(sqlite_record: Record, clock: FakeClock) -> None:
    fill_practice(sqlite_record, PRACTICE, clock=clock)
    with sqlite_record.read() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(diagnosis))
        ended = connection.scalar(sa.select(sa.func.count(diagnosis.c.ended)))
    assert (count or 0) / 2 > (ended or 0) > 0
