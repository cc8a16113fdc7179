"""The record is opened with the SQLite that Python links where that is good, else with the one brought."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from clinic.errors import RecordRefusal
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema.people import facility
from clinic.record.sqlite import choose, library, wal_is_safe

BROUGHT = ModuleType("brought")


@pytest.mark.parametrize(
    ("version", "safe", "why"),
    [
        ((3, 40, 1), False, "before any fix"),
        ((3, 44, 5), False, "3.44.6 fixes its line"),
        ((3, 44, 6), True, "fixed"),
        ((3, 45, 0), False, "a line that was never fixed"),
        ((3, 50, 6), False, "3.50.7 fixes its line"),
        ((3, 50, 7), True, "fixed"),
        ((3, 51, 2), False, "3.51.3 fixes it"),
        ((3, 51, 3), True, "fixed"),
        ((3, 53, 0), True, "later than all"),
    ],
)
def test_wal_is_used_only_where_the_library_keeps_every_committed_write(
    version: tuple[int, int, int], safe: bool, why: str
) -> None:
    assert wal_is_safe(version) is safe, why
    linked = cast(Any, SimpleNamespace(sqlite_version_info=version, threadsafety=3))
    assert choose(linked, lambda: BROUGHT) is (linked if safe else BROUGHT)


@pytest.mark.parametrize("threads", [0, 1])
def test_a_linked_library_that_threads_may_not_share_is_not_used(threads: int) -> None:
    linked = cast(Any, SimpleNamespace(sqlite_version_info=(3, 53, 0), threadsafety=threads))
    assert choose(linked, lambda: BROUGHT) is BROUGHT


def test_a_good_library_loads_no_other() -> None:
    def brought() -> ModuleType:
        raise AssertionError("loaded for nothing")

    linked = cast(Any, SimpleNamespace(sqlite_version_info=(3, 53, 0), threadsafety=3))
    assert choose(linked, brought) is linked


def test_where_no_other_can_be_had_the_linked_one_is_used() -> None:
    """With a rollback journal, as `test_a_record_works_with_either` shows of the one that is linked here."""

    def brought() -> ModuleType:
        raise ModuleNotFoundError("pysqlite3")

    linked = cast(Any, SimpleNamespace(sqlite_version_info=(3, 46, 1), threadsafety=3))
    assert choose(linked, brought) is linked


def test_this_process_has_one_that_is_good() -> None:
    assert wal_is_safe(library().sqlite_version_info)
    assert library() is library()


@pytest.mark.parametrize("name", ["sqlite3", "pysqlite3"])
def test_a_record_works_with_either(tmp_path: Path, name: str) -> None:
    """Whatever version is linked here: an affected one has a rollback journal instead of WAL."""
    driver = importlib.import_module(name)
    record = Record.open(f"sqlite:///{tmp_path / 'record.db'}", sqlite=driver)
    migrate(record)
    with record.write() as connection:
        rows = [(number, f"F{number}", "Hill") for number in range(1, 4)]
        insert_rows(connection, facility, ("id", "code", "name"), rows)
    with pytest.raises(RecordRefusal), record.write() as connection:
        insert_rows(connection, facility, ("id", "code", "name"), [(4, "F4", "x"), (1, "F1", "x")])
    with record.read() as connection:
        some = is_any_of(facility.c.id, [1, 3, 4])
        assert connection.scalars(sa.select(facility.c.code).where(some)).all() == ["F1", "F3"]
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        linked = connection.exec_driver_sql("SELECT sqlite_version()").scalar()
    record.close()
    assert linked == driver.sqlite_version
    assert journal == ("wal" if wal_is_safe(driver.sqlite_version_info) else "delete")


def test_what_one_library_wrote_the_other_reads(tmp_path: Path) -> None:
    """After an upgrade of Python a record may be opened with the other one."""
    url = f"sqlite:///{tmp_path / 'record.db'}"
    for driver, code in ((importlib.import_module("pysqlite3"), "A"), (sqlite3, "B")):
        record = Record.open(url, sqlite=driver)
        migrate(record)
        with record.write() as connection:
            connection.execute(sa.insert(facility).values(code=code, name="Hill"))
        record.close()
    record = Record.open(url)
    with record.read() as connection:
        codes = connection.scalars(sa.select(facility.c.code).order_by(facility.c.code)).all()
    record.close()
    assert codes == ["A", "B"]
