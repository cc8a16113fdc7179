"""Tables that were just filled are counted, so that PostgreSQL does not read them as if they were empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.cohort.filters import PatientFilter
from clinic.practice.synthetic import Practice as Synthetic
from clinic.practice.synthetic import fill_practice
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.record.statistics import MANY, count_filled, count_grown
from clinic.settings import Operations, Settings, Visits
from tests.clinic.change.practice import asked, asked_for, done, patients, places, staff
from tests.fakes import FakeClock
from tests.main_job import Practice
from tests.selections import select_by_filter
from tests.servers.postgres_copies import Copies

COUNT = 1_050
SETTINGS = Settings(
    operations=Operations(chunk_size=500),
    visits=Visits(opening={"*": {"mon": ("08:00-18:00",)}}, per_day=30),
)
VISIT = {"type": "review", "from": "2026-03-09", "to": "2026-12-31", "minutes": 20}


@pytest.fixture
def postgres(postgres_copies: Copies) -> Iterator[Record]:
    with postgres_copies.empty() as url:
        record = Record.open(url)
        # What another test filled and left empty still has its pages
        with record.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("VACUUM FULL patient")
        yield record
        record.close()


def forget(record: Record) -> None:
    """Every table is believed to be empty, as after a count of one from which all was deleted."""
    with record.write() as connection:
        connection.exec_driver_sql(
            "UPDATE pg_class SET relpages = 1, reltuples = 0 "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )


def expected(record: Record, table: str, where: str = "true") -> int:
    """How many rows the planner expects."""
    with record.read() as connection:
        query = sa.select(sa.text("*")).select_from(sa.text(table)).where(sa.text(where))
        told = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query}").scalar_one()
    return int(told[0]["Plan"]["Plan Rows"])


def believed_right(record: Record, table: str, where: str = "true") -> bool:
    """Whether it expects about COUNT."""
    return COUNT / 2 < expected(record, table, where) < 2 * COUNT


def somebody(record: Record) -> None:
    staff(record)
    places(record)
    patients(record, COUNT)
    forget(record)


def test_without_a_count_a_full_table_is_believed_to_be_empty(postgres: Record) -> None:
    """What the other tests rest on: these beliefs are wrong until a table is counted."""
    staff(postgres)
    places(postgres)
    forget(postgres)
    rows = [(n, f"L{n}", "Given", f"Family{n}") for n in range(1, COUNT + 1)]
    with postgres.write() as connection:
        insert_rows(
            connection, patient, ("id", "local_id", "given_name", "family_name"), iter(rows)
        )
    assert expected(postgres, "patient") == 1


@pytest.mark.parametrize("way", ["filter", "ids"])
def test_a_selection_is_counted_and_its_plan_too(
    postgres: Record, clock: FakeClock, way: str
) -> None:
    somebody(postgres)
    if way == "ids":
        number = asked(postgres, clock, "status", {"to": "on_hold"}, range(1, COUNT + 1))
    else:
        wanted = PatientFilter(status="active")
        taken = select_by_filter(postgres, clock, SETTINGS, wanted, taken_by="ann")
        number = asked_for(postgres, clock, "status", {"to": "on_hold"}, taken.id)
    assert believed_right(postgres, "selection_row", "selection_id = 1")
    forget(postgres)
    done(postgres, clock, number, settings=SETTINGS)
    assert believed_right(postgres, "operation_item", f"operation_id = {number}")


def test_a_later_operation_is_expected_beside_those_that_were_counted(
    postgres: Record, clock: FakeClock
) -> None:
    """Its number is one that no earlier count has seen."""
    somebody(postgres)
    for turn, status in enumerate(("on_hold", "active"), start=1):
        number = asked(
            postgres, clock, "status", {"to": status}, range(1, COUNT + 1), key=f"turn-{turn}"
        )
        assert believed_right(postgres, "selection_row", f"selection_id = {turn}")
        done(postgres, clock, number, settings=SETTINGS)
        assert believed_right(postgres, "operation_item", f"operation_id = {number}")


def test_visits_are_counted_when_proposed_and_as_they_are_booked(
    postgres: Record, clock: FakeClock
) -> None:
    somebody(postgres)
    number = asked(postgres, clock, "visit", VISIT, range(1, COUNT + 1), settings=SETTINGS)
    forget(postgres)
    done(postgres, clock, number, settings=SETTINGS)
    assert believed_right(postgres, "visit_plan", f"operation_id = {number}")
    assert believed_right(postgres, "appointment")


def test_tags_are_counted_as_they_are_added(postgres: Record, clock: FakeClock) -> None:
    somebody(postgres)
    number = asked(postgres, clock, "tag", {"add": ["a"]}, range(1, COUNT + 1), settings=SETTINGS)
    forget(postgres)
    done(postgres, clock, number, settings=SETTINGS)
    assert believed_right(postgres, "patient_tag")


def test_a_campaigns_list_and_recipients_and_messages_are_counted(
    postgres: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(postgres, clock, tmp_path)
    names = ("id", "local_id", "given_name", "family_name", "email", "status")
    rows = (
        (n, f"L{n}", "Given", f"Family{n}", f"p{n}@example.org", "active") for n in range(COUNT)
    )
    with postgres.write() as connection:
        insert_rows(connection, patient, names, rows)
    forget(postgres)
    number = practice.begin({"status": "active"}, channel="email")
    assert believed_right(postgres, "list_row", "list_id = 1")
    practice.check(number)
    assert believed_right(postgres, "recipient", f"campaign_id = {number}")
    practice.stage(number)
    assert believed_right(postgres, "message", f"campaign_id = {number}")


def test_a_synthetic_practice_is_counted(postgres: Record, clock: FakeClock) -> None:
    forget(postgres)
    fill_practice(postgres, Synthetic(patients=COUNT), clock=clock)
    assert believed_right(postgres, "patient")
    assert expected(postgres, "appointment") > COUNT / 10


def counted_at(connection: sa.Connection) -> float:
    found = connection.exec_driver_sql("SELECT reltuples FROM pg_class WHERE relname = 'patient'")
    return float(found.scalar_one())


@pytest.mark.parametrize(("rows", "counts"), [(MANY - 1, False), (MANY, True)])
def test_few_rows_are_not_worth_a_count(postgres: Record, rows: int, counts: bool) -> None:
    places(postgres)
    patients(postgres, 50)
    with postgres.write() as connection:
        connection.exec_driver_sql("UPDATE pg_class SET reltuples = 7 WHERE relname = 'patient'")
        count_filled(connection, rows, patient)
        assert (counted_at(connection) == 50) is counts


def test_what_has_hardly_grown_is_not_counted_again(postgres: Record) -> None:
    places(postgres)
    patients(postgres, COUNT)
    with postgres.write() as connection:
        connection.exec_driver_sql("ANALYZE patient")
        connection.exec_driver_sql("UPDATE pg_class SET reltuples = 7 WHERE relname = 'patient'")
    patients(postgres, COUNT // 4, first=COUNT + 1)
    with postgres.write() as connection:
        count_grown(connection, patient)
        assert counted_at(connection) == 7
    patients(postgres, 2 * COUNT, first=2 * COUNT)
    with postgres.write() as connection:
        count_grown(connection, patient)
        assert counted_at(connection) == 3 * COUNT + COUNT // 4


def test_nobody_waits_for_a_count_of_somebody_else(postgres: Record) -> None:
    """Two transactions that fill one table go on side by side."""
    with postgres.write() as one, postgres.write() as other:
        other.exec_driver_sql("SET LOCAL lock_timeout = '20s'")  # or it would never end
        count_filled(one, MANY, patient)
        count_filled(other, MANY, patient)


def test_sqlite_is_not_asked_to_count(sqlite_record: Record) -> None:
    with sqlite_record.write() as connection:
        count_filled(connection, MANY, patient)
        count_grown(connection, patient)
