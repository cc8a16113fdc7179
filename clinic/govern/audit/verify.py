"""
Reads the whole trail again and names the first place where it is not what was written.

Found by the trail itself: a row or block edited, removed, put in or moved. Found only with the anchor,
a file outside the database: a tail cut off, a stream gone, a database set back to an earlier day.
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.audit.anchor import Head, is_missing, read_anchor
from clinic.govern.audit.bad_row import bad_row
from clinic.govern.audit.chain import (
    GENESIS,
    SYSTEM,
    Block,
    key_id,
    lines_of,
    seal_text,
)
from clinic.govern.audit.derived import unlike_their_messages
from clinic.govern.audit.faults import Fault
from clinic.govern.audit.redacted import Redacted, Redactions, read_redactions, unapproved
from clinic.govern.audit.removed import Removals, Removed, read_removals
from clinic.govern.audit.rows import act_line, chunk_text, unsealed
from clinic.govern.audit.seal_verify import (
    Known,
    NotSeen,
    Sealed,
    compare,
    unsealed_rows,
    unseen_messages,
)
from clinic.govern.audit.seals import digest_of, kept_marks
from clinic.record.database import Record, key_of
from clinic.record.schema.govern import audit_act, audit_block

MARK: Final = 4  # bytes a row in a block (chain.marks_of); behind them what hangs on an act
_BLOCK_FIELDS: Final = tuple(Block.__dataclass_fields__)


@dataclass(frozen=True)
class VerifyResult:
    """How much was read, whether a key sealed it, and the first error; None: all is as written."""

    streams: int
    blocks: int
    rows: int
    keyed: bool
    anchored: bool
    first_fault: Fault | None
    marked: int = 0  # rows that acts sealed where they stand, and that were compared
    not_seen: tuple[NotSeen, ...] = ()  # rows that nothing was sealed of; known where all holds
    redactions: tuple[
        tuple[str, int], ...
    ] = ()  # who approved some, and how many: accepted as such
    removed: tuple[Removed, ...] = ()  # acts whose time was over: a decision each

    @property
    def holds(self) -> bool:
        return self.first_fault is None


@dataclass
class _Tally:
    streams: int = 0
    blocks: int = 0
    rows: int = 0
    marked: int = 0
    not_seen: list[NotSeen] = field(default_factory=list)
    redactions: tuple[tuple[str, int], ...] = ()
    removed: tuple[Removed, ...] = ()


def verify(record: Record, anchor: Path | None) -> VerifyResult:
    """
    Read every block and row of the trail and compare it with its seals, its chain and the anchor.

    One snapshot, one block in memory. Stops at the first error.

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
    return VerifyResult(
        tally.streams, tally.blocks, tally.rows, keyed, anchor is not None, fault,
        tally.marked, tuple(tally.not_seen), tally.redactions, tally.removed,
    )  # fmt: skip


def is_sealed(connection: Connection, stream: str, number: int) -> bool:
    """Whether this one block exists, bears our seal, and its rows are those it sealed."""
    row = connection.execute(
        sa.select(audit_block).where(audit_block.c.stream == stream, audit_block.c.number == number)
    )
    found = row.mappings().first()
    if found is None:
        return False
    block = _block(found)
    redacted = read_redactions(connection, stream)
    if any(number in act.blocks for act in redacted.acts):
        others = (act for act in redacted.acts if number in act.blocks)
        if not all(
            is_sealed(connection, stream, act.number) for act in others if act.number > number
        ):
            return False
    faults = _of_block(
        connection, block, found["hash"], redacted, number=number, previous=block.previous
    )
    return next(faults, None) is None


def read_block(connection: Connection, stream: str, number: int) -> Block | None:
    """This one block; None: there is none."""
    here = (audit_block.c.stream == stream) & (audit_block.c.number == number)
    found = connection.execute(sa.select(audit_block).where(here)).mappings().first()
    return None if found is None else _block(found)


