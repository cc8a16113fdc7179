"""
One switch over all that sends: while the record says stopped, nothing is sent from it by any path.

    a person, or the restore guard ──► stopped ──► a named person who knows what was sent ──► allowed

It is read where a campaign is asked for (`require_sending`) and again in the transaction of each intent and
each replay, so that it holds for campaigns that run, for new ones, for reminders and for notices alike,
in every process that works on this record. Dry runs go on: nothing is sent in them.

After a set-back (clinic/message/sending/restore_guard.py) each campaign that could send is `held` besides,
and is resumed one by one. Appointments that were reminded of by what the record has lost can be noted when
sending is allowed again, so that nobody is reminded twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.message import states
from clinic.message.campaign import doubt
from clinic.message.campaign.moves import move
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, installation, submission

BY_PERSON: Final = "stopped-by-person"
MOVED: Final = "moved"  # in the old home and in the backup that was taken of it then
SAYS: Final[Mapping[str, str]] = {
    BY_PERSON: "a person stopped it",
    MOVED: "the practice moved to another machine, which sends from now on",
    "database-restored": "the record was set back: messages were sent that it does not know of",
    "database-moved": "the record is on another database server, or the server was set back or failed over",
    "database-changed": "the record is another one than this home has worked with",
    "machine-changed": "this home was copied to another machine",
}


@dataclass(frozen=True)
class Stopped:
    """Why nothing is sent, since when, and who or what stopped it."""

    code: str
    by: str
    at: datetime

    @property
    def says(self) -> str:
        """Why, as a sentence's end."""
        return SAYS[self.code]


@dataclass(frozen=True)
class Sending:
    """Whether the record sends. `held`: campaigns that wait for a person; `last_intent`: the newest."""

    stopped: Stopped | None
    held: tuple[int, ...]
    last_intent: datetime | None


def read_stop(connection: Connection) -> Stopped | None:
    """Why nothing may be sent; None: it may."""
    row = connection.execute(sa.select(installation)).one_or_none()
    if row is None or row.stopped_code is None:
        return None
    return Stopped(row.stopped_code, row.stopped_by or "system", row.stopped_at)


def sending(record: Record) -> Sending:
    """The switch as it is, with what it holds."""
    with record.read() as connection:
        held = connection.scalars(
            sa.select(campaign.c.id)
            .where(campaign.c.state == states.HELD_CAMPAIGN)
            .order_by(campaign.c.id)
        ).all()
        last = connection.scalar(sa.select(sa.func.max(submission.c.created_at)))
        return Sending(read_stop(connection), tuple(held), last)


def require_sending(connection: Connection) -> None:
    """
    Before a campaign is made or let go.

    Raises:
        NotAllowed: sending is stopped
    """
    if (stop := read_stop(connection)) is not None:
        raise NotAllowed(
            "sending-stopped",
            f"nothing is sent from this record since {stop.at:%d %b %Y %H:%M} UTC: {stop.says}. "
            "See: cohort sending status",
        )


def may_leave() -> sa.ColumnElement[bool]:
    """Of a campaign, in a query: whether the switch lets it send."""
    stopped = sa.exists().where(installation.c.stopped_code.is_not(None))
    return sa.or_(campaign.c.dry_run, ~stopped)


def is_kept_back(record: Record, campaign_id: int) -> bool:
    """Whether the switch is what keeps this campaign from sending: not so of a dry run."""
    with record.read() as connection:
        return bool(connection.scalar(sa.select(~may_leave()).where(campaign.c.id == campaign_id)))


def stop_by_person(record: Record, clock: Clock, *, by: str, reason: str) -> None:
    """
    Let nothing leave from now on, by whatever path. What a gateway is just being given is under way.

    Campaigns keep their state and go on when sending is allowed again. Again: nothing.
    """
    with record.write() as connection:
        if read_stop(connection) is None:
            _set(connection, clock, BY_PERSON, by)
            _tell(connection, clock, "sending.stop", by=by, reason=reason, new={"code": BY_PERSON})


def stop_moved(record: Record, clock: Clock, *, by: str, reason: str) -> None:
    """
    Close this record for sending for good: the backup that is taken next is what goes on, elsewhere.

    Raises:
        NotAllowed: it is stopped after a set-back: what was sent must be known first
    """
    with record.write() as connection:
        stop = read_stop(connection)
        if stop is not None and stop.code not in (BY_PERSON, MOVED):
            require_sending(connection)
        _set(connection, clock, MOVED, by)
        _tell(connection, clock, "sending.stop", by=by, reason=reason, new={"code": MOVED})


def stop_and_hold(
    connection: Connection, clock: Clock, code: str, *, since: datetime | None = None
) -> None:
    """
    After a set-back: stop, and hold each campaign that could send, for a person to resume one by one.

    Args:
        since: from when on messages may have been sent that the record does not know; None: the newest it knows
    """
    now = clock.now()
    lost = since or doubt.last_known(connection) or now
    unsure = doubt.begin(min(lost, now), now)
    held = move(connection, states.HELD_CAMPAIGN, sa.true(), state_reason=code, **unsure)
    _set(connection, clock, code, "system")
    connection.execute(sa.update(installation).values(epoch=installation.c.epoch + 1))
    new = {"code": code, "campaigns": held}
    _tell(connection, clock, "campaigns.hold", by="system", reason=code, new=new)


def allow(
    connection: Connection, clock: Clock, *, by: str, reason: str, told: Mapping[str, Any]
) -> None:
    """
    Sending goes on. In the caller's transaction, which also takes the set-back as known (restore_guard.py).

    Args:
        by: a proven person who knows, or found out at the gateway, what was sent
        told: what else they said, for the trail: counts and times

    Raises:
        NotAllowed: it is not stopped
    """
    stop = read_stop(connection)
    if stop is None:
        raise NotAllowed("sending-not-stopped", "sending is not stopped: there is nothing to allow")
    connection.execute(
        sa.update(installation).values(stopped_code=None, stopped_by=None, stopped_at=None)
    )
    _tell(
        connection,
        clock,
        "sending.allow",
        by=by,
        reason=reason,
        old={"code": stop.code},
        new=dict(told),
    )


def _set(connection: Connection, clock: Clock, code: str, by: str) -> None:
    connection.execute(
        sa.update(installation).values(stopped_code=code, stopped_by=by, stopped_at=clock.now())
    )


def _tell(
    connection: Connection,
    clock: Clock,
    what: str,
    *,
    by: str,
    reason: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> None:
    act = Act(
        operator=by,
        operation_type=what,
        subject="installation",
        old_values=old,
        new_values=new,
        reason=reason,
    )
    record_act(connection, clock, act)
