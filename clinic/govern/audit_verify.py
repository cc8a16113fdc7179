"""
Reads the whole trail again and names the first place where it is not what was written.

Found by the trail itself: a row or block edited, removed, put in or moved. Found only with the anchor,
a file outside the database: a tail cut off, a stream gone, a database set back to an earlier day.
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
from array import array
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.anchor import Head, read_anchor
from clinic.govern.audit_chain import (
    GENESIS,
    SYSTEM,
    Block,
    Seal,
    key_id,
    key_of,
    lines_of,
    seal_text,
)
from clinic.govern.audit_rows import act_line, chunk_text, unsealed
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, audit_block

_BLOCK_FIELDS: Final = tuple(Block.__dataclass_fields__)


@dataclass(frozen=True)
class Fault:
    """
    One place that is not what was written.

    code: "block-missing", "block-edited", "block-moved", "row-edited", "row-removed", "row-added",
        "key-differs", "tail-cut", "stream-missing", "set-back", "anchor-damaged"
    row: which row of the block, from 1
    patient_id: whose, where it is known
    """

    code: str
    stream: str
    block: int | None = None
    chunk: int | None = None
    row: int | None = None
    patient_id: int | None = None

    def __str__(self) -> str:
        places = (
            ("block", self.block),
            ("chunk", self.chunk),
            ("row", self.row),
            ("patient", self.patient_id),
        )
        where = ", ".join(f"{name} {number}" for name, number in places if number is not None)
        return f"{self.code}: stream {self.stream}" + (f", {where}" if where else "")


@dataclass(frozen=True)
class VerifyResult:
    """How much was read, whether a key sealed it, and the first fault; None: all is as written."""

    streams: int
    blocks: int
    rows: int
    keyed: bool
    anchored: bool
    first_fault: Fault | None

    @property
    def holds(self) -> bool:
        return self.first_fault is None


@dataclass
class _Tally:
    streams: int = 0
    blocks: int = 0
    rows: int = 0


def verify(record: Record, anchor: Path | None) -> VerifyResult:
    """
    Read every block and row of the trail and compare it with its seals, its chain and the anchor.

    One snapshot, one block in memory. Stops at the first fault.

    Args:
        anchor: the file of `write_anchor`; None: a cut tail cannot be seen
    """
    tally = _Tally()
    with record.engine.connect() as connection:
        if record.dialect == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            with contextlib.closing(_faults(connection, anchor, tally)) as faults:
                fault = next(faults, None)
            keyed = key_of(connection) is not None
    return VerifyResult(tally.streams, tally.blocks, tally.rows, keyed, anchor is not None, fault)


def is_sealed(connection: Connection, stream: str, number: int) -> bool:
    """Whether this one block exists, bears our seal, and its rows are those it sealed."""
    row = connection.execute(
        sa.select(audit_block).where(audit_block.c.stream == stream, audit_block.c.number == number)
    )
    found = row.mappings().first()
    if found is None:
        return False
    block = _block(found)
    faults = _of_block(connection, block, found["hash"], number=number, previous=block.previous)
    return next(faults, None) is None


def _faults(
    connection: Connection, anchor: Path | None, tally: _Tally
) -> Generator[Fault, None, None]:
    anchored = read_anchor(anchor, key_of(connection)) if anchor else None
    if anchored is not None and anchored.damaged_line is not None:
        yield Fault("anchor-damaged", SYSTEM, row=anchored.damaged_line)
    heads: Mapping[str, Head] = anchored.heads if anchored else {}
    seen = set()
    with contextlib.closing(_blocks(connection)) as all_blocks:
        for stream, blocks in itertools.groupby(all_blocks, key=lambda pair: pair[0].stream):
            seen.add(stream)
            tally.streams += 1
            yield from _of_stream(connection, stream, blocks, heads.get(stream), tally)
    yield from (Fault("stream-missing", stream) for stream in heads if stream not in seen)
    yield from _unsealed(connection)


def _blocks(connection: Connection) -> Generator[tuple[Block, bytes], None, None]:
    """Every block and its hash, the system's first, then stream by stream; fetched by the hundred."""
    c = audit_block.c
    query = sa.select(audit_block).order_by(c.stream != SYSTEM, c.stream, c.number)
    with connection.execute(query, execution_options={"yield_per": 100}) as rows:
        for row in rows.mappings():
            yield _block(row), row["hash"]


