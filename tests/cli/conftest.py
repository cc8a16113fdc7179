"""What the tests of the program share: an installation of its own, and a way to type commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.begin.settings_file import settings_file
from cli.begin.start import set_up
from cli.program import app
from clinic.govern.audit.key import unlock
from clinic.record.database import Record
from clinic.settings import Settings
from tests.typed import Typed

Type = Callable[..., Typed]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the installation of this test is."""
    return tmp_path / "home"


@pytest.fixture
def config(home: Path, tmp_path: Path) -> Path:
    """A settings file for an installation whose operator is nia."""
    path = tmp_path / "cohort.toml"
    chosen = {"home": str(home), "operator": "nia", "phones.test_range": True}
    path.write_text(settings_file(chosen), encoding="utf-8")
    return path


@pytest.fixture
def installed(home: Path, config: Path, migrated_sqlite: Path) -> Iterator[Record]:
    """The record of an installation that was set up; its tables are copied, since making them takes longest."""
    settings = Settings(home=home)
    home.mkdir(mode=0o700)
    shutil.copy(migrated_sqlite, settings.database_url.removeprefix("sqlite:///"))
    set_up(settings)
    record = unlock(Record.open(settings.database_url), home)  # as every command opens it
    yield record
    record.close()


@pytest.fixture
def typed(config: Path, home: Path) -> Type:
    """Types a command as a person would, with these settings; what came of it. Never in the folder it is in."""

    def run(*words: str, stdin: str = "") -> Typed:
        places = {"COHORT_CONFIG": str(config), "COHORT_HOME": str(home)}
        env = {**places, "NO_COLOR": "1", "COLUMNS": "120"}
        result = CliRunner().invoke(app, list(words), input=stdin, env=env)
        unexpected = result.exception
        if unexpected is not None and not isinstance(unexpected, SystemExit):
            raise unexpected
        return Typed(result.exit_code, result.stdout, result.stderr)

    return run
