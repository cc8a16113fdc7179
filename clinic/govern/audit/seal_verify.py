"""
Compares rows that acts sealed where they stand with what they are now, and names each that differs.

Of each key the newest mark counts; what was fixed once must be so in every mark of it, so that a row edited
behind our back and sealed again by the program's own next step is found all the same. A row without a mark
is an error once its table was being sealed; older ones are counted as not seen. Read a chain at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.govern.audit.faults import Fault
from clinic.govern.audit.seals import HALF, kept_marks, read_marks, unpack_keys
from clinic.govern.audit.tables import SEALED, Key, Row, Whole
from clinic.record.schema.govern import audit_act, audit_row_seal
from clinic.record.schema.messages import message

PAGE: Final = 10_000


@dataclass
class Sealed:
    """What the blocks of one chain have sealed so far: table → key → mark, and the block it is of."""

    marks: dict[str, dict[Key, bytes]] = field(default_factory=dict)
    blocks: dict[str, dict[Key, int]] = field(default_factory=dict)

    def take(
        self,
        connection: Connection,
        stream: str,
        number: int,
        redacted: Mapping[str, Mapping[Key, bytes]],
    ) -> Iterator[Fault]:
        """
        Add the marks of one act; an error if they contradict earlier ones.

        Args:
            redacted: of a redaction: table → key → the mark until then, which must be the one that we know
        """
        for each in kept_marks(connection, stream, number):
            known = self.marks.setdefault(each.table, {})
            blocks = self.blocks.setdefault(each.table, {})
            whole = isinstance(SEALED.get(each.table), Whole)
            for key, mark in each.pairs():
                before = known.get(key)
                until = redacted.get(each.table, {}).get(key)
                if until is None:
                    differs = before is not None and before[:HALF] != mark[:HALF]
                else:
                    differs = before is not None and before != until
                if differs and not whole:
                    yield Fault(
                        "row-edited", stream, number, table=each.table, key=key,
                        patient_id=_patient(connection, each.table, key),
                    )  # fmt: skip
                known[key] = mark
                blocks[key] = number


@dataclass
class Known:
    """The keys of every table that is sealed, over all chains; of messages, the campaigns."""

    keys: dict[str, set[Key]] = field(default_factory=dict)

    def add(self, table: str, keys: set[Key]) -> None:
        self.keys.setdefault(table, set()).update(keys)


def compare(connection: Connection, stream: str, sealed: Sealed, known: Known) -> Iterator[Fault]:
    """The errors of the rows that this chain has sealed; `known` learns which those are."""
    for name, marks in sorted(sealed.marks.items()):
        spec = SEALED.get(name)
        blocks = sealed.blocks[name]
        if spec is None:
            yield Fault("row-added", stream, min(blocks.values()), table=name)
        elif isinstance(spec, Whole):
            yield from _whole(connection, stream, spec, marks, blocks)
        else:
            if (
                spec.table is not message
            ):  # as many as there are messages: those are told by campaign
                known.add(name, set(marks))
            yield from _each(connection, stream, spec, marks, blocks, sealed)


def _whole(
    connection: Connection,
    stream: str,
    spec: Whole,
    marks: dict[Key, bytes],
    blocks: dict[Key, int],
) -> Iterator[Fault]:
    for owner, mark in sorted(marks.items()):
        if dict(read_marks(connection, spec.table, [owner])) != {owner: mark}:
            yield Fault("row-edited", stream, blocks[owner], table=spec.table.name, key=owner)


def _each(
    connection: Connection,
    stream: str,
    spec: Row,
    marks: dict[Key, bytes],
    blocks: dict[Key, int],
    sealed: Sealed,
) -> Iterator[Fault]:
    """Rows that differ, then those that are gone, then those of this chain that nobody sealed."""
    name = spec.table.name
    left = dict(marks)
    strict = spec.table is message and "campaign" in sealed.marks
    for key, now in _present(connection, spec, stream, left):
        then = left.pop(key, None)
        if (then is None and strict) or (then is not None and then != now):
            yield Fault(
                "row-added" if then is None else "row-edited", stream, blocks.get(key),
                table=name, key=key, patient_id=_patient(connection, name, key),
            )  # fmt: skip
    for key in sorted(left, key=str):
        yield Fault("row-removed", stream, blocks[key], table=name, key=key)


def _present(
    connection: Connection, spec: Row, stream: str, left: Mapping[Key, bytes]
) -> Iterator[tuple[Key, bytes]]:
    """Rows of a chain as they are now, a page in memory; then those that were sealed and not met so."""
    where = _of_stream(spec, stream)
    if spec.table is message:  # what waits has no mark yet
        where.append(message.c.state != "pending")
    column = spec.table.c[spec.key]
    last: Key | None = None
    while True:
        more = [*where] if last is None else [*where, column > last]
        page = list(read_marks(connection, spec.table, None, *more, limit=PAGE))
        yield from page
        if len(page) < PAGE:
            break
        last = page[-1][0]
    if left:
        yield from read_marks(connection, spec.table, list(left))


def _of_stream(spec: Row, stream: str) -> list[ColumnElement[bool]]:
    """The rows that belong to a chain."""
    if spec.of is None:
        return []
    number = int(stream.rpartition("-")[2])
    return [spec.table.c[spec.of] == number]


def _patient(connection: Connection, table: str, key: Key) -> int | None:
    """Whose row it is, where that is said."""
    spec = SEALED[table]
    if "patient_id" not in spec.table.c or isinstance(spec, Whole):
        return None
    found: Any = connection.scalar(
        sa.select(spec.table.c.patient_id).where(spec.table.c[spec.key] == key)
    )
    return None if found is None else int(found)


def unsealed_rows(connection: Connection, known: Known) -> Iterator[Fault | NotSeen]:
    """
    Rows of sealed tables that no act speaks of: put in behind our back, or older than their seals.

    Numbers only grow: what has a higher number than the first that was sealed as it was made, was put in.
    One that was older when seals came in, and was sealed by a later step of it, says nothing of others.
    """
    for name, spec in SEALED.items():
        if isinstance(spec, Whole) or spec.table is message:
            continue
        sealed = known.keys.get(name, set())
        query = sa.select(spec.table.c[spec.key])
        if spec.passing is not None:
            query = query.where(~spec.passing)
        rows = connection.scalars(query).all()
        without = sorted(set(rows) - sealed, key=str)
        first = _first_born(connection, spec)
        older = []
        for key in without:
            if first is not None and isinstance(key, int) and (key > first or key < 1):
                yield Fault("row-added", _stream(spec, key), table=name, key=key)
            else:
                older.append(key)
        if older:
            yield NotSeen(name, len(older), tuple(older[:5]))


def _first_born(connection: Connection, spec: Row) -> int | None:
    """The lowest number of a row that was sealed when it was made; None: names have no order."""
    a, s = audit_act.c, audit_row_seal.c
    packed = connection.scalars(
        sa.select(s["keys"])
        .join(audit_act, (a.stream == s.stream) & (a.number == s.number))
        .where(s.table_name == spec.table.name, a.operation_type == spec.born)
    )
    return min(
        (key for each in packed for key in unpack_keys(each) if isinstance(key, int)), default=None
    )


def unseen_messages(connection: Connection, known: Known) -> Iterator[NotSeen]:
    """Messages of campaigns that were not sealed from their beginning."""
    sealed = [int(key) for key in known.keys.get("campaign", ())]
    counts = connection.execute(
        sa.select(message.c.campaign_id, sa.func.count())
        .where(message.c.state != "pending")
        .group_by(message.c.campaign_id)
        .order_by(message.c.campaign_id)
    ).all()
    older = {row[0]: row[1] for row in counts if row[0] not in set(sealed)}
    if older:
        yield NotSeen("message", sum(older.values()), tuple(older)[:5])


@dataclass(frozen=True)
class NotSeen:
    """Rows that nothing was sealed of; `first`: the keys of some (of messages: their campaigns)."""

    table: str
    count: int
    first: tuple[Key, ...]


def _stream(spec: Row, key: Key) -> str:
    return f"{spec.subject}-{key}" if spec.subject else "system"
