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
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.message.eligibility.decisions import (
    Decision,
    decide_addresses,
)
from clinic.message.incoming.replies import DONE, IN_HAND, OPEN
from clinic.message.incoming.senders import find_senders
from clinic.message.incoming.shared_stop import Asked, take_in
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import address_decision, reply
from clinic.settings import Phones


@dataclass(frozen=True)
class Waiting:
    """How many replies wait: open, being dealt with, open or being dealt with and marked; since when."""

    open: int
    in_hand: int
    marked: int
    oldest: datetime | None


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
    owner = owner.strip().lower()
    with record.write() as connection:
        _require_operator(connection, owner)
        _step(connection, clock, number, "assigned", by, state=IN_HAND, owner=owner)


def close(
    record: Record, clock: Clock, numbers: Sequence[int], note: str, *, by: str,
    opt_out: Phones | None = None,
) -> None:  # fmt: skip
    """
    Replies are done, and what was done. Again: nothing, but an opt-out that was not noted then, or was lifted.

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
            if opt_out is not None:
                _opt_out(connection, clock, number, opt_out, by=None if moved else by)


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
) -> bool:  # fmt: skip
    """Note the step with its act; False where it is so already."""
    which = reply.c.id == number
    known = connection.execute(sa.select(reply).where(which).with_for_update()).one_or_none()
    if known is None:
        raise NotFound("reply-unknown", f"there is no reply {number}; see: cohort replies")
    if all(getattr(known, name) == value for name, value in values.items()):
        return False
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
    return True


def _opt_out(
    connection: Connection, clock: Clock, number: int, phones: Phones, *, by: str | None
) -> None:
    """
    As STOP does: the number, and the patient who sent it (shared_stop.py).

    by: who closed the reply before, and says only now that it counts like STOP: an act of its own
    """
    c = reply.c
    row = connection.execute(sa.select(c.channel, c.address).where(c.id == number)).one()
    channel, address, evidence, now = row.channel, row.address, f"reply {number}", clock.now()
    senders = find_senders(connection, channel, [address], phones)[address]
    if by is not None:
        if _stands(connection, channel, address, evidence, senders.all):
            return
        act = Act(
            operator=by, operation_type="reply.opted-out", subject="reply", subject_id=number,
            new_values={"opted_out": True},
        )  # fmt: skip
        record_act(connection, clock, act)
    decide_addresses(connection, [Decision(channel, address, "opt_out", now, evidence)])
    take_in(connection, [Asked(number, "stop", channel, address, now, senders)], source="staff")


def _stands(
    connection: Connection, channel: str, address: str, evidence: str, sharers: Sequence[int]
) -> bool:
    """Whether the number is opted out by this reply, and nobody who has it was opted in since."""
    own = address_decision.c
    since = connection.scalar(
        sa.select(own.decided_at).where(
            own.channel == channel, own.address == address, own.decision == "opt_out",
            own.evidence == evidence,
        )
    )  # fmt: skip
    if since is None:
        return False
    lifted = sa.select(consent.c.id).where(
        is_any_of(consent.c.patient_id, sharers), consent.c.channel == channel,
        consent.c.decision == "opt_in", consent.c.decided_at > since,
    )  # fmt: skip
    return connection.execute(lifted.limit(1)).first() is None


def _require_operator(connection: Connection, name: str) -> None:
    active = set(connection.scalars(sa.select(operator.c.name).where(operator.c.active)))
    if active and name not in active:
        raise NotAllowed(
            "owner-unknown",
            "only an active operator can be given a reply; see: cohort operators list",
        )
