"""An upgrade ends the earlier program's processes before it changes their record."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import clinic
from cli.begin.start import set_up
from clinic.errors import RecordUnsafe
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.version import current, found_version, require_current
from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.environment import prefect_home

ROOT = Path(clinic.__file__).parents[1]
NEXT = "9001"
MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{current()}"


def upgrade() -> None:
    op.add_column("facility", sa.Column("of_the_next_version", sa.Text()))
'''


@pytest.fixture
def here(tmp_path: Path, migrated_sqlite: Path) -> Settings:
    """A home with the record of this program."""
    settings = Settings(home=tmp_path / "home", notes_folder=tmp_path / "notes")
    settings.home.mkdir(mode=0o700)
    shutil.copy(migrated_sqlite, settings.home / "record.db")
    return settings


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The folder of a program that has one migration more; the rest of it is this one's."""
    program = tmp_path / "newer"
    for package in ("cli", "data_checks", "flows", "tasks"):
        _link(ROOT / package, program / package)
    _link_all_but("record", ROOT / "clinic", program / "clinic")
    _link_all_but("migrations", ROOT / "clinic/record", program / "clinic/record")
    migrations = program / "clinic/record/migrations"
    shutil.copytree(ROOT / "clinic/record/migrations", migrations)
    (migrations / f"versions/v{NEXT}_next.py").write_text(MIGRATION)
    return program


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


def _link_all_but(name: str, source: Path, target: Path) -> None:
    for each in source.iterdir():
        if each.name not in (name, "__pycache__"):
            _link(each, target / each.name)


def _version(settings: Settings, file: str = "record.db") -> str | None:
    record = Record.open(f"sqlite:///{settings.home / file}")
    try:
        return found_version(record)
    finally:
        record.close()


def _init(program: Path, settings: Settings) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from cli.program import run; run()", "init", "--yes", "--name", "Hill"],
        cwd=settings.home.parent,
        env={**os.environ, "PYTHONPATH": str(program), "COHORT_HOME": str(settings.home), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_newer_program_ends_what_runs_keeps_a_copy_and_is_not_undone_by_this_one(
    here: Settings, newer: Path
) -> None:
    names = ("cohort-worker", "cohort-server")
    for name in names:
        process = Background(name, prefect_home(here))
        assert process.start(["-c", "import time; time.sleep(600)"], {})
    before = _version(here)
    says = _init(newer, here)
    assert [Background(name, prefect_home(here)).running() for name in names] == [False, False]
    assert "cohort server start" in says
    assert (before, _version(here)) == (current(), NEXT)
    (kept,) = os.listdir(here.home / "before-upgrade")
    assert kept in "".join(says.split())
    assert _version(here, f"before-upgrade/{kept}") == current()

    record = Record.open(here.database_url)
    for refuses in (require_current, migrate):
        with pytest.raises(RecordUnsafe, match="newer Cohort made this record"):
            refuses(record)
    record.close()
    assert _version(here) == NEXT


def test_a_record_that_is_up_to_date_leaves_them_alone(here: Settings) -> None:
    set_up(here)
    worker = Background("cohort-worker", prefect_home(here))
    assert worker.start(["-c", "import time; time.sleep(600)"], {})
    set_up(here)
    assert worker.running()
    worker.stop(seconds=5)
    deadline = time.monotonic() + 60
    while worker.running() and time.monotonic() < deadline:
        time.sleep(0.05)
