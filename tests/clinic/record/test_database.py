"""The record keeps what it is told, on both databases, and its errors name nobody."""

from __future__ import annotations

import threading
import traceback
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotSetUp, RecordRefusal, RecordUnsafe, SettingsWrong
from clinic.record.bulk import insert_rows, is_any_of, update_rows
from clinic.record.database import Record, require_durable
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.people import appointment, facility, patient
from clinic.record.version import require_current
from tests.servers.postgres_copies import Copies

SENTINEL = "Gwenllian-4957"


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="record-url"):
        Record.open("mysql://localhost/record")


def test_a_server_that_may_lose_what_it_confirmed_is_refused(postgres_url: str) -> None:
    """The tests' own server runs without fsync: production must not."""
    record = Record.open(postgres_url)
    with pytest.raises(RecordUnsafe, match="record-not-durable"):
        require_durable(record)
    record.close()


@pytest.mark.parametrize(
    ("setting", "value"), [("jit", "off"), ("client_connection_check_interval", "3s")]
)
def test_every_connection_tells_postgresql_how_to_treat_it(
    postgres_url: str, setting: str, value: str
) -> None:
    """Also one that is given out again after a transaction that failed."""
    record = Record.open(postgres_url)
    for _ in range(2):
        with record.read() as connection:
            assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == value
        with pytest.raises(sa.exc.DBAPIError), record.write() as connection:
            connection.exec_driver_sql("SELECT 1 / 0")
    record.close()


def test_sqlite_is_always_durable(sqlite_record: Record) -> None:
    require_durable(sqlite_record)
    with sqlite_record.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_record_of_another_version_is_refused(record: Record) -> None:
    require_current(record)
    with record.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(RecordUnsafe):
        require_current(record)


def test_a_record_that_was_never_made_is_refused(tmp_path: Path) -> None:
    record = Record.open(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(NotSetUp):
        require_current(record)
    record.close()


def test_what_fails_is_undone_whole(record: Record) -> None:
    class Stopped(Exception):
        pass

    def half(connection: sa.Connection) -> None:
        connection.execute(sa.insert(facility).values(code="F1", name="x"))
        raise Stopped

    with pytest.raises(Stopped), record.write() as connection:
        half(connection)
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(facility)) == 0


