"""
Legal hold: of a patient, campaign or list nothing goes, whatever its age, until a person lifts it.

A court, an inquiry, an incident or a complaint needs what the clock would take. Who placed it and who lifted
it is on the trail; why stands here, in a person's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.govern import legal_hold
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import patient

Subject = Literal["patient", "campaign", "list"]
_TABLES: Final = {"patient": patient, "campaign": campaign, "list": cohort_list}
PLACED: Final = "hold.placed"
LIFTED: Final = "hold.lifted"


@dataclass(frozen=True)
class Hold:
    """A hold; `lifted_at` is empty while it holds."""

    id: int
    subject: str
    subject_id: int
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


def place_hold(
    record: Record, clock: Clock, subject: Subject, subject_id: int, *, reason: str, by: str
) -> int:
    """
    Hold everything of it; the hold's number.

    Raises:
        NotFound: there is no such patient, campaign or list
        NotAllowed: no reason
    """
    if len(reason.strip()) < 3:
        raise NotAllowed("legal-hold-reason", "say why it is held: --reason")
    with record.write() as connection:
        table = _TABLES[subject]
        if connection.scalar(sa.select(table.c.id).where(table.c.id == subject_id)) is None:
            raise NotFound("legal-hold-nothing", f"there is no {subject} {subject_id} to hold")
        values = {
            "subject": subject, "subject_id": subject_id, "reason": reason.strip(), "placed_by": by,
            "placed_at": clock.now(),
        }  # fmt: skip
        new = sa.insert(legal_hold).values(values).returning(legal_hold.c.id)
        number = int(connection.execute(new).scalar_one())
        _tell(connection, clock, PLACED, number, subject, subject_id, by)
    return number


def lift_hold(record: Record, clock: Clock, number: int, *, by: str) -> Hold:
    """
    End a hold: the clock counts again.

    Raises:
        NotFound: there is no such hold
        NotAllowed: it was lifted before
    """
    with record.write() as connection:
        found = [one for one in _holds(connection, everything=True) if one.id == number]
        if not found:
            raise NotFound(
                "legal-hold-unknown", f"there is no hold {number}; see: cohort retention holds"
            )
        if found[0].lifted_at is not None:
            raise NotAllowed(
                "legal-hold-lifted", f"hold {number} was lifted by {found[0].lifted_by} before"
            )
        connection.execute(
            sa.update(legal_hold)
            .where(legal_hold.c.id == number)
            .values(lifted_by=by, lifted_at=clock.now())
        )
        _tell(connection, clock, LIFTED, number, found[0].subject, found[0].subject_id, by)
    return found[0]


def list_holds(record: Record, *, everything: bool = False) -> list[Hold]:
    """What is held, oldest first; with `everything` also what was."""
    with record.read() as connection:
        return _holds(connection, everything=everything)


def _holds(connection: Connection, *, everything: bool) -> list[Hold]:
    query = sa.select(*(legal_hold.c[name] for name in Hold.__dataclass_fields__))
    if not everything:
        query = query.where(legal_hold.c.lifted_at.is_(None))
    return [Hold(*row) for row in connection.execute(query.order_by(legal_hold.c.id))]


def _tell(
    connection: Connection, clock: Clock, what: str, number: int, subject: str, key: int, by: str
) -> None:
    act = Act(
        operator=by, operation_type=what, subject="hold", subject_id=number,
        new_values={"of": subject, "number": key}, patients_affected=int(subject == "patient"),
    )  # fmt: skip
    record_act(connection, clock, act, rows={legal_hold: [number]})
