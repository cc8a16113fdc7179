"""Issue 21, §3: an upgrade ends the earlier program's processes before it changes their record."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.begin.start import set_up
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.version import current, found_version
from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.environment import prefect_home


@pytest.fixture
def upgraded(tmp_path: Path) -> Settings:
    """A home whose record an earlier program made."""
    settings = Settings(home=tmp_path / "home", notes_folder=tmp_path / "notes")
    settings.home.mkdir(mode=0o700)
    record = Record.open(settings.database_url)
    migrate(record, "0032")
    record.close()
    return settings


def _version(settings: Settings) -> str | None:
    record = Record.open(settings.database_url)
    try:
        return found_version(record)
    finally:
        record.close()


def test_worker_and_server_of_the_earlier_version_end_before_the_record_changes(
    upgraded: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prefect_home(upgraded)
    names = ("cohort-worker", "cohort-server")
    for name in names:
        assert Background(name, folder).start(["-c", "import time; time.sleep(600)"], {})
    set_up(upgraded)
    assert [Background(name, folder).running() for name in names] == [False, False]
    assert "cohort server start" in capsys.readouterr().err
    assert _version(upgraded) == current()


def test_a_record_that_is_up_to_date_leaves_them_alone(upgraded: Settings) -> None:
    set_up(upgraded)
    worker = Background("cohort-worker", prefect_home(upgraded))
    assert worker.start(["-c", "import time; time.sleep(600)"], {})
    set_up(upgraded)
    assert worker.running()
    worker.stop(seconds=5)
    deadline = time.monotonic() + 60
    while worker.running() and time.monotonic() < deadline:
        time.sleep(0.05)
