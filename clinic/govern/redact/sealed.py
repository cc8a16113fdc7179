"""
Takes sealed values out, and says so in the chains that they were sealed in.

    marks and roots until now ─► the caller's change ─► marks and roots now ─► an act "redaction" a chain

All in the caller's transaction: no value is gone without its act, and no act tells of what did not happen. What
verify makes of it: clinic/govern/audit/redacted.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import RecordUnsafe
from clinic.govern.audit.chain import SYSTEM, seal_text
from clinic.govern.audit.redacted import REDACTION, Redactions, read_redactions
from clinic.govern.audit.seals import Rows, read_marks
from clinic.govern.audit.tables import SEALED, Key, Row
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.audit.verify import read_block, text_of_block

Change = Callable[[Connection], None]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """
    What two people decided: the proof that stands in each act.

    of: what the approval was asked of, as its subject and number
    said: the line of the list of erasures, where it was decided in a record that was lost; empty: here
    """

    redaction_id: int
    kind: str
    of: tuple[str, int]
    approval_id: int | None
    digest: str | None
    asked_by: str
    approved_by: str
    ground: str
    said: str | None = None

    def says(self) -> dict[str, Any]:
        """As an act keeps it."""
        return {
            "redaction": self.redaction_id, "approval": self.approval_id, "kind": self.kind,
            "of": list(self.of), "digest": self.digest, "said": self.said,
        }  # fmt: skip


@dataclass
class _Chain:
    """What of one chain is redacted."""

    rows: dict[sa.Table, list[Key]] = field(default_factory=lambda: defaultdict(list))
    blocks: list[int] = field(default_factory=list)


def redact(
    connection: Connection,
    clock: Clock,
    decision: Decision,
    *,
    rows: Rows,
    blocks: Collection[tuple[str, int]],
    change: Change,
    patients: int = 1,
) -> None:
    """
    Make this change, which takes values out of sealed rows, and write an act of it to each chain.

    Args:
        rows: keys of rows that are sealed where they stand; of rows that are sealed together, their owner's
        blocks: (stream, number) of blocks whose own rows change: operations' items, reasons of acts
        change: writes nothing but stubs
        patients: whose values they are, as the trail counts

    Raises:
        RecordUnsafe: a block is not what was sealed even before: nothing is changed
    """
    redactions = read_redactions(connection) if blocks else Redactions()
    before = {place: _root(connection, place, redactions) for place in sorted(blocks)}
    marks = _marks(connection, rows)
    chains = _by_chain(connection, rows, blocks)
    change(connection)
    for stream in sorted(chains):
        chain = chains[stream]
        after = [
            (number, before[stream, number], _now(connection, stream, number))
            for number in chain.blocks
        ]
        _tell(connection, clock, decision, stream, chain, marks, after, patients)


def _tell(
    connection: Connection,
    clock: Clock,
    decision: Decision,
    stream: str,
    chain: _Chain,
    marks: Mapping[str, Mapping[Key, bytes]],
    roots: list[tuple[int, bytes, bytes]],
    patients: int,
) -> None:
    subject, _, number = stream.partition("-")
    if stream == SYSTEM:
        subject, number = "redaction", str(decision.redaction_id)
    were = {
        str(table.name): [
            [key, marks[table.name][key].hex()] for key in keys if key in marks[table.name]
        ]
        for table, keys in chain.rows.items()
        if isinstance(SEALED[table.name], Row)
    }
    act = Act(
        operator=decision.asked_by,
        approver=decision.approved_by,
        operation_type=REDACTION,
        subject=subject,
        subject_id=int(number),
        patients_affected=patients,
        new_values={
            **decision.says(),
            "blocks": [[block, was.hex(), now.hex()] for block, was, now in roots if was != now],
            "rows": were,
        },
        reason=decision.ground,
    )
    record_act(connection, clock, act, rows=chain.rows)


def _root(connection: Connection, place: tuple[str, int], redactions: Redactions) -> bytes:
    """What a block seals until now, if its rows are that."""
    stream, number = place
    block = read_block(connection, stream, number)
    now = _now(connection, stream, number)
    if block is None or redactions.root(stream, number, block.root) != now:
        raise RecordUnsafe(
            "audit-differs",
            f"block {number} of stream {stream} is not what was sealed, so nothing was taken out: "
            "cohort audit verify",
        )
    return now


def _now(connection: Connection, stream: str, number: int) -> bytes:
    block = read_block(connection, stream, number)
    return seal_text(text_of_block(connection, block)).root if block else b""


def _marks(connection: Connection, rows: Rows) -> dict[str, dict[Key, bytes]]:
    return {table.name: dict(read_marks(connection, table, keys)) for table, keys in rows.items()}


def _by_chain(
    connection: Connection, rows: Rows, blocks: Collection[tuple[str, int]]
) -> dict[str, _Chain]:
    """In which chain each row and block is sealed."""
    chains: dict[str, _Chain] = defaultdict(_Chain)
    for stream, number in sorted(blocks):
        chains[stream].blocks.append(number)
    for table, keys in rows.items():
        spec = SEALED[table.name]
        for key, stream in _streams(connection, spec, keys).items():
            chains[stream].rows[table].append(key)
    return chains


def _streams(connection: Connection, spec: Any, keys: Collection[Key]) -> dict[Key, str]:
    """Of a campaign's rows that campaign's, of an operation's that operation's, of all others the system's."""
    if not isinstance(spec, Row):
        owner = {"campaign_id": "campaign", "operation_id": "operation"}.get(spec.owned_by)
        return {key: f"{owner}-{key}" if owner else SYSTEM for key in keys}
    if spec.of is None:
        return dict.fromkeys(keys, SYSTEM)
    key, of = spec.table.c[spec.key], spec.table.c[spec.of]
    found = connection.execute(sa.select(key, of).where(key.in_(list(keys)))).tuples()
    return {number: f"{spec.subject}-{owner}" for number, owner in found}
