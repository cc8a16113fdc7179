"""
When a campaign leaves: at once, later, or over several days (PAT-14, ACX-29, ACX-30).

    checking ──► scheduled ──► running          at its start, by whoever looks then (due.py)
       │             └───────► missed           its latest start went by: a person must look
       └──────► running

Over several days each batch has its own day: `not_before`, at the time of day of the start, or at the
next opening after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign, locked_campaign
from clinic.message.campaign.canary import canary_size
from clinic.message.campaign.moves import move
from clinic.message.states import CampaignState
from clinic.message.timing.timing import Timing
from clinic.record.bulk import update_rows
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, recipient


def patients_a_day(accepted: int, days: int) -> int:
    """About how many are messaged on each of so many days (ACX-30)."""
    return -(-accepted // days)


def staggered_batch_size(accepted: int, days: int, most: int) -> int:
    """A size of which a day's patients make whole batches."""
    a_day = max(1, patients_a_day(accepted, days))
    return -(-a_day // -(-a_day // most))


def size_batches(record: Record, campaign_id: int, timing: Timing) -> None:
    """Before staging: cut the campaign for its days and its pilot batch. Once staging began: nothing."""
    with record.write() as connection:
        job = get_campaign(connection, campaign_id)
        if job.staged_rows or job.state != states.CHECKING:
            return
        accepted = connection.execute(
            sa.select(sa.func.count())
            .select_from(recipient)
            .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
        ).scalar_one()
        size, days = job.batch_size, job.stagger_days
        connection.execute(
            sa.update(campaign)
            .where(campaign.c.id == campaign_id)
            .values(
                batch_size=staggered_batch_size(accepted, days, size) if days else size,
                canary_size=None if job.dry_run else canary_size(timing.release, accepted),
            )
        )


def let_go(record: Record, now: datetime, campaign_id: int, timing: Timing) -> CampaignState:
    """
    Everything is staged and allowed: let the campaign go at its time; its state. Again: nothing.

    From `scheduled` it goes on to `running` at its start, and to `missed` past its latest start.
    """
    with record.write() as connection:
        return move_on(connection, locked_campaign(connection, campaign_id), timing, now)


def move_on(connection: Connection, job: Campaign, timing: Timing, now: datetime) -> CampaignState:
    """`let_go` in the caller's transaction, which has locked the campaign."""
    if job.state in (states.CHECKING, states.AWAITING_APPROVAL):
        _set_days(connection, job, timing, now)
    elif job.state != states.SCHEDULED:
        return job.state
    state = state_at(job, now)
    if state != job.state:
        own = campaign.c.id == job.id
        move(
            connection, state, own,
            state_reason="too-late" if state == states.MISSED else None,
            released_at=job.released_at or now,
        )  # fmt: skip
    return state


def state_at(job: Campaign, now: datetime) -> CampaignState:
    """What a campaign that may go is at an instant."""
    if job.latest_start is not None and now > job.latest_start:
        return states.MISSED
    return states.SCHEDULED if job.start_at is not None and job.start_at > now else states.RUNNING


def _set_days(connection: Connection, job: Campaign, timing: Timing, now: datetime) -> None:
    if not job.stagger_days:
        return
    rows = connection.execute(
        sa.select(batch.c.id, batch.c.number, batch.c.size)
        .where(batch.c.campaign_id == job.id)
        .order_by(batch.c.number)
    ).all()
    first = 0 if job.canary_size is None else 1  # the first part goes before everybody's day
    sizes = [row.size for row in rows[first:]]
    days = starts_of_days(timing, job.channel, max(job.start_at or now, now), job.stagger_days)
    numbers = days_of_batches(sizes, job.stagger_days)
    update_rows(
        connection,
        batch,
        ["id", "not_before"],
        [(row.id, days[day]) for row, day in zip(rows[first:], numbers, strict=True)],
    )


def days_of_batches(sizes: Sequence[int], days: int) -> list[int]:
    """Each batch's day, from 0; no day but the last has more than its share and a batch."""
    a_day = max(1, patients_a_day(sum(sizes), days))
    before, found = 0, []
    for size in sizes:
        found.append(min(before // a_day, days - 1))
        before += size
    return found


def starts_of_days(timing: Timing, channel: str, start: datetime, days: int) -> list[datetime]:
    """When each day begins: on days that have open hours, at the start's time of day or later."""
    zone = timing.calendar.zone
    at = timing.opening(channel, start)
    found = [at]
    time_of_day = start.astimezone(zone).time()
    while len(found) < days:
        day = found[-1].astimezone(zone).date() + timedelta(days=1)
        begin = datetime.combine(day, time_of_day, zone)
        # Over closed days to an open one, and there to the time of day
        open_day = timing.opening(channel, begin).astimezone(zone).date()
        found.append(timing.opening(channel, datetime.combine(open_day, time_of_day, zone)))
    return [day.astimezone(UTC) for day in found]


def waits_until(record: Record, campaign_id: int, timing: Timing, now: datetime) -> datetime | None:
    """When something more of a campaign may be sent, if that is later than now; None: now, or never."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        if job.state == states.SCHEDULED:
            return job.start_at if job.start_at and job.start_at > now else None
        if job.state != states.RUNNING:
            return None
        later = connection.scalars(
            sa.select(batch.c.not_before).where(
                batch.c.campaign_id == campaign_id, batch.c.state == states.READY
            )
        ).all()
    if not later:
        return None
    at = min(moment or now for moment in later)
    if job.canary_size is not None and not job.canary_passed and job.canary_until is not None:
        at = max(at, job.canary_until)
    at = timing.opening(job.channel, max(at, now), dry_run=job.dry_run)
    return at if at > now else None