def _block(row: sa.RowMapping) -> Block:
    return Block(**{name: row[name] for name in _BLOCK_FIELDS})


def _of_stream(
    connection: Connection,
    stream: str,
    blocks: Iterator[tuple[Block, bytes]],
    anchored: Head | None,
    tally: _Tally,
) -> Iterator[Fault]:
    previous, number = GENESIS, 0
    for block, digest in blocks:
        number += 1
        tally.blocks += 1
        tally.rows += block.count
        yield from _of_block(connection, block, digest, number=number, previous=previous)
        if anchored and number == anchored.number and digest != anchored.hash:
            yield Fault("set-back", stream, number)
        previous = digest
    if anchored and number < anchored.number:
        yield Fault("tail-cut", stream, number)


def _of_block(
    connection: Connection, block: Block, digest: bytes, *, number: int, previous: bytes
) -> Iterator[Fault]:
    """The faults of one block: whether it is in its place, then its own words, then its rows."""
    key = key_of(connection)
    if block.number != number:
        yield Fault("block-missing", block.stream, number)
    if block.key_id != key_id(key):
        yield Fault("key-differs", block.stream, number, block.chunk)
    if not hmac.compare_digest(block.hash(key), digest):
        yield Fault("block-edited", block.stream, number, block.chunk)
    if block.previous != previous:
        yield Fault("block-moved", block.stream, number, block.chunk)
    text = _text_of(connection, block)
    now = seal_text(text)
    if (now.root, now.count) != (block.root, block.count):
        yield _bad_row(block, lines_of(text), now)


def _bad_row(block: Block, lines: list[bytes], now: Seal) -> Fault:
    """Which row of a block is not what was sealed, as far as its marks tell."""
    change = now.count - block.count
    code = "row-removed" if change < 0 else "row-added" if change else "row-edited"
    place = _first_difference(block.marks, now.marks)
    if place is None and not change:
        return Fault(code, block.stream, block.number, block.chunk)
    row = min(now.count, block.count) if place is None else place
    known = block.holds == "items" and row < now.count
    patient = orjson.loads(lines[row])[0] if known else None
    return Fault(code, block.stream, block.number, block.chunk, row + 1, patient)


def _text_of(connection: Connection, block: Block) -> bytes:
    """The rows of a block as they are sealed, a line each."""
    if block.holds == "items":
        return chunk_text(connection, block.operation_id, block.chunk)
    found = connection.execute(
        sa.select(audit_act).where(
            audit_act.c.stream == block.stream, audit_act.c.number == block.number
        )
    )
    return b"\n".join(orjson.dumps(act_line(dict(row))) for row in found.mappings())


def _first_difference(then: bytes, now: bytes) -> int | None:
    """The index of the first row whose mark differs; None: one list is the beginning of the other."""
    pairs = zip(array("I", then), array("I", now), strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), None)


def _unsealed(connection: Connection) -> Iterator[Fault]:
    """Rows that no block speaks of: put in by hand, or left when their block was taken away."""
    c = audit_block.c
    sealed = sa.select(c.operation_id, c.chunk).where(c.holds == "items")
    for operation_id, chunk in unsealed(connection, sealed):
        yield Fault("row-added", f"operation-{operation_id}", chunk=chunk)
    acts = sa.select(audit_act.c.stream, audit_act.c.number)
    blocks = sa.select(audit_block.c.stream, audit_block.c.number).where(
        audit_block.c.holds == "act"
    )
    for stream, number in connection.execute(acts.except_(blocks).order_by("stream", "number")):
        yield Fault("row-added", stream, number)
