"""Keeps the desk's helper process running as long as the desk does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Final

_MODULE: Final = "desk.background.work"
_FIRST: Final = 1.0  # seconds until it is started again; twice as long each time, up to the longest
_LONGEST: Final = 60.0
_WELL: Final = 60.0  # who lived so long did not fail at once


class Keeper:
    """Starts the helper, and again whenever it ends, until `stop`."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start it, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end: what it was at is gone on with by the next."""
        self._stopping.set()
        child = self._child
        if child is not None and child.stdin is not None:
            child.stdin.close()
        self._thread.join(timeout=10)

    def _keep(self) -> None:
        pause = _FIRST
        while not self._stopping.is_set():
            lived = self._run_once()
            pause = _FIRST if lived >= _WELL else min(2 * pause, _LONGEST)
            self._stopping.wait(pause)

    def _run_once(self) -> float:
        """Run it to its end; for how many seconds it ran."""
        began = time.monotonic()
        # Its end of the pipe is closed with us, so that it never outlives the desk
        self._child = subprocess.Popen(
            [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self._child.wait()
        return time.monotonic() - began
