"""
Who works here, looked at once a quarter: role, rights, when last here, second step, when dormant (NEW-38).

That it was looked at is on the trail: `operators.reviewed`, with how many people there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.last_use import SOON, dormant, dormant_at, uses
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import RIGHTS_OF
from clinic.govern.people.second_step import PRIVILEGED, is_enrolled
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, operator

REVIEWED: Final = "operators.reviewed"
EVERY: Final = timedelta(days=92)
MAY: Final = ("manager", "auditor", "admin")


@dataclass(frozen=True)
class Reviewed:
    """One person. second_step: None: their role needs none, and they have none."""

    name: str
    role: str
    rights: tuple[str, ...]
    active: bool
    signed_in_at: datetime | None
    used_at: datetime
    dormant_at: datetime | None
    second_step: bool | None


def review(record: Record, *, days: int) -> list[Reviewed]:
    """Everybody, disabled ones too, by name."""
    with record.read() as connection:
        last, ends = uses(connection), dormant_at(connection, days)
        rows = connection.execute(
            sa.select(operator.c.name, operator.c.role, operator.c.active).order_by(operator.c.name)
        ).all()
        return [
            Reviewed(
                row.name, row.role, tuple(sorted(RIGHTS_OF[row.role])), row.active,
                last[row.name].signed_in_at, last[row.name].used_at, ends.get(row.name),
                is_enrolled(connection, row.name) or (False if row.role in PRIVILEGED else None),
            )
            for row in rows
        ]  # fmt: skip


def note_review(record: Record, clock: Clock, *, by: Operator) -> None:
    """
    It was looked at, by whom.

    Raises:
        NotAllowed: their role does not review
    """
    require_reviewer(by)
    with record.write() as connection:
        people = connection.execute(
            sa.select(sa.func.count()).select_from(operator).where(operator.c.active)
        ).scalar_one()
        act = Act(
            operator=by.name, operation_type=REVIEWED, subject="people",
            new_values={"active": people},
        )  # fmt: skip
        record_act(connection, clock, act)


def require_reviewer(by: Operator) -> None:
    """
    Whose role does not review is told whose does.

    Raises:
        NotAllowed: this one does not
    """
    if by.role not in MAY:
        raise NotAllowed("review-role", "a manager, an auditor or an admin reviews who works here")


def to_say(connection: Connection, now: datetime, *, days: int) -> tuple[str, ...]:
    """In words: who is disabled soon because they are not here, and that the review is due."""
    ends = dormant_at(connection, days)
    said = [
        f"{name} is disabled on {ends[name]:%-d %b} unless they sign in before"
        for name in dormant(connection, days, now + SOON)
    ]
    last = connection.scalar(
        sa.select(sa.func.max(audit_act.c.timestamp)).where(audit_act.c.operation_type == REVIEWED)
    )
    begun = last or connection.scalar(sa.select(sa.func.min(operator.c.created_at)))
    if begun is not None and begun + EVERY <= now:
        said.append("the quarterly review of who works here is due: cohort operators review")
    return tuple(said)
