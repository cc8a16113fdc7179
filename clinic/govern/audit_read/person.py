"""
Who is meant by an identifier that an auditor types, and which identifiers the practice knows a person by.

Looked up when the trail is read and never sealed: what is written down of a look-up is our own key.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.record.bulk import is_any_of
from clinic.record.schema.change import operation_item
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient

_LONGEST_KEY = 18  # digits


def person_of(connection: Connection, given: str) -> int:
    """
    The key of the patient of this NHS number, record number or key: the first of the three that is one's.

    Raises:
        NotFound: it is nobody's; what was typed is not repeated
    """
    typed = given.strip()
    packed = typed.replace(" ", "").replace("-", "")
    for column, text in ((patient.c.nhs_number, packed), (patient.c.local_id, typed)):
        key = connection.scalar(sa.select(patient.c.id).where(column == text))
        if key is not None:
            return int(key)
    if typed.isascii() and typed.isdecimal() and len(typed) <= _LONGEST_KEY:
        number = int(typed)
        # Also of somebody who is not in the record any more, but in the trail
        for column in (patient.c.id, operation_item.c.patient_id, message.c.patient_id):
            if connection.scalar(sa.select(column).where(column == number).limit(1)) is not None:
                return number
    raise NotFound(
        "patient-unknown",
        "no patient of the record has this NHS number, record number or key: check it for a slip",
    )


def identifiers(
    connection: Connection, patients: Collection[int]
) -> dict[int, tuple[str | None, str | None]]:
    """NHS number and record number of those who are in the record."""
    p = patient.c
    rows = connection.execute(
        sa.select(p.id, p.nhs_number, p.local_id).where(is_any_of(p.id, list(patients)))
    )
    return {key: (nhs_number, local_id) for key, nhs_number, local_id in rows}
