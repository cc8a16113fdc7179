"""
One dated log of all of an installation's processes, with practice, campaign and run in each line.

    2026-03-02T17:00:04.120+00:00 INFO "Hill Surgery" campaign=12 run=3491d132 send-batches-1-to-9: …

Each process appends to the same file (COHORT_LOG_FILE) and goes on in a new one when it was renamed, as
`WatchedFileHandler` does for logrotate; `rotate` renames. The handler that rotates by itself would lose lines
here: it takes its file to be its own. `logging.yml` names this module while prefect is being imported, so it
imports none of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import io
import logging
import logging.handlers
import os
import shutil
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 1_000_000
KEPT: Final = 28  # besides the one that is written to; four weeks of a quiet practice
FILE: Final = "COHORT_LOG_FILE"
PRACTICE: Final = "COHORT_LOG_PRACTICE"

_campaign: ContextVar[int | None] = ContextVar("campaign", default=None)
_latest: int | None = None  # of this process; threads of gateways have no context of ours


def of_campaign(campaign_id: int) -> None:
    """What this process does from now on is for this campaign."""
    global _latest
    _latest = campaign_id


@contextlib.contextmanager
def for_campaign(campaign_id: int | None) -> Iterator[None]:
    """What this thread does within the block is for this campaign; None: for none that is known."""
    before = _campaign.set(campaign_id)
    try:
        yield
    finally:
        _campaign.reset(before)


class LogFile(logging.handlers.WatchedFileHandler):
    """The file that the environment names, for its owner alone; nowhere without it."""

    def __init__(self) -> None:
        super().__init__(os.environ.get(FILE) or os.devnull, delay=True, encoding="utf-8")

    def _open(self) -> io.TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return open(descriptor, "a", encoding=self.encoding)


class Place(logging.Filter):
    """Gives each line its practice, campaign and run; `-` where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through."""
        record.practice = os.environ.get(PRACTICE) or "-"
        record.campaign = _campaign.get() or _latest or "-"
        run = getattr(record, "flow_run_id", None) or os.environ.get("PREFECT__FLOW_RUN_ID")
        record.run = str(run) if run and str(run) != "<unknown>" else "-"
        named = getattr(record, "task_run_name", None) or getattr(record, "flow_run_name", None)
        record.step = named if named and named != "<unknown>" else record.name
        return True


class Line(logging.Formatter):
    """A line with the whole date and the zone."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(
            '%(asctime)s %(levelname)s "%(practice)s" campaign=%(campaign)s run=%(run)s '
            "%(step)s: %(message)s"
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """ISO 8601, to the millisecond, in UTC."""
        del datefmt
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def rotate(path: Path, *, most: int = MOST_BYTES, kept: int = KEPT) -> bool:
    """Begin a new file where this one is too long; the oldest goes. Whether it did. At once by two: once."""
    if not path.exists() or path.stat().st_size < most:
        return False
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or path.stat().st_size < most:  # somebody else did it meanwhile
            return False
        for number in range(kept, 1, -1):
            for end in ("", ".gz"):
                newer = path.with_name(f"{path.name}.{number - 1}{end}")
                if newer.exists():
                    newer.replace(path.with_name(f"{path.name}.{number}{end}"))
        path.replace(path.with_name(f"{path.name}.1"))
        for number in range(2, kept + 1):  # a process may still be writing to the first
            _pack(path.with_name(f"{path.name}.{number}"))
    return True


def _pack(path: Path) -> None:
    """A tenth of it is enough; killed in between, it is packed the next time."""
    if not path.exists():
        return
    part, packed = path.with_name(f".{path.name}.part"), path.with_name(f"{path.name}.gz")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with path.open("rb") as plain, open(descriptor, "wb") as file, gzip.open(file, "wb") as target:
        shutil.copyfileobj(plain, target)
    part.replace(packed)
    path.unlink()
