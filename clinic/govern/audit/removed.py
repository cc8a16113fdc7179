"""
Acts whose time was over, taken out of the trail by two people: which blocks stand without theirs, and by whom.

    block 3 … block 40 of 2018: only hash and place are left … block 901: an act "trail.removed" that says so

The chain itself stays, block for block, so that nothing else can be cut out of it unseen: a block says when
something was sealed and by which hash, and nothing of anybody. `verify` accepts exactly the blocks that such an
act names, and asks it for its approval as it asks a redaction. What hangs on an act (marks of rows that are
still here) stays and is compared. Made by clinic/retention/trail.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.audit.redacted import Decided, who_decided
from clinic.record.schema.govern import audit_act

REMOVED_ACTS: Final = "trail.removed"  # the type of its acts
_NEVER: Final = "1970-01-01T00:00:00+00:00"  # of an act that says nothing of it: not ours
Span = tuple[int, int]


@dataclass(frozen=True)
class Removal(Decided):
    """One such act. spans: chain → first and last block of each run; before: all of them were older."""

    spans: Mapping[str, list[Span]]
    count: int
    before: datetime


@dataclass(frozen=True)
class Removed:
    """What one decision took out, as `verify` says it."""

    asked_by: str
    approved_by: str
    count: int
    before: datetime


@dataclass(frozen=True)
class Removals:
    """All of them. `has`: whether a block's act was taken out."""

    acts: tuple[Removal, ...] = ()
    _spans: dict[str, list[Span]] = field(default_factory=dict)

    def has(self, stream: str, number: int) -> bool:
        """Whether two people took the act of this block out."""
        spans = self._spans.get(stream)
        if not spans:
            return False
        place = bisect_right(spans, (number, number)) - 1
        near = spans[max(place, 0) : place + 2]
        return any(first <= number <= last for first, last in near)

    def told(self) -> tuple[Removed, ...]:
        """A decision is one, in however many acts it was carried out."""
        found: dict[tuple[str, str, datetime], int] = {}
        for act in self.acts:
            key = act.asked_by, act.approved_by, act.before
            found[key] = found.get(key, 0) + act.count
        return tuple(Removed(*key[:2], count, key[2]) for key, count in sorted(found.items()))


def read_removals(connection: Connection) -> Removals:
    """Every act that says so; whether it is sealed is for the chain to say."""
    c = audit_act.c
    query = sa.select(audit_act).where(c.operation_type == REMOVED_ACTS)
    acts, spans = [], dict[str, list[Span]]()
    for row in connection.execute(query.order_by(c.stream, c.number)).mappings():
        says = orjson.loads(row["new_values"] or "{}")
        own = {
            stream: [(first, last) for first, last in runs]
            for stream, runs in says.get("blocks", {}).items()
        }
        before = datetime.fromisoformat(says.get("before") or _NEVER)
        acts.append(
            Removal(**who_decided(row, says), spans=own, count=says.get("count", 0), before=before)
        )
        for stream, runs in own.items():
            spans.setdefault(stream, []).extend(runs)
    return Removals(tuple(acts), {stream: sorted(runs) for stream, runs in spans.items()})


def spans_of(numbers: Iterable[int]) -> list[Span]:
    """Numbers as runs, in their order."""
    runs: list[Span] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
