"""
The worker of this machine: a process of its own that polls this installation's work pool and runs flows.

More machines mean more workers on the same pool (docs/prefect.md); the ledger sees to it that no two of
them send the same batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clinic.settings import Settings
from tasks.processes import identity
from tasks.processes.background import Background
from tasks.processes.environment import DEPLOYMENTS, child_environment, prefect_home
from tasks.processes.home import code
from tasks.processes.identity import Installation

STOP_SECONDS: Final = 30
_NOTE: Final = "cohort-worker.polls-for"  # whose runs it starts, and with which code


def start_worker(
    settings: Settings,
    who: Installation | None = None,
    *,
    pool: str = "",
    file: Path = DEPLOYMENTS,
) -> bool:
    """
    Start a worker on this machine; False where one of ours runs already, or where runs are containers, which
    Prefect's own workers start (tasks/prefect/pools.py).

    One that polls for another record, or was started by another version, is ended in good order first: it
    knows other deployments, and would refuse these.

    Args:
        who: whose runs it starts; read from the record if not given
        pool: which it polls; the installation's own if not given
        file: the prefect.yaml whose deployments it runs, and no others (tasks/prefect/polling.py)
    """
    who = who or identity.read(settings)
    end_outdated(settings, who)
    if who.runs_as != "process":
        return False
    started = _process(settings).start(
        ["-m", "tasks.prefect.polling", pool or who.pool, str(file)],
        child_environment(settings),
    )
    if started:
        (prefect_home(settings) / _NOTE).write_text(_mark(who))
    return started


def end_outdated(settings: Settings, who: Installation) -> bool:
    """End, in good order, a worker of another record, or of another version; whether there was one."""
    note = prefect_home(settings) / _NOTE
    if note.exists() and note.read_text() == _mark(who):
        return False
    return stop_worker(settings)


def _mark(who: Installation) -> str:
    return f"{who.install_id} {code()}"


def stop_worker(settings: Settings) -> bool:
    """Stop the worker that we started; False where none was running."""
    return _process(settings).stop(seconds=STOP_SECONDS)


def worker_runs(settings: Settings) -> bool:
    """Whether a worker that we started on this machine is alive."""
    return _process(settings).running()


def worker_pid(settings: Settings) -> int | None:
    """Its number; None where none of ours runs."""
    return _process(settings).pid()


def worker_end(settings: Settings) -> str:
    """The last that it wrote, on one line."""
    return _process(settings).last_lines()


def worker_log(settings: Settings) -> Path:
    """Where that worker, and the flows it runs, write what they do."""
    return _process(settings).log


def _process(settings: Settings) -> Background:
    return Background("cohort-worker", prefect_home(settings))
