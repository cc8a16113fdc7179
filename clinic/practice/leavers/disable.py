"""
A person is disabled, and in the same transaction loses all that was theirs (NEW-38).

    signed in                          ends
    waits for an approval, or has one  the request ends; its operation is withdrawn, its campaign cancelled
    a campaign that waits for its time is paused until another person resumes it
    a campaign that is being sent      goes on: it was approved, and half of a list is worse; it is told

What they approved and has not begun waits for another approver again. Dormant people end the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import BEFORE, WITHDRAWN
from clinic.change.operations import set_state
from clinic.clock import Clock
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.last_use import dormant
from clinic.govern.people.operators import (
    Operator,
    disable_operator,
    end_operator,
    existing_operator,
)
from clinic.message import states
from clinic.message.campaign.moves import move
from clinic.message.prepare.control import cancel_waiting
from clinic.record.database import Record
from clinic.record.schema.change import operation
from clinic.record.schema.messages import campaign

HELD, ENDED = "requester-left", "request-ended"
_MACHINE: Final = "system"  # who disables whoever is dormant


@dataclass
class Left:
    """What ended with somebody: numbers of campaigns and operations. running: what goes on."""

    held: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)


def disable(record: Record, clock: Clock, *, name: str, by: str) -> Left:
    """
    Disable somebody, and end what they asked for and has not begun.

    Raises:
        NotFound, NotAllowed: as `disable_operator`
    """
    left = Left()
    disable_operator(
        record, clock, name=name, by=by,
        also=lambda connection, person: _end_all(connection, clock, person, by, left),
    )  # fmt: skip
    _cancel_messages(record, clock, left)
    return left


def disable_dormant(record: Record, clock: Clock, *, days: int) -> list[str]:
    """Disable who was not here for so many days (0: nobody); who they are. Again: nobody."""
    with record.read() as connection:
        found = dormant(connection, days, clock.now())
    if not found:
        return []
    left = Left()
    with record.write() as connection:
        hold(connection, "operators")
        found = dormant(connection, days, clock.now())
        for name in found:
            person = existing_operator(connection, name)
            why = f"not here for {days} days"
            end_operator(connection, clock, person, by=_MACHINE, reason=why)
            _end_all(connection, clock, person, _MACHINE, left)
    _cancel_messages(record, clock, left)
    return found


def _cancel_messages(record: Record, clock: Clock, left: Left) -> None:
    """Apart: workers lock a batch and then look at its campaign (clinic/message/prepare/control.py)."""
    for number in left.cancelled:
        with record.write() as connection:
            cancel_waiting(connection, number, clock.now())


def _end_all(connection: Connection, clock: Clock, person: Operator, by: str, left: Left) -> None:
    _end_operations(connection, clock, person, left)
    mine = campaign.c.requested_by == person.name
    cancelled = move(
        connection, states.CANCELLED_CAMPAIGN, mine,
        of=(states.CHECKING, states.AWAITING_APPROVAL), state_reason=ENDED,
        finished_at=clock.now(), send_guard=None,
    )  # fmt: skip
    held = move(connection, states.PAUSED, mine, of=[states.SCHEDULED], state_reason=HELD)
    left.cancelled, left.held = [*left.cancelled, *cancelled], [*left.held, *held]
    for what, numbers in (("cancel", cancelled), ("pause", held)):
        for number in numbers:
            act = Act(
                operator=by, operation_type=f"campaign.{what}", subject="campaign",
                subject_id=number, reason=f"{person.name} is disabled",
            )  # fmt: skip
            record_act(connection, clock, act)
    going = sa.select(campaign.c.id).where(mine, campaign.c.state == states.RUNNING)
    left.running += list(connection.scalars(going.order_by(campaign.c.id)))


def _end_operations(connection: Connection, clock: Clock, person: Operator, left: Left) -> None:
    c = operation.c
    mine = sa.select(c.id).where(c.requested_by == person.name, c.state.in_(sorted(BEFORE)))
    for number in connection.scalars(mine.order_by(c.id).with_for_update()).all():
        set_state(connection, number, WITHDRAWN, state_reason=HELD, finished_at=clock.now())
        left.withdrawn.append(number)
