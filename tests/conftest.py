"""Fixtures that every suite shares: a record on each database, a clock that stands still."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.fakes import FakeClock
from tests.postgres import quick_folder, running_postgres

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Each test's own folder in memory, where there is plenty: a fifth of the time went to the disk."""
    if folder := quick_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_collection_finish() -> None:
    """What was imported stays, and is not looked through for garbage after every few tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as tasks/wiring.py has it


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server with a migrated database called `cohort_template`."""
    with running_postgres() as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE cohort_template")
        record = Record.open(url.rsplit("/", 1)[0] + "/cohort_template")
        migrate(record)
        record.close()
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "record.db"
    record = Record.open(f"sqlite:///{path}")
    migrate(record)
    record.close()
    return path


def _sqlite_url(template: Path, folder: Path) -> str:
    path = folder / "record.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextlib.contextmanager
def _postgres_database(url: str) -> Iterator[str]:
    """A copy of the template as long as the block: file by file, which costs a fortieth of the WAL's way."""
    name = f"cohort_{next(_numbers)}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        # Before 15 there was no other way, and no word for it
        newer = connection.dialect.server_version_info or (0,)
        strategy = "STRATEGY FILE_COPY" if newer >= (15,) else ""
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE cohort_template {strategy}")
    yield url.rsplit("/", 1)[0] + f"/{name}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def record_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated record: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield _sqlite_url(request.getfixturevalue("migrated_sqlite"), tmp_path)
        return
    with _postgres_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def record(record_url: str) -> Iterator[Record]:
    """An empty, migrated record on either database."""
    record = Record.open(record_url)
    yield record
    record.close()


@pytest.fixture
def sqlite_record_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of an empty, migrated record on SQLite."""
    return _sqlite_url(migrated_sqlite, tmp_path)


@pytest.fixture
def sqlite_record(sqlite_record_url: str) -> Iterator[Record]:
    """An empty, migrated record on SQLite, for what does not depend on the database."""
    record = Record.open(sqlite_record_url)
    yield record
    record.close()


@pytest.fixture
def clock() -> FakeClock:
    """Monday 2 March 2026, 10:00 UTC, and it stays so."""
    return FakeClock()
