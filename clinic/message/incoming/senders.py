"""
Who may have written from a number or address: whoever has it, and those whose proxy has it.

A number that is safe for a patient (NEW-26) is theirs, whatever number is on the record. A proxy with consent
(NEW-32) reads what is written to the patient, and is not the patient: what they answer is another's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.message.eligibility.decisions import find_sharers
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.receipts import reply
from clinic.record.schema.safety import safe_contact
from clinic.settings import Phones
from clinic.values.phone import judge_for


class Senders(NamedTuple):
    """`patients`: who have the number, and may have written; `proxied`: whose proxy has it, with consent."""

    patients: Sequence[int]
    proxied: Sequence[int] = ()

    @property
    def all(self) -> list[int]:
        """Everybody who is messaged on it."""
        return sorted({*self.patients, *self.proxied})


def find_senders(
    connection: Connection, channel: str, addresses: Sequence[str], phones: Phones
) -> dict[str, Senders]:
    """Of each number or address: who has it now, by the record or as a safe one, and whose proxy has it."""
    owners = find_sharers(connection, channel, addresses, phones)
    if channel != "email":
        for key, number in read_safe(connection, safe_contact.c.number, sorted(owners)):
            owners[number] = sorted({*owners[number], key})
    n = patient_need.c
    text = n.proxy_email if channel == "email" else n.proxy_mobile
    rows = connection.execute(
        sa.select(n.patient_id, text).where(n.proxy_consent, text.is_not(None))
    ).all()
    texts = pd.Series([row[1] for row in rows], dtype="str")
    judged = judge_for(channel, texts, phones)
    proxied: dict[str, list[int]] = {}
    for row, address in zip(rows, judged["address"].tolist(), strict=True):
        proxied.setdefault(address, []).append(row[0])
    return {
        address: Senders(ids, sorted(set(proxied.get(address, ())).difference(ids)))
        for address, ids in owners.items()
    }


def read_safe(
    connection: Connection, column: ColumnElement[Any], values: Sequence[Any]
) -> list[tuple[int, str]]:
    """Patient and number, of the numbers that are safe now; column: of `safe_contact`, to be one of these."""
    own = safe_contact.c
    query = sa.select(own.patient_id, own.number).where(
        own.ended_at.is_(None), own.number.is_not(None), is_any_of(column, values)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def senders_of(record: Record, replies: Sequence[int], phones: Phones) -> frozenset[int]:
    """Whoever these replies may be of: for the access log, since a list of replies names nobody."""
    found: set[int] = set()
    with record.read() as connection:
        query = sa.select(reply.c.channel, reply.c.address).where(is_any_of(reply.c.id, replies))
        rows = connection.execute(query.distinct()).tuples().all()
        for channel in {channel for channel, _ in rows}:
            addresses = [address for each, address in rows if each == channel]
            for senders in find_senders(connection, channel, addresses, phones).values():
                found.update(senders.all)
    return frozenset(found)
