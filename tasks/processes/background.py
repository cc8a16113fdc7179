"""
A server or worker that outlives the command that started it, and is there at most once.

Each holds the lock on `NAME.pid` as long as it lives, because it inherits the open file. So
whether it runs is a fact of the operating system: no number of a process that died long ago can
mislead, and two commands at once start one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tasks.processes.log_file import rotate

# Those this process started itself must be waited for when they end, or they stay as zombies
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Background:
    """A process with a name, and the folder that holds its lock and its log."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """What it writes."""
        return self.folder / f"{self.name}.log"

    @property
    def _lock(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Run `python ARGUMENTS`; False where it runs already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.running():
            rotate(self.log, kept=1)  # what runs writes to the file itself, whatever its name
        with self._lock.open("a+b") as lock, self.log.open("ab") as log:
            if not _taken(lock):
                return False
            lock.truncate(0)
            child = subprocess.Popen(
                [sys.executable, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal must not stop it
            )
            lock.write(str(child.pid).encode())
        _children[child.pid] = child
        return True

    def running(self) -> bool:
        """Whether somebody holds the lock."""
        _reap()
        try:
            with self._lock.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def pid(self) -> int | None:
        """The number of the process; None where it does not run or has not been noted yet."""
        if not self.running():
            return None
        noted = self._lock.read_text().strip()
        return int(noted) if noted.isdigit() else None

    def stop(self, *, seconds: float) -> bool:
        """Ask it to end, and end it after a while; False where it did not run."""
        pid = self.pid()
        if pid is None:
            return False
        _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.running():
            _signal(pid, signal.SIGKILL)
        return True

    def last_lines(self, count: int = 4) -> str:
        """The end of its log, on one line."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        # A traceback underlines with lines of their own
        lines = [line.strip() for line in text.splitlines() if line.strip(" ^~")]
        return " / ".join(line[:200] for line in lines[-count:])


def _taken(lock: IO[bytes]) -> bool:
    """Take the lock; a second try, since whoever asks `running` holds it for an instant."""
    for _ in range(3):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _reap() -> None:
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]
