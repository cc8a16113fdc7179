"""
A patient whose data are kept and not used: asked by one, approved by another; and so its end.

Obeyed at the check and once more at the sending, by operations and by exports (clinic/govern/restricted.py).
Who was erased is restricted for ever: nothing is left to be used.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.audit.trail import Act, record_act
from clinic.record.schema.govern import restriction


def set_restriction(
    connection: Connection,
    clock: Clock,
    patient_id: int,
    *,
    ground: str,
    asked_by: str,
    approved_by: str,
) -> None:
    """Restrict, in the caller's transaction. Again: nothing."""
    if in_force(connection, patient_id) is not None:
        return
    made = sa.insert(restriction).values(
        patient_id=patient_id, ground=ground, asked_by=asked_by, approved_by=approved_by,
        set_at=clock.now(),
    )  # fmt: skip
    number = int(connection.execute(made.returning(restriction.c.id)).scalar_one())
    _tell(connection, clock, number, "restriction.set", asked_by, approved_by, ground)


def lift_restriction(
    connection: Connection,
    clock: Clock,
    patient_id: int,
    *,
    ground: str,
    asked_by: str,
    approved_by: str,
) -> None:
    """End it, in the caller's transaction. Where there is none: nothing."""
    number = in_force(connection, patient_id)
    if number is None:
        return
    values: dict[str, Any] = {
        "lifted_at": clock.now(), "lifted_by": asked_by, "lift_approved_by": approved_by,
        "lift_ground": ground,
    }  # fmt: skip
    connection.execute(sa.update(restriction).where(restriction.c.id == number).values(**values))
    _tell(connection, clock, number, "restriction.lifted", asked_by, approved_by, ground)


def in_force(connection: Connection, patient_id: int) -> int | None:
    """The number of the restriction that holds for this patient."""
    c = restriction.c
    holds = (c.patient_id == patient_id) & c.lifted_at.is_(None)
    found: int | None = connection.scalar(sa.select(c.id).where(holds))
    return found


def _tell(
    connection: Connection,
    clock: Clock,
    number: int,
    step: str,
    asked: str,
    approved: str,
    why: str,
) -> None:
    act = Act(
        operator=asked, approver=approved, operation_type=step, subject="restriction",
        subject_id=number, patients_affected=1, reason=why,
    )  # fmt: skip
    record_act(connection, clock, act, rows={restriction: [number]})
