"""
What redactions allow: which block now seals what, and whose marks are others, each by a decision of two people.

    block 3 (root A) … block 9: an act "redaction" that says: block 3 was A and is B, marks of these rows were …

A value that was sealed is taken out by two people, and the chain stays as it is: the old block keeps its root,
and a later one names it, its old and new root, requester, approver and why. `verify` accepts exactly
that. An act of the sort without an approval of its digest in the trail, or a line of the list of erasures that
bears our seal, is an error of its own. Made by clinic/govern/redact/sealed.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.audit.faults import Fault
from clinic.govern.audit.tables import Key
from clinic.record.database import key_of
from clinic.record.schema.govern import audit_act

REDACTION: Final = "redaction"  # the type of its acts
ERASED_LIST: Final = "erased.list"  # in the home; written by clinic/personal_data/erase/said.py
KINDS: Final = ("erasure", "retention")  # of approvals that may be for one
_PERSON: Final = b"cohort list of erasures"


@dataclass(frozen=True)
class Decided:
    """An act of what two people decided; proof: their approval, or the line of the list of erasures."""

    stream: str
    number: int
    asked_by: str
    approved_by: str
    proof: Mapping[str, Any]


@dataclass(frozen=True)
class Redacted(Decided):
    """
    One such act.

    blocks: number of a block of its chain → the root that it had, and the one that it has now
    rows: table → key → the mark that the row had, by which nothing is sealed again that was edited before
    """

    blocks: Mapping[int, tuple[bytes, bytes]]
    rows: Mapping[str, Mapping[Key, bytes]]


@dataclass(frozen=True)
class Redactions:
    """All of them, in the order of their chains."""

    acts: tuple[Redacted, ...] = ()
    _by_place: dict[tuple[str, int], Redacted] = field(default_factory=dict)

    def root(self, stream: str, number: int, root: bytes) -> bytes | None:
        """What the rows of a block must be now; None: the redactions of it contradict each other."""
        for act in self.acts:
            if act.stream == stream and number in act.blocks:
                before, after = act.blocks[number]
                if before != root:
                    return None
                root = after
        return root

    def rows(self, stream: str, number: int) -> Mapping[str, Mapping[Key, bytes]]:
        """Of this act: whose marks may be others from here on, and what those were."""
        act = self._by_place.get((stream, number))
        return act.rows if act else {}


def read_redactions(connection: Connection, stream: str | None = None) -> Redactions:
    """Every act that says so, of one chain or of all; whether it is sealed is for the chain to say."""
    c = audit_act.c
    query = sa.select(audit_act).where(c.operation_type == REDACTION).order_by(c.stream, c.number)
    if stream is not None:
        query = query.where(c.stream == stream)
    acts = tuple(_read(row) for row in connection.execute(query).mappings())
    return Redactions(acts, {(act.stream, act.number): act for act in acts})


def _read(row: sa.RowMapping) -> Redacted:
    says = orjson.loads(row["new_values"] or "{}")
    return Redacted(
        **who_decided(row, says),
        blocks={
            number: (bytes.fromhex(before), bytes.fromhex(after))
            for number, before, after in says.get("blocks", ())
        },
        rows={
            table: {key: bytes.fromhex(mark) for key, mark in marks}
            for table, marks in says.get("rows", {}).items()
        },
    )


def who_decided(row: sa.RowMapping, says: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Decided`, of an act's row and of what it says."""
    return {
        "stream": row["stream"],
        "number": row["number"],
        "asked_by": row["operator"],
        "approved_by": row["approver"] or "",
        "proof": {name: says.get(name) for name in ("approval", "kind", "of", "digest", "said")},
    }


def unapproved(connection: Connection, acts: Iterable[Decided]) -> Iterator[Fault]:
    """Redactions and removals that no two people decided, as far as the trail and our seal tell."""
    for act in acts:
        said = act.proof["said"]
        proven = is_ours(connection, said) if said else _is_approved(connection, act)
        if not proven or not act.approved_by or act.approved_by == act.asked_by:
            yield Fault("redaction-unapproved", act.stream, act.number)


def _is_approved(connection: Connection, act: Decided) -> bool:
    """Whether the trail has the approval, and that it was used: of this kind, digest and two people."""
    c = audit_act.c
    found = connection.execute(
        sa.select(c.operation_type, c.new_values).where(
            c.subject == "approval", c.subject_id == act.proof["approval"],
            c.operator == act.asked_by, c.approver == act.approved_by, c.outcome == "done",
        )
    )  # fmt: skip
    steps = set()
    for step, values in found:
        says = orjson.loads(values or "{}")
        same = [says.get("kind"), says.get("digest"), [says.get("subject"), says.get("subject_id")]]
        wanted = [act.proof["kind"], act.proof["digest"], act.proof["of"]]
        if same == wanted and says.get("kind") in KINDS:
            steps.add(step)
    return {"approval.approved", "approval.used"} <= steps


def seal_of_line(connection: Connection, says: Mapping[str, Any]) -> str:
    """The seal of a line of the list of erasures: what it says, under the key of the trail."""
    text = _PERSON + orjson.dumps(dict(says), option=orjson.OPT_SORT_KEYS)
    return hmac.digest(key_of(connection) or b"no key", text, "sha256").hex()


def is_ours(connection: Connection, line: str) -> bool:
    """Whether a line of the list of erasures bears our seal."""
    try:
        says = orjson.loads(line)
        sealed = str(says.pop("seal"))
    except (orjson.JSONDecodeError, KeyError, AttributeError):
        return False
    return hmac.compare_digest(sealed, seal_of_line(connection, says))
