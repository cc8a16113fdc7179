"""
Who deals with a reply, and what came of it: open, being dealt with, done; each step is an act of the trail.

    open ──► in_hand ──► done          taken or assigned; closed with a note
      ▲          │          │
      └──────────┴──────────┘          reopened

The note is a person's words about a patient: it stays with the reply, and the trail has its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.message.eligibility.decisions import (
    Decision,
    decide_addresses,
    find_sharers,
)
from clinic.message.incoming.replies import DONE, IN_HAND, OPEN
from clinic.message.incoming.shared_stop import Asked, take_in
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.receipts import reply
from clinic.settings import Phones


@dataclass(frozen=True)
class Waiting:
    """How many replies wait: open, being dealt with, open or being dealt with and marked; since when."""

    open: int
    in_hand: int
    marked: int
    oldest: datetime | None


class _From(NamedTuple):
    """A reply's number or address."""

    id: int
    channel: str
    address: str


def count_waiting(record: Record) -> Waiting:
    """What is not done, for the day's overview."""
    c = reply.c
    with record.read() as connection:
        row = connection.execute(
            sa.select(
                sa.func.count().filter(c.state == OPEN),
                sa.func.count().filter(c.state == IN_HAND),
                sa.func.count().filter(sa.func.coalesce(c.marks, "") != ""),
                sa.func.min(c.received_at),
            ).where(c.state != DONE)
        ).one()
    return Waiting(*row)


def assign(record: Record, clock: Clock, number: int, owner: str, *, by: str) -> None:
    """
    Somebody deals with a reply from now on. Again: nothing.

    Raises:
        NotFound: there is no such reply
        NotAllowed: the practice has operators, and the owner is none of the active ones
    """
    with record.write() as connection:
        _require_operator(connection, owner)
        _step(connection, clock, number, "assigned", by, state=IN_HAND, owner=owner)


def close(
    record: Record, clock: Clock, numbers: Sequence[int], note: str, *, by: str,
    opt_out: Phones | None = None,
) -> None:  # fmt: skip
    """
    Replies are done, and what was done. Again: nothing.

    Args:
        opt_out: how numbers are read, where the patient asked for no more messages in other words: then
            it counts like STOP

    Raises:
        NotFound: there is no such reply
        NotAllowed: nothing is noted
    """
    if len(note.strip()) < 3:
        raise NotAllowed("note-missing", "say what was done about it: --note")
    with record.write() as connection:
        for number in numbers:
            told = {"opted_out": True} if opt_out is not None else {}
            step = {"state": DONE, "note": note.strip()}
            moved = _step(connection, clock, number, "closed", by, told=told, **step)
            if moved is not None and opt_out is not None:
                _opt_out(connection, moved, opt_out, clock.now())


def reopen(record: Record, clock: Clock, number: int, *, by: str) -> None:
    """
    A reply is open again, and nobody's. Again: nothing.

    Raises:
        NotFound: there is no such reply
    """
    with record.write() as connection:
        _step(connection, clock, number, "reopened", by, state=OPEN, owner=None)


def _step(
    connection: Connection, clock: Clock, number: int, what: str, by: str, *,
    told: dict[str, Any] | None = None, **values: Any,
) -> _From | None:  # fmt: skip
    """Note the step with its act; where it came from, or None where it is so already."""
    which = reply.c.id == number
    known = connection.execute(sa.select(reply).where(which).with_for_update()).one_or_none()
    if known is None:
        raise NotFound("reply-unknown", f"there is no reply {number}; see: cohort replies")
    if all(getattr(known, name) == value for name, value in values.items()):
        return None
    noted = {"state_by": by, "state_at": clock.now()}
    connection.execute(sa.update(reply).where(which).values(**values, **noted))
    shown = {name: value for name, value in values.items() if name != "note"} | (told or {})
    if "note" in values:
        shown["note_sha256"] = hashlib.sha256(values["note"].encode()).hexdigest()
    act = Act(
        operator=by,
        operation_type=f"reply.{what}",
        subject="reply",
        subject_id=number,
        old_values={"state": known.state, "owner": known.owner},
        new_values=shown,
    )
    record_act(connection, clock, act)
    return _From(known.id, known.channel, known.address)


def _opt_out(connection: Connection, row: _From, phones: Phones, now: datetime) -> None:
    """As STOP does: the number, and the patient who sent it (shared_stop.py)."""
    decided = Decision(row.channel, row.address, "opt_out", now, f"reply {row.id}")
    decide_addresses(connection, [decided])
    sharers = find_sharers(connection, row.channel, [row.address], phones)[row.address]
    asked = Asked(row.id, "stop", row.channel, row.address, now, sharers)
    take_in(connection, [asked], source="staff")


def _require_operator(connection: Connection, name: str) -> None:
    active = set(connection.scalars(sa.select(operator.c.name).where(operator.c.active)))
    if active and name not in active:
        raise NotAllowed(
            "owner-unknown",
            "only an active operator can be given a reply; see: cohort operators list",
        )
