"""`cohort server` as people type it: one command brings up all that runs flows, another ends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.installation import install
from tests.prefect_server import free_port

pytestmark = pytest.mark.prefect

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cohort(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Run]:
    """The program, on a home with a record and a port of its own."""
    (tmp_path / "home").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "home" / "record.db")
    record = Record.open(f"sqlite:///{tmp_path / 'home' / 'record.db'}")
    install(record, SystemClock())
    record.close()
    port = str(free_port())
    environment = {**os.environ, "COHORT_HOME": "home", "COHORT_PREFECT_PORT": port}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("cohort")), "server", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("stop")


def test_one_command_brings_up_server_deployments_and_worker_and_another_ends_them(
    cohort: Run,
) -> None:
    """Issue 2, §3: the run form, schedules and progress are in a browser after one command."""
    assert cohort("status").returncode == 1

    started = cohort("start")
    assert started.returncode == 0, started.stdout + started.stderr
    status = json.loads(cohort("status", "--json").stdout)
    assert (status["answers"], status["ours"], status["worker"]) == (True, True, True)

    assert "Stopped." in cohort("stop").stderr
    assert cohort("status").returncode == 1
    assert "No server of this installation runs." in cohort("stop").stderr
