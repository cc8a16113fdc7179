"""
Who holds a batch: a worker's name, and the proof that a worker is dead.

Each process holds a lock (`flock`) on a file of its own for as long as it lives; the kernel frees it
however the process ends. A free lock proves death on this host at once; of a worker on another
host only its lease, run out, allows to take over.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_DAY: Final = 86_400.0  # seconds


def _host() -> str:
    """This boot of this host: names of workers before a restart cannot be mistaken for living ones."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    seed = socket.gethostname() + (boot.read_text() if boot.exists() else "")
    return hashlib.sha256(seed.encode()).hexdigest()[:12]


def _clear(folder: Path) -> None:
    """Take away the locks of workers that ended a day ago, if we may: no batch is leased for so long."""
    for path in folder.glob("*.lock"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime < _DAY:
                continue
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


class Worker:
    """This process's name as the ledger knows it, locked for life."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        _clear(folder)
        self._host = _host()
        self.name = f"{self._host}:{uuid.uuid4().hex[:12]}"
        # A descriptor, not a file object: it must stay open for as long as the process lives
        self._lock = os.open(self._path(self.name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _path(self, name: str) -> Path:
        return self._folder / (name.replace(":", "-") + ".lock")

    def dead(self, names: Iterable[str]) -> list[str]:
        """Which of these workers are proven dead: of this host, with a lock that nobody holds."""
        return [name for name in names if name != self.name and self._is_dead(name)]

    def _is_dead(self, name: str) -> bool:
        if not name.startswith(self._host + ":"):
            return False
        path = self._path(name)
        if not path.exists():
            # It never had its lock here, or a successor saw it dead and cleared it away
            return False
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def close(self) -> None:
        """Give the lock back: from now on this worker counts as dead."""
        # Once: closed twice, the number might be another file's by now
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)
