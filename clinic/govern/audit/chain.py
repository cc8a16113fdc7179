"""
Seals rows of the audit trail into blocks that cannot be changed unseen.

    block 1 ──hash──► block 2 ──hash──► block 3        one chain a stream
      │root             │root             │root
    rows              rows              rows           a chunk's items, or one act

A block's `root` is the SHA-256 of its rows, its `hash` an HMAC over everything it says and the hash
before it. The key lies outside the database (clinic/govern/audit/key.py), so that who can write the
database cannot forge a block. What the chain alone cannot show, a cut tail, the anchor does
(clinic/govern/audit/anchor.py). A stream an operation, so that operations do not wait for each other.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import RecordUnsafe
from clinic.record.database import key_of
from clinic.record.schema.govern import audit_block

SYSTEM: Final = "system"
GENESIS: Final = bytes(32)  # what the first block of a stream has before it


@dataclass(frozen=True, kw_only=True)
class Block:
    """One row of `audit_block`, as it is or is to be."""

    stream: str
    number: int
    holds: Literal["act", "items"]
    operation_id: int | None
    chunk: int | None
    count: int
    first_patient: int | None
    last_patient: int | None
    root: bytes
    marks: bytes
    previous: bytes
    key_id: str | None
    sealed_at: datetime

    def hash(self, key: bytes | None) -> bytes:
        """HMAC-SHA-256 of all its fields under `key`; without a key, a plain SHA-256."""
        says = orjson.dumps(
            {
                name: value.hex() if isinstance(value, bytes) else value
                for name, value in asdict(self).items()
            },
            option=orjson.OPT_SORT_KEYS,
        )
        return hmac.digest(key, says, "sha256") if key else hashlib.sha256(says).digest()


@dataclass(frozen=True)
class Seal:
    """What a block keeps of its rows."""

    count: int
    root: bytes
    marks: bytes


class _Head(NamedTuple):
    """What the next block needs of the last one."""

    number: int
    hash: bytes
    key_id: str | None


def seal(rows: Iterable[Sequence[Any]]) -> Seal:
    """The fingerprint of rows in their order: each one a JSON array, so that no two lists look alike."""
    return seal_text(b"\n".join(orjson.dumps(row) for row in rows))


def seal_text(text: bytes) -> Seal:
    """The fingerprint of rows that are lines of a text already, each without a line's end in it."""
    return Seal(len(lines_of(text)), hashlib.sha256(text).digest(), marks_of(text))


def lines_of(text: bytes) -> list[bytes]:
    """The rows of a text."""
    return text.split(b"\n") if text else []


def marks_of(text: bytes) -> bytes:
    """Four bytes a row, enough to say later *which* row of a bad block differs."""
    return array("I", map(zlib.crc32, lines_of(text))).tobytes()


def key_id(key: bytes | None) -> str | None:
    """A name for the key that does not give it away."""
    return hashlib.sha256(b"cohort audit key\0" + key).hexdigest()[:16] if key else None


def append_block(
    connection: Connection,
    *,
    stream: str,
    sealed: Seal,
    sealed_at: datetime,
    operation_id: int | None = None,
    chunk: int | None = None,
    patients: tuple[int, int] | None = None,
) -> int:
    """
    Add a block to the end of `stream` in the caller's transaction; gives its number.

    Writers of one stream wait here for each other until they commit: call it last.

    Raises:
        RecordUnsafe: this process has another key than the trail was begun with, or none
    """
    key = key_of(connection)
    number, previous = _head(connection, stream, key_id(key))
    block = Block(
        stream=stream,
        number=number + 1,
        holds="act" if chunk is None else "items",
        operation_id=operation_id,
        chunk=chunk,
        count=sealed.count,
        first_patient=patients and patients[0],
        last_patient=patients and patients[1],
        root=sealed.root,
        marks=sealed.marks,
        previous=previous,
        key_id=key_id(key),
        sealed_at=sealed_at.astimezone(UTC),
    )
    connection.execute(audit_block.insert(), {**vars(block), "hash": block.hash(key)})
    return block.number


def _head(connection: Connection, stream: str, our_key: str | None) -> tuple[int, bytes]:
    """Number and hash of the last block; (0, GENESIS) before the first. Holds the stream until commit."""
    hold(connection, f"audit {stream}")
    head = _last(connection, stream)
    begun_with = head or connection.execute(sa.select(audit_block.c.key_id).limit(1)).first()
    if begun_with is not None and begun_with.key_id != our_key:
        has = (
            "another key than this process has" if our_key else "a key, which this process has not"
        )
        raise RecordUnsafe(
            "audit-key",
            f"the audit trail was begun with {has}, so nothing was done: bring back audit.key of this "
            "installation's home, on every machine that works on this record",
        )
    return (head.number, head.hash) if head else (0, GENESIS)


_LAST: Final = (
    sa.select(audit_block.c.number, audit_block.c.hash, audit_block.c.key_id)
    .where(audit_block.c.stream == sa.bindparam("this_stream"))
    .order_by(audit_block.c.number.desc())
    .limit(1)
)


def _last(connection: Connection, stream: str) -> _Head | None:
    row = connection.execute(_LAST, {"this_stream": stream}).first()
    return None if row is None else _Head._make(row)


def hold(connection: Connection, what: str) -> None:
    """Until this transaction ends, nobody else holds `what`. On SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        # Bound to the transaction, not to the session: a transaction pooler may stand between
        connection.execute(
            sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(what, 0)))
        )