def test_threads_of_one_process_write_one_after_the_other(record: Record) -> None:
    """No writer is turned away because another one is at it."""
    with record.write() as connection:
        connection.execute(sa.insert(facility).values(id=1, code="F1", name="0"))

    def add() -> None:
        for _ in range(10):
            with record.write() as connection:
                row = connection.execute(sa.select(facility.c.name).with_for_update()).one()
                connection.execute(sa.update(facility).values(name=str(int(row.name) + 1)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with record.read() as connection:
        assert connection.scalar(sa.select(facility.c.name)) == "40"


def test_an_instant_without_a_time_zone_is_refused_rather_than_guessed_at(record: Record) -> None:
    statement = sa.insert(appointment).values(
        patient_id=1,
        starts_at=datetime(2026, 3, 2, 10, 0),  # noqa: DTZ001  that is the point
    )
    with pytest.raises(sa.exc.StatementError, match="time zone"), record.write() as connection:
        connection.execute(statement)


# --- whose names are in errors ---------------------------------------------------------------------


def test_a_failed_statement_does_not_repeat_its_values(record: Record) -> None:
    """hide_parameters: else a name would go wherever the error goes."""
    statement = sa.insert(patient).values(id=1, given_name=SENTINEL, nhs_number=None)
    with record.write() as connection:
        connection.execute(statement)
    with pytest.raises(sa.exc.IntegrityError) as refusal, record.write() as connection:
        connection.execute(statement)
    assert SENTINEL not in str(refusal.value)


def test_a_failed_batch_of_rows_says_which_table_and_no_more(record: Record) -> None:
    """The drivers quote the row; what is raised does not, nor does anything it hangs on to."""
    rows = [(1, "9990000018", SENTINEL)] * 2
    with pytest.raises(RecordRefusal) as refusal, record.write() as connection:
        insert_rows(connection, patient, ("id", "nhs_number", "given_name"), rows)
    error: BaseException | None = refusal.value
    assert "table patient refused a row" in str(error)
    while error is not None:
        assert SENTINEL not in f"{error} {error.args}"
        error = error.__cause__ or error.__context__


def test_a_value_that_the_driver_cannot_hold_is_not_repeated(postgres_copies: Copies) -> None:
    """NEW-35: psycopg quotes what it could not read, and has no code of the server's."""
    year = "12345-06-07"
    with postgres_copies.empty() as url:
        record = Record.open(url)
        with pytest.raises(sa.exc.DataError) as refusal, record.read() as connection:
            connection.execute(sa.text("SELECT CAST(:year AS date)"), {"year": year}).all()
        record.close()
    assert "DataError" in str(refusal.value)
    assert year not in f"{refusal.value} {refusal.value.orig!r}"


# --- many rows at once -----------------------------------------------------------------------------


def test_rows_are_changed_by_their_keys_and_only_if_told(record: Record) -> None:
    with record.write() as connection:
        insert_rows(
            connection, facility, ("id", "code", "name"), [(n, f"F{n}", "old") for n in range(1, 5)]
        )
        changed = update_rows(
            connection, facility, ("id", "name"), [(1, "new"), (2, "new"), (9, "new")],
            only_if="code <> 'F2'",
        )  # fmt: skip
        names = connection.scalars(sa.select(facility.c.name).order_by(facility.c.id)).all()
        assert update_rows(connection, facility, ("id", "name"), []) == 0
    assert (changed, names) == (1, ["new", "old", "old", "old"])


@pytest.mark.parametrize("count", [0, 1, 3, 5000])
def test_a_set_of_keys_of_any_size_is_one_parameter(record: Record, count: int) -> None:
    with record.write() as connection:
        insert_rows(
            connection, facility, ("id", "code", "name"), [(n, f"F{n}", "x") for n in range(1, 4)]
        )
        ids = connection.scalars(
            sa.select(facility.c.id).where(is_any_of(facility.c.id, range(1, count + 1)))
        ).all()
        codes = connection.scalars(
            sa.select(facility.c.code).where(is_any_of(facility.c.code, ["F1", "it's", '"']))
        ).all()
    assert sorted(ids) == list(range(1, min(count, 3) + 1))
    assert codes == ["F1"]


def test_an_emptied_database_can_be_filled_anew(record: Record) -> None:
    """`cohort demo --fresh`: no table is left, and the migrations run again."""
    drop_everything(record)
    with record.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    migrate(record)
    require_current(record)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"id": 1, "nhs_number": "9000000002"},
        {"id": 2, "nhs_number": SENTINEL[-10:]},
        {"id": 3, "nhs_number": "9000000003", "given_name": None},
        {"id": 4, "nhs_number": "9000000004", "facility_id": 99},
        {"id": 5, "nhs_number": "9000000005", "preferred_channel": SENTINEL * 9},
    ],
)
def test_whatever_the_database_refuses_its_error_quotes_no_value(
    record: Record, spoiled: dict[str, object]
) -> None:
    """PostgreSQL would say "DETAIL: Key (nhs_number)=(…)" of a plain statement too."""
    first = {"id": 1, "nhs_number": SENTINEL[-10:], "given_name": SENTINEL}
    with record.write() as connection:
        connection.execute(sa.insert(patient).values(first))
    told = ""
    try:
        with record.write() as connection:
            connection.execute(sa.insert(patient).values({"given_name": SENTINEL, **spoiled}))
    except sa.exc.DBAPIError as error:
        told = "".join(traceback.format_exception(error))
    assert SENTINEL[-10:] not in told
    assert "sqlalchemy.exc" in told or record.dialect == "sqlite"  # which checks no lengths
