"""What waits for a decision, as it concerns one person: their steps with it, and who else decides (ALC-44)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.confirming import is_confirmed
from clinic.govern.approvals.queue import deciders_of, waiting
from clinic.govern.people.roles import decider
from clinic.govern.tied import kept_subjects
from clinic.record.database import Record

Step = Literal["confirm", "approve", "reject"]


@dataclass(frozen=True)
class Waits:
    """
    A request, and who may decide it.

    proven: whether its requester has confirmed it, without which nobody approves it
    deciders: names of those who may decide; needs: whose role that at least takes
    steps: what this person may do with it now; none of what is decided already
    """

    asked: Approval
    proven: bool
    deciders: tuple[str, ...]
    needs: str
    steps: tuple[Step, ...]

    @property
    def whom(self) -> str:
        """Whom it waits for, in words."""
        if not self.proven:
            return f"{self.asked.requested_by} confirms"
        return f"waits for {', '.join(self.deciders)}"


@dataclass(frozen=True)
class Queue:
    """What this person may see of all that waits, the oldest first; others: how many more there are."""

    waits: tuple[Waits, ...]
    others: int


def waiting_for(record: Record, now: datetime, name: str) -> Queue:
    """What waits, less what has patients of other facilities than this person's (NEW-38)."""
    found = waiting(record, now)
    with record.read() as connection:
        kept = kept_subjects(connection, name, [("approval", one.id) for one in found])
    own = [one for one in found if ("approval", one.id) not in kept]
    return Queue(tuple(standing(record, own, name)), len(found) - len(own))


def standing(record: Record, found: Sequence[Approval], name: str) -> list[Waits]:
    """How these requests stand, and what this person may do with each."""
    with record.read() as connection:
        proven = {one.id: is_confirmed(connection, one) for one in found}
    who = deciders_of(record, found)
    return [_waits(one, name, tuple(who[one.id]), proven=proven[one.id]) for one in found]


def _waits(asked: Approval, name: str, names: tuple[str, ...], *, proven: bool) -> Waits:
    steps: tuple[Step, ...] = ()
    if asked.state == "waiting" and name == asked.requested_by:
        steps = () if proven else ("confirm",)
    elif asked.state == "waiting" and name in names:
        steps = ("approve", "reject") if proven else ("reject",)
    return Waits(asked, proven, names, decider(asked.kind), steps)
