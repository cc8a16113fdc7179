"""
What this machine was about to send, and when: a line a submission, in a file outside of the record.

After a failover of seconds the record has lost some batches of a campaign, and nothing of the others. Where
the lines reach over what was lost, they say which (clinic/message/campaign/noted.py). Lines are on the disk
before a gateway is called, and name no patient: a submission's id and a time.
"""

from __future__ import annotations

import fcntl
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 4_000_000  # some 70,000 submissions; one older file is kept
_NAME: Final = "submissions.log"
# One that was cut short by a crash, and the next behind it: the first was never sent
_LINE: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (\d{10}\.\d{6})\n")


def append(folder: Path, submission_id: str, at: datetime, *, most: int = MOST_BYTES) -> None:
    """This submission is about to be sent."""
    path = folder / _NAME
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{submission_id} {at.timestamp():017.6f}\n".encode())
        os.fdatasync(file)
        if os.fstat(file).st_size >= most:
            _begin_another(path, file)
    finally:
        os.close(file)


def _begin_another(path: Path, file: int) -> None:
    """The next line goes to a new file; of several that find this one too long, the first does it."""
    fcntl.flock(file, fcntl.LOCK_EX)
    if path.exists() and os.path.samestat(path.stat(), os.fstat(file)):
        path.replace(path.with_name(f"{_NAME}.1"))


def read(folder: Path) -> dict[str, datetime]:
    """Every submission that a line names, and when; of several lines the last."""
    found: dict[str, datetime] = {}
    for name in (f"{_NAME}.1", _NAME):
        path = folder / name
        text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
        for key, seconds in _LINE.findall(text):
            found[key] = datetime.fromtimestamp(float(seconds), UTC)
    return found
