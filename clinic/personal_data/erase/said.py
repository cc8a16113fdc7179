"""
The list of erasures: a file of the home, beside the anchor and outside the database, a sealed line for each.

Who is a keyed digest. So a record that comes back from a backup is told again whose data are gone, and who is
restricted, before anything is sent; and each line proves the decision, of which a record that was set back has
no trace (clinic/govern/audit/redacted.py).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from clinic.govern.audit.redacted import ERASED_LIST, is_ours, seal_of_line


@dataclass(frozen=True)
class Said:
    """
    One decision.

    what: erasure, restriction, lift
    line: as it stands in the file, with its seal
    """

    what: str
    who: str
    key: int
    ground: str
    asked_by: str
    approved_by: str
    line: str


def say(connection: Connection, home: Path, says: dict[str, Any]) -> None:
    """Add a decision to the list, once: on the disk when this returns."""
    line = orjson.dumps({**says, "seal": seal_of_line(connection, says)}) + b"\n"
    descriptor = os.open(home / ERASED_LIST, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if line not in file.readlines():
            file.write(line)
            file.flush()
            os.fsync(descriptor)


def read_said(connection: Connection, path: Path) -> Iterator[Said]:
    """Every decision that bears our seal, in their order; what does not is passed over."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if is_ours(connection, line):
            says = orjson.loads(line)
            yield Said(
                says["what"], says["who"], says["key"], says["ground"], says["asked"],
                says["approved"], line,
            )  # fmt: skip
