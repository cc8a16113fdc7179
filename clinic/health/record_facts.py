"""What the record knows of how it goes, in a handful of quick queries: none reads all messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.access.weekly import unread_odd_looks
from clinic.govern.people.review import to_say
from clinic.govern.people.service import why_not
from clinic.govern.rules.governed import held_values
from clinic.health.facts import RecordFacts
from clinic.message import states
from clinic.message.failover.standing import read_standings, says_out
from clinic.message.failover.ways import names_of
from clinic.message.prepare.control import BY_PEOPLE
from clinic.message.sending.place import place_of
from clinic.record.database import Record
from clinic.record.schema.govern import approval, audit_act
from clinic.record.schema.messages import (
    QUEUED,
    batch,
    campaign,
    installation,
    message,
    submission,
)
from clinic.record.schema.people import appointment
from clinic.record.schema.receipts import receipt_inbox, receipt_unread, reminder
from clinic.record.systems.outside_behind import outside_behind
from clinic.record.systems.sync_runs import sources_behind
from clinic.settings import Settings

_REFUSES_FOR: Final = timedelta(minutes=1)  # one that was busy once refuses nothing
_REMINDED: Final = timedelta(days=28)  # the furthest that reminders look ahead
_NOT_UNDERSTOOD_FOR: Final = timedelta(days=1)  # told for so long, then listed only


def read_facts(record: Record, clock: Clock, settings: Settings) -> RecordFacts:
    """What the record knows now."""
    with record.read() as connection:
        now = clock.now()
        own = connection.execute(sa.select(installation)).one_or_none()
        limit = now - timedelta(hours=settings.health.receipt_hours)
        awaiting, since = _awaiting(connection, limit, settings.receipts.channels)
        refusing, halted = _standing(connection, now - _REFUSES_FOR)
        return RecordFacts(
            created_at=own.created_at if own else None,
            stopped=own.stopped_code if own else None,
            refusing=refusing,
            halted=halted,
            out=_out(connection, settings, now),
            awaiting=awaiting,
            awaiting_since=since,
            people=to_say(connection, now, days=_dormant_days(connection, settings)),
            service=why_not(connection, settings.operator),
            last_receipt=_last_receipt(connection),
            not_understood=_not_understood(connection, now - _NOT_UNDERSTOOD_FOR),
            backup_at=own.backup_at if own else None,
            backup_checked_at=own.backup_checked_at if own else None,
            watched_at=own.watched_at if own else None,
            latest=_latest(connection, *((own.watched_at, own.backup_at) if own else ())),
            ahead=_ahead(connection, clock),
            odd_looks=unread_odd_looks(connection, settings, now),
            sources=sources_behind(connection, settings, now),
            outside=outside_behind(connection, now),
            visits=_not_reminded(connection, now),
            approvals=_waiting(connection, now, settings.notices.chase_hours),
        )


def _dormant_days(connection: Connection, settings: Settings) -> int:
    held = held_values(connection)
    return int(held.get("people.dormant_days", settings.people.dormant_days))


def _standing(connection: Connection, before: datetime) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Campaigns of which a gateway takes nothing; others that halted themselves and were not resumed."""
    not_taken = sa.select(submission.c.id).where(
        submission.c.batch_id == batch.c.id,
        submission.c.state.in_([states.NOT_SENT, states.INTENT]),
        submission.c.created_at <= before,
    )
    refused = (
        (batch.c.campaign_id == campaign.c.id)
        & (batch.c.state != states.DONE)
        & batch.c.trouble.is_not(None)
        & not_taken.exists()
    )
    rows = connection.execute(
        sa.select(
            campaign.c.id,
            campaign.c.state,
            campaign.c.state_reason,
            sa.select(batch.c.id).where(refused).exists().label("refused"),
        ).where(
            campaign.c.dry_run.is_(False),
            (campaign.c.state == states.RUNNING)
            | ((campaign.c.state == states.PAUSED) & campaign.c.halted_at.is_not(None)),
        )
    ).all()
    halted = [r for r in rows if r.state == states.PAUSED and r.state_reason not in BY_PEOPLE]
    by_gateway = {r.id for r in halted if (r.state_reason or "").startswith("gateway-")}
    by_gateway |= {r.id for r in rows if r.state == states.RUNNING and r.refused}
    others = {r.id for r in halted} - by_gateway
    return tuple(sorted(by_gateway)), tuple(sorted(others))


