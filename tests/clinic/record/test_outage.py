"""A database that is away, full or not to be written is told in a sentence, by code."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from clinic.errors import RecordUnsafe
from clinic.record.database import Record
from clinic.record.outage import PASSING, outage
from clinic.record.schema.people import facility
from tests.servers.postgres import running_server


def fail(record: Record, *statements: str, then: Callable[[], None] = lambda: None) -> None:
    """Do what cannot be done, after these statements."""
    with record.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        then()
        connection.execute(sa.insert(facility).values(code="F1" * 400_000, name="x"))


def told(record: Record, *statements: str) -> RecordUnsafe | None:
    """What becomes of the error."""
    with pytest.raises(sa.exc.DBAPIError) as caught:
        fail(record, *statements)
    return outage(caught.value)


def test_a_full_disk_is_named(sqlite_record: Record) -> None:
    found = told(sqlite_record, "PRAGMA max_page_count = 1")
    assert found is not None
    assert (found.code, found.exit_code) == ("disk-full", 5)
    assert "make room" in found.says
    assert str(sqlite_record.engine.url.database) in found.says  # which disk


def test_a_file_that_finds_no_room_is_named() -> None:
    found = outage(OSError(errno.ENOSPC, "said by the system", "/srv/exports/all.csv"))
    assert found is not None
    assert "/srv/exports/all.csv" in found.says


def test_a_record_that_may_not_be_written_is_named(sqlite_record: Record) -> None:
    found = told(sqlite_record, "PRAGMA query_only = 1")
    assert found is not None
    assert found.code == "record-read-only"


def test_a_fault_in_the_data_is_no_outage(record: Record) -> None:
    def without_code() -> None:
        with record.write() as connection:
            connection.execute(sa.insert(facility).values(code=None, name="x"))

    with pytest.raises(sa.exc.DBAPIError) as caught:
        without_code()
    assert outage(caught.value) is None
    assert outage(ValueError("database or disk is full")) is None


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk-full"), (errno.EDQUOT, "disk-full"), (errno.EROFS, "record-read-only"),
     (errno.ENOENT, None)],
)  # fmt: skip
def test_errors_of_files_are_told_by_their_number(number: int, code: str | None) -> None:
    """Also where another error was raised from it."""
    wrapped = RuntimeError("within")
    wrapped.__cause__ = OSError(number, "said by the system")
    found = outage(wrapped)
    assert (found.code if found else None) == code


def test_a_server_that_stops_under_us_and_one_that_is_not_there() -> None:
    with running_server() as server:
        record = Record.open(server.url)
        with pytest.raises(sa.exc.DBAPIError) as cut:
            fail(record, "SELECT 1", then=lambda: server.control("stop"))
        with pytest.raises(sa.exc.DBAPIError) as refused:
            fail(record)
        record.close()
        server.control("start")
    for caught in (cut, refused):
        found = outage(caught.value)
        assert found is not None
        assert found.code == "record-away"
        assert found.code in PASSING


def test_a_server_without_a_connection_left_and_one_that_refuses_us() -> None:
    """What it says has no state there: it is told by its words, and a wrong name is no outage of the server."""
    with running_server() as server:
        few = Record.open(server.url)
        with few.write() as connection:
            connection.exec_driver_sql("CREATE ROLE clerk LOGIN CONNECTION LIMIT 1")
        clerk = Record.open(server.url.replace("postgres@", "clerk@"))
        strange = Record.open(server.url.replace("postgres@", "nobody_here@"))
        with clerk.read() as connection:
            connection.exec_driver_sql("SELECT 1")
            second = Record.open(server.url.replace("postgres@", "clerk@"))
            with pytest.raises(sa.exc.DBAPIError) as crowded:
                fail(second)
        with pytest.raises(sa.exc.DBAPIError) as refused:
            fail(strange)
        for one in (few, clerk, strange, second):
            one.close()
    busy, wrong = outage(crowded.value), outage(refused.value)
    assert busy is not None
    assert wrong is not None
    assert (busy.code, wrong.code) == ("record-busy", "record-refused")
    assert "nobody_here" not in wrong.says
