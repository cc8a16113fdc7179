"""
What replies hold back, and what staff decide of it: the reply is right, or it is not (eligibility/held.py).

    held ──► released    the number is the patient's, the patient lives: they are messaged again
      │
      └────► kept        the number is another person's: it is taken off the record, and nothing is sent to it
                         any more, also where a list has it. Or the patient is deceased: nothing is sent; the
                         death is entered where the practice keeps its record: the next import brings it

Who decided, when, and a digest of why is an act of the trail. A decision can be changed by another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.message.eligibility.decisions import find_sharers
from clinic.message.eligibility.held import EVERYBODY
from clinic.message.words.marks import WRONG_NUMBER
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import contact_hold
from clinic.settings import Phones

_KINDS: Final = {"kept", "released"}


@dataclass(frozen=True)
class Hold:
    """A number, or a patient by NHS number or own id (None: all of that number), that is sent nothing."""

    id: int
    reply_id: int
    why: str
    address: str
    own_id: str | None
    name: str | None
    held_at: datetime
    state: str
    decided_by: str | None
    note: str | None


def list_holds(record: Record, *, every: bool = False, limit: int = 50) -> list[Hold]:
    """What nobody has decided yet, the oldest first; every: what was decided too."""
    query = _holds().limit(limit)
    if not every:
        query = query.where(contact_hold.c.state == "held")
    with record.read() as connection:
        return [Hold(*row) for row in connection.execute(query)]


def one_hold(record: Record, number: int) -> Hold:
    """
    One of them, decided or not.

    Raises:
        NotFound: there is no such hold
    """
    with record.read() as connection:
        found = connection.execute(_holds().where(contact_hold.c.id == number)).one_or_none()
    if found is None:
        raise _unknown(number)
    return Hold(*found)


def _unknown(number: int) -> NotFound:
    return NotFound("hold-unknown", f"there is no hold {number}; see: cohort holds")


def _holds() -> sa.Select[Any]:
    h, p = contact_hold.c, patient.c
    name = sa.func.trim(
        sa.func.coalesce(p.given_name, "") + " " + sa.func.coalesce(p.family_name, "")
    )
    return (
        sa.select(
            h.id, h.reply_id, h.why, shown(h.address), sa.func.coalesce(p.nhs_number, p.local_id),
            sa.case((p.id.is_not(None), name)), h.held_at, h.state, h.decided_by, h.note,
        )
        .select_from(contact_hold.outerjoin(patient, p.id == h.patient_id))
        .order_by(h.id)
    )  # fmt: skip


def count_undecided(record: Record) -> int:
    """How many wait for a decision."""
    query = sa.select(sa.func.count()).where(contact_hold.c.state == "held")
    with record.read() as connection:
        return int(connection.scalar(query) or 0)


def decide_hold(
    record: Record, clock: Clock, number: int, state: str, note: str, *, by: str, phones: Phones
) -> int:
    """
    Decide what a reply holds back; of how many patients the number was taken off the record. Again: nothing.

    Args:
        state: "released" or "kept"

    Raises:
        NotFound: there is no such hold
        NotAllowed: nothing is noted
    """
    if state not in _KINDS:
        raise ValueError("a hold is released or kept")
    if len(note.strip()) < 3:
        raise NotAllowed("note-missing", "say how you know: --note")
    which = contact_hold.c.id == number
    with record.write() as connection:
        found = connection.execute(
            sa.select(contact_hold).where(which).with_for_update()
        ).one_or_none()
        if found is None:
            raise _unknown(number)
        if found.state == state:
            return 0
        connection.execute(
            sa.update(contact_hold)
            .where(which)
            .values(state=state, decided_by=by, decided_at=clock.now(), note=note.strip())
        )
        is_number = found.why == WRONG_NUMBER and found.patient_id == EVERYBODY
        taken = 0
        if state == "kept" and is_number:
            taken = _take_off(connection, found.channel, found.address, phones)
        act = Act(
            operator=by,
            operation_type=f"hold.{state}",
            subject="hold",
            subject_id=number,
            patients_affected=taken,
            old_values={"state": found.state},
            new_values={
                "state": state,
                "reply": found.reply_id,
                "why": found.why,
                "note_sha256": hashlib.sha256(note.strip().encode()).hexdigest(),
            },
        )
        record_act(connection, clock, act)
    return taken


def _take_off(connection: Connection, channel: str, address: str, phones: Phones) -> int:
    """Empty the number or address of every patient who has it; how many."""
    ids = find_sharers(connection, channel, [address], phones)[address]
    column = patient.c.email if channel == "email" else patient.c.mobile
    done = connection.execute(
        sa.update(patient)
        .where(is_any_of(patient.c.id, ids))
        .values({column: None, patient.c.version: patient.c.version + 1})
    )
    return int(done.rowcount)
