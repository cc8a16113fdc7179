"""What is looked at: one patient, those of a campaign, an operation, a selection, or some by their keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.bulk import is_any_of
from clinic.record.schema.change import operation_item
from clinic.record.schema.messages import recipient
from clinic.record.schema.people import patient


@dataclass(frozen=True)
class Look:
    """
    What is shown, before it is.

    Args:
        subject, number: "patient" 17, "campaign" 3, "replies"; the number of nothing: None
        patients: how many are shown
        keys: who they are, where the subject does not say for ever: its patients come and go, or only some
            of them are shown
        sent_from, sent_before: of a report of all campaigns: which days it is of
    """

    subject: str
    number: int | None = None
    patients: int = 0
    keys: frozenset[int] = frozenset()
    sent_from: datetime | None = None
    sent_before: datetime | None = None


def at_patient(key: int) -> Look:
    """One patient."""
    return Look("patient", key, 1, frozenset({key}))


def at_some(subject: str, keys: Iterable[int], number: int | None = None) -> Look:
    """These patients, of what they are shown in."""
    known = frozenset(keys)
    return Look(subject, number, len(known), known)


def at_all(subject: str, number: int, patients: int) -> Look:
    """All patients of what the record knows for ever: a campaign, an operation, a selection."""
    return Look(subject, number, patients)


def count_changed(connection: Connection, operation_id: int | None) -> int:
    """How many patients an operation has in its plan, or all of them together."""
    i = operation_item.c
    query = sa.select(sa.func.count(i.patient_id.distinct()))
    if operation_id is not None:
        query = query.where(i.operation_id == operation_id)
    return int(connection.scalar(query) or 0)


def known_as(connection: Connection, ids: Collection[str | None]) -> frozenset[int]:
    """The patients of these NHS numbers and ids of the practice, as they were shown; of neither: by key."""
    wanted = sorted({each for each in ids if each})
    if not wanted:
        return frozenset()
    p = patient.c
    keys = [int(each) for each in wanted if each.isascii() and each.isdecimal()]
    without = p.nhs_number.is_(None) & p.local_id.is_(None) & is_any_of(p.id, keys)
    query = sa.select(p.id).where(
        is_any_of(p.nhs_number, wanted) | is_any_of(p.local_id, wanted) | without
    )
    return frozenset(connection.scalars(query))


def of_rows(connection: Connection, campaign_id: int, rows: Sequence[int]) -> frozenset[int]:
    """The patients of these rows of a campaign's list; a row of nobody who is known has none."""
    r = recipient.c
    query = sa.select(r.patient_id).where(
        r.campaign_id == campaign_id, is_any_of(r.row_number, rows), r.patient_id.is_not(None)
    )
    return frozenset(connection.scalars(query))
