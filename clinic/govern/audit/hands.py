"""That a person let go on what stood still, on the audit trail: who, and what. Changes nothing itself."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record


def tell_resumed(
    record: Record, clock: Clock, *, by: str, subject: str, subject_id: int | None = None
) -> None:
    """Note that a proven person let this go on."""
    act = Act(
        operator=by, operation_type=f"{subject}.resumed", subject=subject, subject_id=subject_id
    )
    with record.write() as connection:
        record_act(connection, clock, act)
