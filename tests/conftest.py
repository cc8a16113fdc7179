"""Fixtures that every suite shares: a record on each database, a clock that stands still."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.fakes import FakeClock
from tests.ran_before import leave_out_noted, note_tests
from tests.servers.postgres import quick_folder, running_postgres
from tests.servers.postgres_copies import Copies

# How long an example takes depends on what else the machine does: no test is timed
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """
    Each test's own folder in memory, where there is plenty: a fifth of the time went to the disk.

    Installations of tests have no gateway unless they set one: their messages are kept in the outbox.
    """
    os.environ.setdefault("COHORT_OUTBOX", "true")
    # A suite started in the background ignores Ctrl-C, and so would every program that its tests interrupt
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Beside their homes, processes note what they send here
    os.environ["XDG_STATE_HOME"] = os.path.join(
        tempfile.gettempdir(), f"cohort-tests-{os.getuid()}"
    )
    if folder := quick_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    A test with many sets of values runs on SQLite with each; on PostgreSQL with the first and the last.

    With the others it is slow: `make databases` runs them all.
    """
    sets: dict[str, list[pytest.Item]] = {}
    for item in items:
        given = getattr(item, "callspec", None)
        if given is not None and given.params.get("record_url") == "postgresql":
            sets.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for of_one_test in sets.values():
        for item in of_one_test[1:-1]:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.databases)
    leave_out_noted(config, items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """
    Tests of one group stay with one of several runners: each that had some would start their servers anew.
    What was imported stays, and is not looked through for garbage after every few tests.
    """
    if session.config.getoption("loadgroup", False):
        grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
        if any("@" not in item.nodeid.rpartition("]")[2] for item in grouped):
            raise pytest.UsageError("pytest-xdist does not keep groups of tests together: pin both")
    note_tests(session.items)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as tasks/wiring.py has it


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Commands that run in this process close their files to others; the next test's servers may not."""
    os.umask(0o022)
    yield
    os.umask(0o022)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the URL of its database `postgres`."""
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_copies(postgres_url: str) -> Iterator[Copies]:
    """Empty, migrated databases on that server."""
    copies = Copies(postgres_url)
    yield copies
    copies.close()


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


@pytest.fixture(params=["sqlite", "postgresql"])
def record_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated record: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield _sqlite_url(request.getfixturevalue("migrated_sqlite"), tmp_path)
        return
    with request.getfixturevalue("postgres_copies").empty() as url:
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


@pytest.fixture
def elsewhere(record_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the record's kind; its home may be `tmp_path / "elsewhere"`."""
    if record_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'record.db'}"
        return
    server, name = record_url.rsplit("/", 1)[0], f"restored_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()
