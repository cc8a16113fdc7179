"""
The anchor: how long each chain of the audit trail was, kept outside the database.

One line of JSON each time, with the streams that grew since the line before, that line's hash, and a
seal under the trail's key. Only ever appended to. Who cuts the end of the trail, or sets the database
back, is contradicted by it; keep it where who writes the database cannot write (docs/governance.md).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock, SystemClock
from clinic.errors import RecordUnsafe
from clinic.record.database import Record, key_of
from clinic.record.schema.govern import audit_block
from clinic.settings import Settings

ANCHOR_FILE: Final = "audit.anchor"
KEY_FILE: Final = "audit.key"
_MACHINE: Final = SystemClock()


@dataclass(frozen=True)
class Head:
    """The last block of a stream."""

    number: int
    hash: bytes


@dataclass(frozen=True)
class Anchor:
    """What an anchor file says: the newest head of each stream. `damaged_line`: the first that is not ours."""

    heads: Mapping[str, Head]
    last_line: bytes
    damaged_line: int | None = None


def anchor_of(settings: Settings) -> Path:
    """Where this installation keeps its anchor."""
    return settings.home / ANCHOR_FILE


def read_anchor(path: Path, key: bytes | None) -> Anchor:
    """Fold an anchor file, checking its own chain; a file that is not there says nothing."""
    heads: dict[str, Head] = {}
    last = b""
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        says = _parse(line, last, key)
        if says is None:
            return Anchor(heads, last, damaged_line=number)
        for stream, (block, digest) in says.items():
            heads[stream] = Head(block, bytes.fromhex(digest))
        last = line
    return Anchor(heads, last)


def is_missing(connection: Connection, path: Path) -> bool:
    """
    Whether the anchor that this installation began with its key is gone or empty.

    It is begun with the key (key.py), before the first block: where the key is and blocks are, the
    anchor is, or somebody took it away. A file elsewhere, without the key beside it, may be begun any time.
    """
    if path.exists() and path.stat().st_size:
        return False
    begun = (path.parent / KEY_FILE).exists()
    return (
        begun and connection.execute(sa.select(audit_block.c.number).limit(1)).first() is not None
    )


def begin_anchor(record: Record, path: Path, *, clock: Clock = _MACHINE) -> None:
    """Write the first line of an anchor that is to be there from the first block on. Again: nothing."""
    if path.exists():
        return
    with record.read() as connection:
        if is_missing(connection, path):
            return  # an alarm, not a beginning: `write_anchor` and `verify` say so
        key = key_of(connection)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "ab") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        if not os.fstat(descriptor).st_size:
            out.write(_line({}, b"", key, clock) + b"\n")
            out.flush()
            os.fsync(descriptor)


def write_anchor(record: Record, path: Path, *, clock: Clock = _MACHINE, anew: bool = False) -> int:
    """
    Append the heads that moved since the last line; how many did. On disk when this returns.

    Args:
        anew: begin another one in place of one that is gone, empty or set aside; who does so tells the
            trail first

    Raises:
        RecordUnsafe: the trail contradicts what the file says, or the file is gone: nothing is written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with record.read() as connection:
        if not anew and is_missing(connection, path):
            raise RecordUnsafe(
                "audit-anchor-missing",
                f"{path} is gone or empty although this trail has one: bring it back from its copy. "
                "A manager who knows why it is gone begins another: "
                "cohort audit anchor --anew --reason WHY",
            )
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "ab") as out:
        fcntl.flock(out, fcntl.LOCK_EX)  # one line at a time, each after the one before
        with record.read() as connection:
            key = key_of(connection)
            anchor = read_anchor(path, key)
            moved = _moved(connection, anchor)
        if moved:
            out.write(_line(moved, anchor.last_line, key, clock) + b"\n")
            out.flush()
            os.fsync(descriptor)
    return len(moved)


def set_aside(path: Path, clock: Clock = _MACHINE) -> Path | None:
    """Keep an anchor that another takes the place of, as evidence beside it; where. None: there is none."""
    if not path.exists() or not path.stat().st_size:
        return None
    kept = path.with_name(f"{path.name}.until-{clock.now():%Y%m%dT%H%M%S}")
    path.rename(kept)
    return kept


def _moved(connection: Connection, anchor: Anchor) -> dict[str, Head]:
    """The streams that are longer than the anchor says; refuses when one is shorter or another."""
    last = sa.select(audit_block.c.stream, sa.func.max(audit_block.c.number).label("number"))
    last = last.group_by(audit_block.c.stream)
    newest = _heads(connection, last.subquery())
    torn = [
        s for s, head in anchor.heads.items() if _hash_at(connection, s, head.number) != head.hash
    ]
    if torn or anchor.damaged_line is not None:
        where = f"stream {torn[0]}" if torn else f"line {anchor.damaged_line} of the anchor"
        raise RecordUnsafe(
            "audit-anchor",
            f"the audit trail and its anchor contradict each other at {where}; "
            "nothing was anchored; run: cohort audit verify",
        )
    return {s: h for s, h in newest.items() if anchor.heads.get(s) != h}


def _hash_at(connection: Connection, stream: str, number: int) -> bytes | None:
    c = audit_block.c
    here = sa.select(c.hash).where(c.stream == stream, c.number == number)
    return connection.execute(here).scalar()


def _heads(connection: Connection, last: sa.Subquery) -> dict[str, Head]:
    c = audit_block.c
    rows = connection.execute(
        sa.select(c.stream, c.number, c.hash).join(
            last, (c.stream == last.c.stream) & (c.number == last.c.number)
        )
    )
    return {stream: Head(number, digest) for stream, number, digest in rows}


def _line(heads: Mapping[str, Head], last: bytes, key: bytes | None, clock: Clock) -> bytes:
    says = {
        "at": clock.now().isoformat(),
        "heads": {s: [h.number, h.hash.hex()] for s, h in sorted(heads.items())},
        "previous": hashlib.sha256(last).hexdigest(),
    }
    return orjson.dumps({**says, "seal": _seal(says, key)})


def _seal(says: Mapping[str, Any], key: bytes | None) -> str:
    return hmac.digest(key or b"no key", orjson.dumps(dict(says)), "sha256").hex()


def _parse(line: bytes, last: bytes, key: bytes | None) -> dict[str, Any] | None:
    """The heads a line speaks of; None unless it follows the line before and bears our seal."""
    try:
        says = orjson.loads(line)
        sealed = says.pop("seal")
        ours = hmac.compare_digest(str(sealed), _seal(says, key))
        follows = says["previous"] == hashlib.sha256(last).hexdigest()
    except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
        return None
    heads: dict[str, Any] = says["heads"]
    return heads if ours and follows else None
