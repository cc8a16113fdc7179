"""
What the clinical record outside has of a patient, for whoever erases or restricts them (NEW-36).

Nothing there is erased from here: another system has another keeper, whom a person asks. What still waits is
not saved there while the patient is restricted, as whoever was erased always is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.bulk import is_any_of
from clinic.record.schema.systems.outside_record import outside_item, outside_push

_o, _p = outside_item.c, outside_push.c


@dataclass(frozen=True)
class Outside:
    """
    saved: messages and decisions that are there, or may be; changes: operations that changed them there;
    waiting: messages and decisions that are not there yet
    """

    saved: int
    changes: int
    waiting: int

    @property
    def says(self) -> tuple[str, ...]:
        """In sentences; none: it has nothing of them, and nothing waits."""
        found = []
        if self.saved or self.changes:
            found.append(
                f"On the record outside are {self.saved:,} messages and decisions of them, and "
                f"{self.changes:,} operations changed them there. That is not erased or restricted from here: "
                "ask whoever keeps it."
            )
        if self.waiting:
            found.append(
                f"{self.waiting:,} messages and decisions wait to be saved there: they are not, while this "
                "holds."
            )
        return tuple(found)


def outside_of(connection: Connection, patients: Collection[int]) -> Outside:
    """Count it."""
    keys = sorted(patients)
    own = is_any_of(_o.patient_id, keys)
    there = _o.remote_id.is_not(None) | (_o.state == "saved")
    saved, waiting = connection.execute(
        sa.select(sa.func.count(sa.case((there, 1))), sa.func.count(sa.case((~there, 1)))).where(
            own
        )
    ).one()
    was_changed = is_any_of(_p.patient_id, keys) & (_p.state != "put-back")
    changes = connection.scalar(sa.select(sa.func.count()).where(was_changed))
    return Outside(int(saved), int(changes or 0), int(waiting))
