"""
Numbers and patients that are sent nothing, for what a reply says, until staff decide (hazards 4 and 35).

    "wrong number"   the number, in the transaction that keeps the reply: whoever has it reads others' messages
    "she died"       the number at once, and every patient whose number it is, by every channel

Which of those who share a number is deceased is not in the reply, and a text to the bereaved is worse than a
day's wait: so all wait. Nothing is held for ever unseen: `cohort today` counts what is undecided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.words.marks import DEATH, WRONG_NUMBER
from clinic.record.bulk import among_ids, is_any_of
from clinic.record.schema.messages import message
from clinic.record.schema.receipts import contact_hold, reply
from clinic.record.told import of_teller
from clinic.record.types import UtcDateTime

HELD: Final = "held_by_reply"
HOLDING: Final = (DEATH, WRONG_NUMBER)
RELEASED: Final = "released"
EVERYBODY: Final = 0  # in the place of a patient: all to whom the number would be used
_GOT: Final = (states.ACCEPTED, states.DELIVERED, states.UNKNOWN)


def hold_numbers(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Hold the numbers of these replies whose marks say so; one that is kept already, again: nothing."""
    holding = [row for row in rows if any(why in row["marks"].split() for why in HOLDING)]
    if not holding:
        return
    h = contact_hold.c
    for why in HOLDING:
        found = sa.select(
            reply.c.id, sa.literal(why), reply.c.channel, reply.c.address, sa.literal(EVERYBODY),
            sa.literal(now, UtcDateTime()),
        ).where(
            reply.c.gateway.in_({row["gateway"] for row in holding}),
            is_any_of(reply.c.event_id, [row["event_id"] for row in holding]),
            reply.c.marks.contains(why),
            ~sa.exists().where(h.reply_id == reply.c.id, h.why == why, h.patient_id == EVERYBODY),
        )  # fmt: skip
        names = ["reply_id", "why", "channel", "address", "patient_id", "held_at"]
        connection.execute(sa.insert(contact_hold).from_select(names, found))


def find_messaged(connection: Connection, addresses: Collection[str]) -> dict[str, set[int]]:
    """
    The patients who were messaged by these numbers or addresses, whosever they are now.

    Such replies are rare: one look through the messages needs no index of their addresses. It takes long, so
    nobody may be waiting for us to have done with writing.
    """
    found: dict[str, set[int]] = {}
    if addresses:
        rows = connection.execute(
            sa.select(message.c.address, message.c.patient_id)
            .where(message.c.address.in_(addresses), of_teller("state").in_(_GOT))
            .distinct()
        )
        for address, patient_id in rows:
            found.setdefault(address, set()).add(patient_id)
    return found


def hold_patients(
    connection: Connection, replies: Iterable[tuple[int, str, str, Collection[int]]], now: datetime
) -> None:
    """
    Hold whoever may be the deceased one: those who have the number now, and those who were messaged by it.

    Args:
        replies: number, channel, address, and these patients
    """
    rows = [
        {
            "reply_id": key, "why": DEATH, "channel": channel, "address": address,
            "patient_id": whose, "held_at": now,
        }
        for key, channel, address, patients in replies
        for whose in sorted(patients)
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(contact_hold), rows)


def is_held(members: sa.Select[tuple[int]]) -> sa.ColumnElement[bool]:
    """Of a message to one of these patients: whether they are held, or nothing is sent to its address."""
    h = contact_hold.c
    numbers = sa.select(h.address).where(h.state != RELEASED, h.patient_id == EVERYBODY)
    themselves = sa.select(h.patient_id).where(h.state != RELEASED, h.patient_id.in_(members))
    return sa.or_(message.c.address.in_(numbers), message.c.patient_id.in_(themselves))


def hold_evidence() -> sa.ScalarSelect[str]:
    """Of a message: the first hold that keeps it back, "held 12"."""
    h = contact_hold.c
    number = (h.patient_id == EVERYBODY) & (h.address == message.c.address)
    first = sa.select(sa.func.min(h.id)).where(
        h.state != RELEASED, number | (h.patient_id == message.c.patient_id)
    )
    return sa.select("held " + sa.cast(first.scalar_subquery(), sa.Text)).scalar_subquery()


def held(connection: Connection, facts: pd.DataFrame) -> pd.Series[str]:
    """
    Which rows are held, by their patient or their number: the hold as evidence, else "".

    Args:
        facts: `patient_id` Int64 and `address` ("" where there is none)
    """
    h = contact_hold.c
    patients = facts["patient_id"]
    holds = sa.select(h.id, h.address, h.patient_id).where(h.state != RELEASED)
    # Those of numbers are read whole: they are few, and the numbers of a block are many
    both = sa.union_all(
        holds.where(h.patient_id == EVERYBODY),
        among_ids(connection, holds.where(h.patient_id != EVERYBODY), h.patient_id, patients),
    )
    rows = connection.execute(both.order_by(sa.desc("id"))).all()
    if not rows:
        return pd.Series("", index=facts.index, dtype="str")
    by_number = {row.address: f"held {row.id}" for row in rows if row.patient_id == EVERYBODY}
    by_patient = {row.patient_id: f"held {row.id}" for row in rows if row.patient_id != EVERYBODY}
    return pd.Series(
        [
            by_patient.get(key) or by_number.get(address, "")
            for key, address in zip(
                facts["patient_id"].tolist(), facts["address"].tolist(), strict=True
            )
        ],
        facts.index,
        dtype="str",
    )
