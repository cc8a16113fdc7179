"""
Who may not be contacted by a channel for their safety, and the number that is safe (NEW-26).

Somebody at home may read a patient's messages. What staff, an import or a tag say of that is obeyed at the
check and once more at the moment of sending, and is told nowhere: those left out are `no_contact`, as those are
whose preference is No Contact; and a safe number is hidden wherever numbers are shown
(clinic/record/safe_numbers.py; docs/decisions/0031-safe-contact.md). Set in clinic/practice/safe_contact.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.record.bulk import among_ids, given_ids
from clinic.record.schema.people import patient_tag, tag
from clinic.record.schema.safety import safe_contact


def restricted(
    channel: str, tags: Sequence[str], patients: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """
    The ids among `patients` who may not be contacted by this channel.

    Args:
        tags: codes of tags that say so of whoever has one (contact.restricted_tags)
    """
    own = sa.select(safe_contact.c.patient_id).where(
        safe_contact.c.ended_at.is_(None),
        safe_contact.c[channel].is_(False),
        safe_contact.c.patient_id.in_(patients),
    )
    if not tags:
        return own
    both = sa.union_all(own, _tagged(tags, patients)).subquery()
    return sa.select(both.c[0])


def _tagged(tags: Sequence[str], patients: sa.Select[tuple[int]]) -> sa.Select[tuple[int]]:
    return (
        sa.select(patient_tag.c.patient_id)
        .join(tag, tag.c.id == patient_tag.c.tag_id)
        .where(tag.c.code.in_(tags), patient_tag.c.patient_id.in_(patients))
    )


def safe_number(patient_id: ColumnElement[int]) -> ColumnElement[str | None]:
    """The number that is safe for this patient; NULL where none was named."""
    return (
        sa.select(safe_contact.c.number)
        .where(safe_contact.c.patient_id == patient_id, safe_contact.c.ended_at.is_(None))
        .scalar_subquery()
    )


def read_safe_contact(
    connection: Connection, patients: pd.Series[int], channel: str, tags: Sequence[str]
) -> pd.DataFrame:
    """
    What is to be obeyed for these rows.

    Args:
        patients: their ids, Int64, empty where nobody is found

    Returns:
        same index: `restricted` bool, and `number`: the one that is safe, "" where none was named
    """
    own = safe_contact.c
    known = sa.select(own.patient_id, own[channel].label("allowed"), own.number).where(
        own.ended_at.is_(None)
    )
    said = connection.execute(among_ids(connection, known, own.patient_id, patients)).all()
    found = {row.patient_id for row in said if not row.allowed}
    if tags:
        ids = patients.dropna().unique().tolist()
        found.update(connection.scalars(_tagged(tags, sa.select(given_ids(ids).c.id))))
    numbers = {row.patient_id: row.number for row in said if row.number and channel != "email"}
    result = pd.DataFrame(
        {"restricted": False, "number": pd.Series("", patients.index, dtype="str")},
        index=patients.index,
    )
    if found:
        result["restricted"] = patients.isin(list(found)).to_numpy(dtype=bool)
    if numbers:
        safe = [numbers.get(key, "") for key in patients.tolist()]
        result["number"] = pd.Series(safe, patients.index, dtype="str")
    return result
