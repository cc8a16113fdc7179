"""How addresses are shown: a number that is or was safe for a patient is not, wherever others are (NEW-26)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.record.schema.safety import safe_contact

HIDDEN: Final = "not shown"


def shown(
    address: ColumnElement[str], patient_id: ColumnElement[int] | None = None
) -> ColumnElement[str]:
    """
    An address as lists, exports and previews show it: HIDDEN where it is or was the patient's safe number.

    Args:
        patient_id: whose it is; None: anybody's, of a number that wrote to us
    """
    whose = sa.true() if patient_id is None else safe_contact.c.patient_id == patient_id
    is_safe = sa.select(safe_contact.c.id).where(safe_contact.c.number == address, whose).exists()
    return sa.case((is_safe, HIDDEN), else_=address)
