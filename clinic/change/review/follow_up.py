"""
What people must still do after an operation (ALC-23): listed by team, ticked and unticked on the trail.

A follow-up is named by its operation and its place there, "7.2": they are listed once, when it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.operations import get_operation
from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may, who_may, with_article
from clinic.govern.people.teams import TEAMS
from clinic.record.database import Record
from clinic.record.schema.change import follow_up

SAYS: Final = {
    "notify_facility": "Tell the facility of its new patients.",
    "notify_provider": "Tell the provider of their new patients.",
    "review_visits": "Check visits that could not be moved.",
    "assign_provider": "Choose a provider for patients who have none now.",
    "reschedule_visits": "Book the cancelled visits again.",
}
# Whose work it is
TEAM: Final = {
    "notify_facility": "managers",
    "notify_provider": "managers",
    "review_visits": "scheduling",
    "assign_provider": "reception",
    "reschedule_visits": "scheduling",
}


@dataclass(frozen=True)
class FollowUp:
    """
    One thing to be done.

    number: "7.2": the second of operation 7
    subject: the code of the facility or provider concerned, if it is of one
    """

    number: str
    operation_id: int
    team: str
    code: str
    says: str
    subject: str
    count: int
    done_at: datetime | None
    done_by: str | None


def list_follow_ups(
    record: Record, *, team: str = "", operation_id: int | None = None, closed: bool = False
) -> list[FollowUp]:
    """
    What is open, the oldest operation first; `closed`: what is done as well.

    Raises:
        NotFound: there is no such team, or no such operation
    """
    if team and team not in TEAMS:
        raise NotFound("team-unknown", f"there is no team {team}; there are: {', '.join(TEAMS)}")
    if operation_id is not None:
        get_operation(record, operation_id)
    with record.read() as connection:
        found = _read(connection, operation_id)
    return [each for each in found if (closed or each.done_at is None) and team in ("", each.team)]


def count_open(record: Record) -> int:
    """How many are open."""
    with record.read() as connection:
        found = connection.scalar(
            sa.select(sa.func.count()).select_from(follow_up).where(follow_up.c.done_at.is_(None))
        )
    return int(found or 0)


def tick(record: Record, clock: Clock, number: str, *, by: Operator, done: bool = True) -> FollowUp:
    """
    Note that it is done, or is not after all; again: nothing. Who and when is on the trail.

    Args:
        number: "7.2"
        by: a proven operator

    Raises:
        NotFound: there is none of this number
        NotAllowed: the role works with no patient's record
    """
    if not may(by.role, "request", "status"):
        raise NotAllowed(
            "follow-up-not-allowed",
            f"{with_article(by.role)} ticks no follow-ups; {who_may('request', 'status')} does",
        )
    with record.write() as connection:
        operation_id, _, place = number.partition(".")
        known = _read(connection, int(operation_id)) if operation_id.isdecimal() else []
        found = next((each for each in known if each.number == f"{operation_id}.{place}"), None)
        if found is None:
            raise NotFound(
                "follow-up-unknown", f"there is no follow-up {number}: cohort follow-ups"
            )
        now = clock.now() if done else None
        c = follow_up.c
        own = (c.operation_id == found.operation_id) & (c.code == found.code)
        moved = connection.execute(
            sa.update(follow_up)
            .where(own, c.subject == found.subject, c.done_at.is_(None) == sa.literal(done))
            .values(done_at=now, done_by=by.name if done else None)
        ).rowcount
        if moved:
            record_act(connection, clock, _act(found, by.name, done=done))
        return next(e for e in _read(connection, found.operation_id) if e.number == found.number)


def _act(found: FollowUp, by: str, *, done: bool) -> Act:
    return Act(
        operator=by,
        operation_type="follow-up.done" if done else "follow-up.reopened",
        subject="operation",
        subject_id=found.operation_id,
        new_values={"follow_up": found.code, "of": found.subject, "count": found.count},
    )


def _read(connection: Connection, operation_id: int | None) -> list[FollowUp]:
    c = follow_up.c
    place = sa.func.row_number().over(partition_by=c.operation_id, order_by=(c.code, c.subject))
    query: sa.Select[Any] = sa.select(follow_up, place.label("place"))
    if operation_id is not None:
        query = query.where(c.operation_id == operation_id)
    rows = connection.execute(query.order_by(c.operation_id, c.code, c.subject)).all()
    return [
        FollowUp(
            f"{row.operation_id}.{row.place}", row.operation_id, TEAM.get(row.code, "managers"),
            row.code, SAYS.get(row.code, row.code), row.subject,
            row._mapping["count"], row.done_at, row.done_by,
        )
        for row in rows
    ]  # fmt: skip
