"""Issue 16: rows that came before change nothing, until anything that they rest on is otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import appointment, appointment_source, patient, provider
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "Slot Guid,NHS Number,Appointment Date,Appointment Time,Slot Status,Provider"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(4)
    return made


def run(practice: Practice, *rows: str, heading: str = HEADING, **more: Any) -> Imported:
    path = practice.file(*rows, heading=heading, name="slots.csv")
    options = Options(**({"by": "nia", "source": "emis"} | more))
    file = open_file("appointments", path)
    return run_import(practice.record, practice.clock, "appointments", file, options)


def slot(
    key: str, n: int, at: str = "2026-03-03,09:30", status: str = "Booked", who: str = ""
) -> str:
    return f"{key},{nhs(n)},{at},{status},{who}"


def state(practice: Practice, n: int) -> str:
    query = sa.select(appointment.c.status).where(appointment.c.patient_id == n)
    with practice.record.read() as connection:
        return str(connection.scalars(query).one())


def digests(practice: Practice) -> list[int | None]:
    with practice.record.read() as connection:
        return list(connection.scalars(sa.select(appointment_source.c.digest)))


def test_the_same_rows_in_another_order_and_in_another_file_change_nothing(
    practice: Practice,
) -> None:
    assert run(practice, slot("a", 1), slot("b", 2)).counts == {"added": 2}
    assert None not in digests(practice)
    assert run(practice, slot("b", 2), slot("a", 1), slot("c", 3)).counts == {
        "unchanged": 2, "added": 1
    }  # fmt: skip


def test_what_was_changed_here_since_is_as_the_source_says_again(practice: Practice) -> None:
    run(practice, slot("a", 1), slot("b", 2))
    with practice.record.write() as connection:
        connection.execute(
            sa.update(appointment)
            .where(appointment.c.patient_id == 1)
            .values(status="cancelled", version=appointment.c.version + 1)
        )
    assert run(practice, slot("a", 1), slot("b", 2)).counts == {"changed": 1, "unchanged": 1}
    assert state(practice, 1) == "booked"
    assert run(practice, slot("a", 1), slot("b", 2)).counts == {"unchanged": 2}


def test_an_id_that_is_another_patient_s_by_now_is_seen(practice: Practice) -> None:
    """The number was corrected on the record: the row is somebody else's."""
    run(practice, slot("a", 1))
    with practice.record.write() as connection:
        for n, number in ((1, nhs(9)), (2, nhs(1))):
            connection.execute(
                sa.update(patient)
                .where(patient.c.id == n)
                .values(nhs_number=number, version=patient.c.version + 1)
            )
    result = run(practice, slot("a", 1))
    assert (result.counts, result.also["given_to_another"]) == ({"added": 1}, 1)
    assert (state(practice, 1), state(practice, 2)) == ("cancelled", "booked")


def test_a_row_with_a_remark_is_remarked_upon_each_time(practice: Practice) -> None:
    rows = (slot("a", 1, "2026-10-25,01:30"), slot("b", 2, who="Dr Nobody"))
    for outcome in ("added", "unchanged"):
        result = run(practice, *rows)
        assert result.counts == {outcome: 2}
        assert (result.also["hour_repeated"], result.also["provider_unknown"]) == (1, 1)
    with practice.record.write() as connection:
        connection.execute(sa.insert(provider).values(code="N", name="Dr Nobody"))
    assert run(practice, *rows).counts == {"unchanged": 1, "changed": 1}


def test_another_time_zone_reads_them_again(practice: Practice) -> None:
    run(practice, slot("a", 1))
    assert run(practice, slot("a", 1), zone="America/New_York").counts == {"moved": 1}


def test_an_unreadable_row_is_not_taken_for_the_one_that_it_was(practice: Practice) -> None:
    run(practice, slot("a", 1))
    assert run(practice, slot("a", 1) + ",surplus").counts == {"unreadable_row": 1}


def test_rows_without_ids_are_one_appointment_by_patient_and_time(practice: Practice) -> None:
    """Two states of one appointment are neither taken, also where the source has no ids."""
    heading = "NHS Number,Appointment Date,Appointment Time,Status"
    at = "2026-03-03,09:30"
    rows = (f"{nhs(1)},{at},Booked", f"{nhs(1)},{at},Cancelled", f"{nhs(2)},{at},Booked",
            f"{nhs(2)},03/03/2026,9.30,Booked", f"{nhs(3)},13/03/2026,10:00,Booked")  # fmt: skip
    result = run(practice, *rows, heading=heading)
    assert result.counts == {"contradicts": 2, "added": 2, "repeated": 1}
    assert run(practice, rows[2], rows[4], heading=heading).counts == {"unchanged": 2}


def test_ids_that_come_again_with_other_cells_and_the_same_meaning_are_repeated(
    practice: Practice,
) -> None:
    again = slot("a", 1, "03/03/2026,9:30", "confirmed")
    rows = (slot("a", 1), again, slot("b", 2, "13/03/2026,10:00"))
    assert run(practice, *rows).counts == {"added": 2, "repeated": 1}
