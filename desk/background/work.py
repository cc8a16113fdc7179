"""
The desk's helper process: reads, checks and sends what drafts wait for, and begins what was approved.

    python -m desk.background.work      started by `cohort desk serve`, and again where it ended

It ends with the desk: the desk holds the other end of its standard input. Killed at any instant, the next one
goes on, since what is due stands in the record (tasks/asking/drafts.py).
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import IO, Final

from clinic.message.drafts.uploads import remove_unused
from clinic.message.drafts.work import refuse_left
from tasks.asking.approved import start_approved
from tasks.asking.drafts import do_next
from tasks.wiring import Wiring, wiring

_LOG: Final = logging.getLogger("cohort.desk.work")
_LOCK: Final = "desk-work.lock"
_PAUSE: Final = 0.5  # seconds between two looks
_BEGUN_EVERY: Final = 2.0  # what was approved
_AWAY: Final = 5.0  # where the record cannot be reached
_KINDNESS: Final = 10  # of the processor: pages go first
_TIDY_EVERY: Final = 600.0


def main() -> None:
    """Work until the desk ends."""
    os.nice(_KINDNESS)
    threading.Thread(target=_end_with_desk, daemon=True).start()
    parts = wiring()
    with _only_one(parts.settings.home):
        _work(parts)


def _work(parts: Wiring) -> None:
    tidied, begun, tried = -_TIDY_EVERY, -_BEGUN_EVERY, set[int]()
    while True:
        try:
            if time.monotonic() - begun >= _BEGUN_EVERY:
                start_approved(parts, tried)
                begun = time.monotonic()
            if time.monotonic() - tidied >= _TIDY_EVERY:
                refuse_left(parts.record)
                remove_unused(parts.record, parts.settings.home, parts.clock.now())
                tidied = time.monotonic()
            if not do_next(parts):
                time.sleep(_PAUSE)
        except Exception as error:
            # The record is away, or a disk is full: what is due stays due
            _LOG.error("%s", getattr(error, "code", type(error).__name__))
            time.sleep(_AWAY)


def _only_one(home: Path) -> IO[bytes]:
    """Wait until no other helper of this home works; as long as the file is open, that is us."""
    file = (home / _LOCK).open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _end_with_desk() -> None:
    """Standard input ends when the desk does, however it does."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)  # in the midst of anything: it is gone on with


if __name__ == "__main__":
    main()
