"""
Numbers that staff confirm: asked again at 13 and at 16, when what was a parent's may have become one's own.

`patient.mobile_confirmed_on` says when the number was last recorded or confirmed: by an import that brings
another one, when a list's is taken over, and by staff, here. Empty: nobody knows (standing.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.tied import require_theirs
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import patient


def confirm_numbers(record: Record, clock: Clock, patients: Sequence[int], *, by: str) -> int:
    """
    Note that these patients confirmed today that the number on their record is their own; how many were noted.

    Again on the same day: nothing.

    Raises:
        NotAllowed: one of them has no number on the record
    """
    today = clock.now().date()
    own = is_any_of(patient.c.id, patients)
    with record.write() as connection:
        require_theirs(connection, by, keys=patients)
        lacking = sa.select(patient.c.id).where(own, sa.func.coalesce(patient.c.mobile, "") == "")
        if connection.scalar(lacking.limit(1)) is not None:
            raise NotAllowed("number-missing", "one of them has no mobile number on the record")
        count = connection.execute(
            sa.update(patient)
            .where(own, patient.c.mobile_confirmed_on.is_distinct_from(today))
            .values(mobile_confirmed_on=today, version=patient.c.version + 1)
        ).rowcount
        if count:
            act = Act(
                operator=by, operation_type="patients.numbers-confirmed", subject="patients",
                patients_affected=count, new_values={"patients": count},
            )  # fmt: skip
            record_act(connection, clock, act)
    return int(count)