def _faults(
    connection: Connection, anchor: Path | None, tally: _Tally
) -> Generator[Fault, None, None]:
    anchored = read_anchor(anchor, key_of(connection)) if anchor else None
    if anchor is not None and is_missing(connection, anchor):
        yield Fault("anchor-missing", SYSTEM)
    if anchored is not None and anchored.damaged_line is not None:
        yield Fault("anchor-damaged", SYSTEM, row=anchored.damaged_line)
    heads: Mapping[str, Head] = anchored.heads if anchored else {}
    seen = set()
    known = Known()
    redacted = read_redactions(connection)
    removals = read_removals(connection)
    tally.redactions, tally.removed = _told(redacted.acts), removals.told()
    with contextlib.closing(_blocks(connection)) as all_blocks:
        for stream, blocks in itertools.groupby(all_blocks, key=lambda pair: pair[0].stream):
            seen.add(stream)
            tally.streams += 1
            yield from _of_stream(
                connection, stream, blocks, heads.get(stream), tally, known, redacted, removals
            )
    yield from unapproved(connection, (*redacted.acts, *removals.acts))
    yield from (Fault("stream-missing", stream) for stream in heads if stream not in seen)
    yield from _unsealed(connection)
    yield from unlike_their_messages(connection)
    for found in (*unsealed_rows(connection, known), *unseen_messages(connection, known)):
        if isinstance(found, Fault):
            yield found
        else:
            tally.not_seen.append(found)


def _told(acts: tuple[Redacted, ...]) -> tuple[tuple[str, int], ...]:
    """Who approved how many: one decision is one, in however many chains its acts are."""
    decisions = {(act.approved_by, orjson.dumps(dict(act.proof))) for act in acts}
    return tuple(sorted(Counter(by for by, _ in decisions).items()))


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
    known: Known,
    redacted: Redactions,
    removals: Removals,
) -> Iterator[Fault]:
    previous, number = GENESIS, 0
    sealed = Sealed()
    for block, digest in blocks:
        number += 1
        tally.blocks += 1
        tally.rows += block.count
        yield from _of_block(
            connection, block, digest, redacted, number=number, previous=previous,
            removed=removals.has(stream, number),
        )  # fmt: skip
        yield from sealed.take(connection, stream, number, redacted.rows(stream, number))
        if anchored and number == anchored.number and digest != anchored.hash:
            yield Fault("set-back", stream, number)
        previous = digest
    if anchored and number < anchored.number:
        yield Fault("tail-cut", stream, number)
    tally.marked += sum(map(len, sealed.marks.values()))
    yield from compare(connection, stream, sealed, known)


def _of_block(
    connection: Connection,
    block: Block,
    digest: bytes,
    redacted: Redactions,
    *,
    number: int,
    previous: bytes,
    removed: bool = False,
) -> Iterator[Fault]:
    """
    The faults of one block: whether it is in its place, then its own words, then its rows.

    Args:
        removed: two people let its act go: there must be none
    """
    key = key_of(connection)
    if block.number != number:
        yield Fault("block-missing", block.stream, number)
    if block.key_id != key_id(key):
        yield Fault("key-differs", block.stream, number, block.chunk)
    if not hmac.compare_digest(block.hash(key), digest):
        yield Fault("block-edited", block.stream, number, block.chunk)
    if block.previous != previous:
        yield Fault("block-moved", block.stream, number, block.chunk)
    text = text_of_block(connection, block)
    now = seal_text(text)
    expected = redacted.root(block.stream, block.number, block.root)
    if removed:
        if now.count:
            yield Fault("row-added", block.stream, block.number)
    elif (now.root, now.count) != (expected, block.count):
        yield bad_row(connection, block, lines_of(text))
    if block.holds == "act":
        kept = digest_of(kept_marks(connection, block.stream, block.number))
        if kept != block.marks[MARK:]:
            yield Fault("row-edited", block.stream, block.number, table="audit_row_seal")


def text_of_block(connection: Connection, block: Block) -> bytes:
    """The rows of a block as they are now, a line each."""
    if block.holds == "items":
        return chunk_text(connection, block.operation_id, block.chunk)
    found = connection.execute(
        sa.select(audit_act).where(
            audit_act.c.stream == block.stream, audit_act.c.number == block.number
        )
    )
    return b"\n".join(orjson.dumps(act_line(dict(row))) for row in found.mappings())


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