def _out(connection: Connection, settings: Settings, now: datetime) -> tuple[str, ...]:
    """Gateways that are out, of campaigns that are not sent to their end."""
    out = [
        one
        for one in read_standings(connection)
        if one.out_at <= now and one.place_sha256 == place_of(settings, one.gateway)
    ]
    if not out:
        return ()
    several = sa.select(campaign.c.gateway, campaign.c.gateways).where(
        campaign.c.state.in_(QUEUED), campaign.c.gateways.is_not(None)
    )
    names = {n for row in connection.execute(several) for n in names_of(row.gateway, row.gateways)}
    return tuple(
        f"gateway {one.gateway} is {says_out(one, lambda at: f'{at:%d %b %H:%M} UTC')}"
        for one in out
        if one.gateway in names
    )


def _awaiting(
    connection: Connection, limit: datetime, channels: tuple[str, ...]
) -> tuple[int, datetime | None]:
    """Messages that were sent before `limit`, of channels that confirm each, and have no receipt."""
    if not channels:
        return 0, None
    unsettled = (
        sa.select(batch.c.id)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(
            ~batch.c.settled,
            campaign.c.dry_run.is_(False),
            campaign.c.gateway != states.OUTBOX,
            campaign.c.channel.in_(channels),
        )
    )
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(message.c.sent_at)).where(
            message.c.batch_id.in_(unsettled),
            message.c.state == states.ACCEPTED,
            message.c.reason.is_(None),
            message.c.sent_at <= limit,
        )
    ).one()
    return int(row[0]), row[1]


def _not_reminded(connection: Connection, now: datetime) -> int:
    """
    Visits of the next day, where not one of them is on a list of reminders though the last weeks had some.

    Who was left out, for having no number for example, is on a list; what was booked after the reminders ran is
    not, and no fault. A practice that reminds of nothing has none.
    """
    soon = (
        (appointment.c.starts_at > now)
        & (appointment.c.starts_at <= now + timedelta(days=1))
        & (appointment.c.status == "booked")
    )
    same = (reminder.c.appointment_id == appointment.c.id) & (
        reminder.c.starts_at == appointment.c.starts_at
    )
    listed = sa.select(appointment.c.id).join(reminder, same).where(soon)
    lately = sa.select(reminder.c.list_id).where(reminder.c.starts_at > now - _REMINDED)
    if not connection.scalar(sa.select(lately.exists() & ~listed.exists())):
        return 0
    return int(connection.scalar(sa.select(sa.func.count()).where(soon)) or 0)


def _waiting(connection: Connection, now: datetime, hours: float) -> int:
    """Requests for approval that wait for so long, and can still be decided."""
    late = sa.select(sa.func.count()).where(
        approval.c.state == "waiting",
        approval.c.expires_at > now,
        approval.c.requested_at <= now - timedelta(hours=hours),
    )
    return int(connection.scalar(late) or 0)


def _last_receipt(connection: Connection) -> datetime | None:
    """When the newest came; answers that a worker of ours got late are in the inbox too, and are none."""
    newest: datetime | None = connection.scalar(
        sa.select(receipt_inbox.c.received_at)
        .where(receipt_inbox.c.event_id.not_like("late %"))
        .order_by(receipt_inbox.c.id.desc())
        .limit(1)
    )
    return newest


def _not_understood(connection: Connection, after: datetime) -> int:
    """How much came since then of which a person must find out what it means."""
    came = sa.select(sa.func.count()).where(receipt_unread.c.received_at > after)
    return int(connection.scalar(came) or 0)


def _latest(connection: Connection, *own: datetime | None) -> datetime | None:
    """The latest of the instants that this machine's clock, or another's, has written."""
    last_act = sa.select(sa.func.max(audit_act.c.timestamp))
    last_intent = sa.select(sa.func.max(submission.c.created_at))
    found = [connection.scalar(last_act), connection.scalar(last_intent)]
    return max((at for at in (*found, *own) if at is not None), default=None)


def _ahead(connection: Connection, clock: Clock) -> float | None:
    """Seconds ahead of the database server; SQLite has no clock of its own."""
    if connection.dialect.name != "postgresql":
        return None
    theirs = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return float((clock.now() - theirs.astimezone(UTC)).total_seconds())
