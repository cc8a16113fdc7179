"""
A number or address that was changed in the record since the list was checked is the one that is used (ACX-36).

A campaign may wait for weeks, and the old number may be somebody else's by then. Asked in the intent, of
rows whose address is the record's; one that is on the list alone is the list's, and stays, unless the patient
has a safe number now (NEW-26), which goes before any other. A proxy's is read again each time, since their
consent may be withdrawn and the patient's own record stay as it is (NEW-32). Whose new number cannot be used is
left out with the reason, as they would have been at the check.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from clinic.message import states
from clinic.message.eligibility.safe_contact import safe_number
from clinic.message.eligibility.suppress import count_suppressed
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import patient
from clinic.settings import Phones
from clinic.values.phone import judge_for

# In the place of a patient's version: the address is a proxy's
OF_PROXY: Final = -1


def readdress(
    connection: Connection, batch_id: int, channel: str, phones: Phones
) -> dict[str, list[int]]:
    """
    Send the batch's waiting messages where the record says now; those that cannot be sent there, by fault.

    One statement finds patients who were written to since, and only their numbers are judged again.
    """
    rows = connection.execute(_of_a_batch(channel), {"this_batch": batch_id}).all()
    moved: list[tuple[int, str]] = []
    faults: dict[str, list[int]] = {}
    for key, address, fault in _differing(rows, channel, phones):
        if fault:
            faults.setdefault(fault, []).append(key)
        else:
            moved.append((key, address))
    update_rows(connection, message, ["id", "address"], moved)
    return faults


def no_longer_proxys(
    connection: Connection, which: ColumnElement[bool], channel: str, phones: Phones
) -> list[int]:
    """Of these messages: those to a proxy to whom they would not be sent now; they cannot be sent elsewhere."""
    to_proxy = _written_since(channel).where(which, _read_at() == OF_PROXY)
    rows = connection.execute(to_proxy).all()
    return [key for key, _, _ in _differing(rows, channel, phones)]


def _differing(
    rows: Sequence[Row[tuple[int, str, str | None]]], channel: str, phones: Phones
) -> Iterator[tuple[int, str, str]]:
    """Those whose address would be another now, with that one, and what is wrong with it."""
    if not rows:
        return
    texts = pd.Series([row.text or "" for row in rows], dtype="str")
    judged = judge_for(channel, texts, phones)
    for row, address, fault in zip(rows, judged["address"], judged["fault"], strict=True):
        if fault or address != row.address:
            yield row.id, address, fault


def _read_at() -> sa.ScalarSelect[int | None]:
    """Of a message: the patient's version when its address was read from the record."""
    return (
        sa.select(recipient.c.record_version)
        .where(
            recipient.c.campaign_id == message.c.campaign_id,
            recipient.c.row_number == message.c.row_number,
        )
        .scalar_subquery()
    )


@functools.cache
def _written_since(channel: str) -> sa.Select[tuple[int, str, str | None]]:
    """
    Messages to the record's address, of patients of whom anything was changed since it was read; those to a
    proxy; and those to another number than the one that is safe.

    Looked up by primary keys, message by message: a join might read the whole campaign for each batch.
    """
    of_patient = patient.c.id == message.c.patient_id
    field = patient.c.email if channel == "email" else patient.c.mobile
    text: sa.ColumnElement[str | None] = sa.select(field).where(of_patient).scalar_subquery()
    need = patient_need.c
    proxys = need.proxy_email if channel == "email" else need.proxy_mobile
    by_proxy = sa.select(proxys).where(need.patient_id == message.c.patient_id, need.proxy_consent)
    text = sa.case((by_proxy.exists(), by_proxy.scalar_subquery()), else_=text)
    unsafe: sa.ColumnElement[bool] = sa.false()
    if channel != "email":
        safe = safe_number(message.c.patient_id)
        text, unsafe = sa.func.coalesce(safe, text), safe != message.c.address
    version = sa.select(patient.c.version).where(of_patient)
    return sa.select(
        message.c.id,
        message.c.address,
        text.label("text"),
    ).where(sa.or_(version.scalar_subquery() != _read_at(), unsafe))


@functools.cache
def _of_a_batch(channel: str) -> sa.Select[tuple[int, str, str | None]]:
    """Made once a channel: it is asked with each batch (clinic/record/statements/made.py)."""
    return _written_since(channel).where(
        message.c.batch_id == sa.bindparam("this_batch"), message.c.state == states.PENDING
    )


def suppress_unreachable(
    connection: Connection, batch_id: int, faults: dict[str, list[int]], now: datetime
) -> int:
    """Suppress those that `readdress` found no way to, and that still wait; how many."""
    count = 0
    for fault, references in sorted(faults.items()):
        count += connection.execute(
            sa.update(message)
            .where(is_any_of(message.c.id, references), message.c.state == states.PENDING)
            .values(state=states.SUPPRESSED, reason=fault, status_at=now)
        ).rowcount
    count_suppressed(connection, batch_id, count)
    return count
