"""A process that outlives its starter is there at most once, and its lock tells whether it is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.processes.background import Background
from tests.servers.prefect_server import wait_for

SLEEPS = ["-c", "import time; print('awake', flush=True); time.sleep(60)"]
DEAF = [
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Background]:
    process = Background("sleeper", tmp_path / "not" / "made" / "yet")
    yield process
    process.stop(seconds=0)


def test_it_runs_once_until_it_is_stopped(process: Background) -> None:
    assert not process.running()
    assert process.start(SLEEPS, os.environ)
    assert not process.start(SLEEPS, os.environ)
    assert process.running()
    wait_for("line in the log", lambda: "awake" in process.log.read_text())
    assert process.last_lines() == "awake"
    assert process.stop(seconds=10)
    assert not process.running()
    assert not process.stop(seconds=10)


def test_one_that_was_killed_does_not_run_and_can_be_started_again(process: Background) -> None:
    process.start(SLEEPS, os.environ)
    pid = process.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for("end", lambda: not process.running())
    assert process.pid() is None
    assert process.start(SLEEPS, os.environ)


def test_one_that_does_not_listen_is_killed(process: Background) -> None:
    process.start(DEAF, os.environ)
    wait_for("line in the log", lambda: "deaf" in process.log.read_text())
    assert process.stop(seconds=0.2)
    wait_for("end", lambda: not process.running())


def test_the_number_of_a_process_that_died_long_ago_misleads_nobody(tmp_path: Path) -> None:
    (tmp_path / "sleeper.pid").write_text(str(os.getpid()))  # alive, and somebody else
    process = Background("sleeper", tmp_path)
    assert not process.running()
    assert not process.stop(seconds=0)


def test_it_gets_the_environment_it_is_given(process: Background) -> None:
    process.start(["-c", "import os; print(os.environ['COHORT_HOME'])"], {"COHORT_HOME": "here"})
    wait_for("line in the log", lambda: process.log.read_text())
    assert process.last_lines() == "here"


def test_the_end_of_its_log_is_whole_lines_with_what_went_wrong(process: Background) -> None:
    """A traceback of Python's: without the lines that only underline."""
    process.log.parent.mkdir(parents=True)
    process.log.write_text(
        "earlier\nTraceback (most recent call last):\n  File x, line 1\n    open(path)\n    ^^^^~~~~\n"
        "PermissionError: [Errno 13] Permission denied: '/srv/x'\nAn exception occurred.\n\n"
    )
    assert process.last_lines(3) == (
        "open(path) / PermissionError: [Errno 13] Permission denied: '/srv/x' / An exception occurred."
    )
