"""One real Prefect server for all tests of flows; ask for `prefect_server` to run against it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.settings import Settings
from tasks.prefect.deploying import ensure_deployed
from tasks.processes import identity
from tasks.processes.identity import Installation
from tests.servers.prefect_server import running_prefect


@pytest.fixture(scope="session")
def prefect_server(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Iterator[Settings]:
    """
    The settings (home, port) of a running server, which flows called in a test report to.

    `tests.servers.prefect_server.find_in_prefect(settings.home, words)` searches all that it keeps.
    """
    with running_prefect(tmp_path_factory.mktemp("prefect")) as settings:
        shutil.copy(migrated_sqlite, settings.home / "record.db")
        record = Record.open(settings.database_url)
        install(record, SystemClock())
        record.close()
        yield settings


@pytest.fixture(scope="session")
def who(prefect_server: Settings) -> Installation:
    """The installation in that server's home."""
    return identity.read(prefect_server)


@pytest.fixture(scope="session")
def deployed_anew(prefect_server: Settings) -> bool:
    """The project's own deployments, registered once, which takes seconds; whether they had to be."""
    return ensure_deployed(prefect_server) is not None


# How the names of these files begin
_OF_MESSAGES = (
    "test_message.py", "test_settle_flow.py", "test_sentinel_", "test_no_patient_data.py",
    "test_sent_again.py", "test_remind_flow.py", "test_settle_outside.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Tests that need a Prefect server come last: the quick ones tell first what is wrong. Run several at
    once, those that share the server stay together: messages beside one server, the rest beside another, each
    with about as much to do.
    """
    items.sort(key=lambda item: item.get_closest_marker("prefect") is not None)
    for item in items:
        if "prefect_server" in getattr(item, "fixturenames", ()):
            group = "messages" if item.path.name.startswith(_OF_MESSAGES) else "operations"
            item.add_marker(pytest.mark.xdist_group(group))
