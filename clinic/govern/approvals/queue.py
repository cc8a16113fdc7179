"""
What waits for a decision, since when, and whether anybody can decide it (ALC-45).

For a scheduled reminder: `expire` what is too late, remind of what is `stale` by naming its `deciders`,
and raise the alarm over what is `undecidable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.clock import Clock
from clinic.govern.approval_rows import Approval, act_on, approval_of, move
from clinic.govern.audit.trail import record_act
from clinic.govern.people.deciders import may_decide
from clinic.govern.people.operators import list_operators
from clinic.govern.people.roles import may
from clinic.govern.tied import kept_subjects
from clinic.record.database import Record
from clinic.record.schema.govern import approval


def waiting(record: Record, now: datetime) -> list[Approval]:
    """Requests that can still be decided, the oldest first."""
    return _requests(record, approval.c.state == "waiting", approval.c.expires_at > now)


def approved(record: Record, now: datetime) -> list[Approval]:
    """Requests that were approved and whose work has not begun, the oldest first."""
    return _requests(record, approval.c.state == "approved", approval.c.expires_at > now)


def stale(record: Record, now: datetime, *, after: timedelta) -> list[Approval]:
    """Requests that have waited for longer than `after`: to be chased."""
    return [asked for asked in waiting(record, now) if now - asked.requested_at > after]


def deciders(record: Record, asked: Approval) -> list[str]:
    """The names of those who may decide this request."""
    return deciders_of(record, [asked])[asked.id]


def deciders_of(record: Record, found: Sequence[Approval]) -> dict[int, list[str]]:
    """By number, the names of those who may decide each of these requests."""
    people = [person for person in list_operators(record) if person.active]
    subjects = [("approval", asked.id) for asked in found]
    who: dict[int, list[str]] = {asked.id: [] for asked in found}
    with record.read() as connection:
        for person in people:
            kept = kept_subjects(connection, person.name, subjects)
            for asked in found:
                if (
                    person.name != asked.requested_by
                    and ("approval", asked.id) not in kept
                    and may(person.role, "approve", asked.kind)
                    and may_decide(connection, person.name, asked.kind)
                ):
                    who[asked.id].append(person.name)
    return who


def undecidable(record: Record, now: datetime) -> list[Approval]:
    """Requests that wait although no active operator may decide them: an approver lacks access."""
    found = waiting(record, now)
    who = deciders_of(record, found)
    return [asked for asked in found if not who[asked.id]]


def rejected_to(record: Record, now: datetime, requester: str) -> list[Approval]:
    """What this person asked for and was refused within the last day: they are to read the note."""
    return _requests(
        record,
        approval.c.state == "rejected",
        approval.c.requested_by == requester,
        approval.c.decided_at > now - timedelta(days=1),
    )


def expire(record: Record, clock: Clock) -> list[int]:
    """Close what nobody decided, or nobody began, in time; the numbers. Running again does nothing."""
    now = clock.now()
    late = (approval.c.state.in_(("waiting", "approved")), approval.c.expires_at <= now)
    with record.write() as connection:
        found = connection.execute(_select(late).with_for_update()).mappings().all()
        for asked in map(approval_of, found):
            move(connection, asked, "expired", now=now)
            record_act(connection, clock, act_on(asked, "expired", operator="system"))
    return [row["id"] for row in found]


def _requests(record: Record, *conditions: ColumnElement[bool]) -> list[Approval]:
    with record.read() as connection:
        return [approval_of(row) for row in connection.execute(_select(conditions)).mappings()]


def _select(conditions: Sequence[ColumnElement[bool]]) -> sa.Select[tuple[object, ...]]:
    return sa.select(approval).where(*conditions).order_by(approval.c.id)
