"""
The watch of this machine: a process that looks every minute what is wrong, beside server and worker.

It runs from `cohort server start` to `cohort server stop`, needs neither of the two, and so can tell that they
are gone. That it is gone itself is told by `settle`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.environment import child_environment, prefect_home
from tasks.processes.home import code
from tasks.processes.server import stop_server
from tasks.processes.staff_desk import stop_desk
from tasks.processes.workers import stop_worker

STOP_SECONDS: Final = 10


def start_watch(settings: Settings) -> bool:
    """Start it; False where one runs, or the settings want none."""
    if not settings.health.watch:
        stop_watch(settings)
        return False
    mark, now = _wanted(settings), code()
    if mark.exists() and mark.read_text() != now:  # started by another version
        stop_watch(settings)
    started = _process(settings).start(["-m", "cli.begin.watching"], child_environment(settings))
    mark.touch(mode=0o600)
    mark.write_text(now)
    return started


def stop_watch(settings: Settings) -> bool:
    """Stop it; False where none ran."""
    _wanted(settings).unlink(missing_ok=True)
    return _process(settings).stop(seconds=STOP_SECONDS)


def watch_runs(settings: Settings) -> bool:
    """Whether it is alive."""
    return _process(settings).running()


def watch_gone(settings: Settings) -> bool:
    """Whether it was started here, nobody ended it, and it does not run."""
    return _wanted(settings).exists() and not watch_runs(settings)


def stop_all(settings: Settings) -> bool:
    """End desk, watch, worker and server of this machine, in that order; whether anything ran."""
    ways = (stop_desk, stop_watch, stop_worker, stop_server)
    stopped = [stop(settings) for stop in ways]  # all of them, also behind one that ran
    return any(stopped)


def _wanted(settings: Settings) -> Path:
    return prefect_home(settings) / "cohort-watch.wanted"


def _process(settings: Settings) -> Background:
    return Background("cohort-watch", prefect_home(settings))
