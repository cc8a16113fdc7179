"""
Starts the server and the worker of this machine again when one has ended by itself, as a supervisor would.

The watch asks at each look, while it runs: `cohort server stop` ends it first. At once, then after 2, 4, 8
… minutes, an hour at most; what has lived for an hour begins again at once. Each time is noted in the home,
so that `cohort health` tells of it for half a day. Under a supervisor no such watch runs, and this is the
supervisor's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clinic.settings import Settings
from tasks.processes.environment import prefect_home
from tasks.processes.server import server_runs, start_again
from tasks.processes.workers import start_worker, worker_runs

_FIRST, _LONGEST = 120.0, 3600.0  # seconds to wait after the first time, and at most
_KEPT: Final = 50  # lines of the note


@dataclass
class _Part:
    """A process that should run: whether it does, and how it is started."""

    runs: Callable[[], bool]
    start: Callable[[], object]
    wait: float = 0.0
    next_at: float = 0.0
    started_at: float | None = None


class Reviver:
    """What was started again, and when it may be once more. `note`: told the name of each."""

    def __init__(
        self,
        parts: Mapping[str, tuple[Callable[[], bool], Callable[[], object]]],
        note: Callable[[str], object],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = {name: _Part(*part) for name, part in parts.items()}
        self._note = note
        self._elapsed = elapsed

    def look(self) -> None:
        """Start what does not run, if it has waited long enough."""
        for name, part in self._parts.items():
            self._look_at(name, part, self._elapsed())

    def _look_at(self, name: str, part: _Part, now: float) -> None:
        if part.runs():
            if part.started_at is not None and now - part.started_at >= _LONGEST:
                part.wait, part.started_at = 0.0, None
            return
        if now < part.next_at:
            return
        # First, so that one which cannot even be started waits too
        part.wait = min(max(_FIRST, 2 * part.wait), _LONGEST)
        part.next_at, part.started_at = now + part.wait, now
        if part.start():
            self._note(name)


def reviver_of(settings: Settings) -> Reviver:
    """Of this installation. A server that the settings name is not ours to start."""
    server = {"server": (lambda: server_runs(settings), lambda: start_again(settings))}
    worker = {"worker": (lambda: worker_runs(settings), lambda: start_worker(settings))}
    parts = worker if settings.prefect_api_url else server | worker
    return Reviver(parts, lambda name: note(settings, name, datetime.now(UTC)))


def note(settings: Settings, name: str, at: datetime) -> None:
    """It was started again now."""
    lines = [*_lines(_path(settings)), f"{at.isoformat(timespec='seconds')} {name}"]
    _path(settings).write_text("".join(f"{line}\n" for line in lines[-_KEPT:]), encoding="ascii")


def started_again(settings: Settings) -> tuple[tuple[str, datetime], ...]:
    """What was started again here, and when; the last fifty times."""
    split = [line.split(" ", 1) for line in _lines(_path(settings))]
    return tuple((name, datetime.fromisoformat(at)) for at, name in split)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


def _path(settings: Settings) -> Path:
    return prefect_home(settings) / "cohort-started-again"
