"""
When a campaign will start and end, honestly: what waits before it, at the lane's pace, in open hours.

An estimate, and said to be one: a gateway that answers slowly, or fails, makes it later (NEW-4, ARC-7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.timing.pacing import DAY, SECOND, Lane
from clinic.message.timing.schedule import patients_a_day, starts_of_days, waits_until
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign
from clinic.settings import Pace
from clinic.values.calendar import Calendar

# Messages a second where no pace is set: a gateway that answers in a tenth of a second does more
UNPACED = 50.0
_BEFORE = frozenset({states.CHECKING, states.AWAITING_APPROVAL, states.SCHEDULED})


@dataclass(frozen=True)
class Estimate:
    """
    starts, ends: the first and the last message; None: not within a year
    ahead: messages of other campaigns that go by the same gateway first
    a_day: about how many on each of its days, if it is spread over days (ACX-30)
    """

    messages: int
    ahead: int
    starts: datetime | None
    ends: datetime | None
    a_day: int | None


def estimate(
    record: Record, campaign_id: int, timing: Timing, now: datetime, *, in_earnest: bool = False
) -> Estimate:
    """
    Estimate a staged campaign.

    in_earnest: of a dry run, as if it were none

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        messages = _waiting(connection, campaign.c.id == campaign_id)
        ahead = _waiting(
            connection,
            (campaign.c.id != campaign_id)
            & (campaign.c.channel == job.channel)
            & (campaign.c.gateway == job.gateway)
            & (campaign.c.state == states.RUNNING)
            & campaign.c.dry_run.is_(False),
        )
    start = max(job.start_at or now, now)
    days = job.stagger_days
    if job.dry_run and not in_earnest:
        end = now + timedelta(seconds=messages / UNPACED)
        return Estimate(messages, 0, now, end, None)
    own = Pace(per_second=job.pace_second, per_hour=job.pace_hour, per_day=job.pace_day)
    lanes = timing.lanes(campaign_id, job.channel, own, job.gateway)
    begins = after(timing, job.channel, start, lanes, ahead)
    if begins is not None and job.canary_size and messages:
        held = begins + timedelta(minutes=timing.release.canary_minutes)
        ends = after(timing, job.channel, held, lanes, messages)
    elif begins is not None and days:
        last = starts_of_days(timing, job.channel, start, days)[-1]
        share = patients_a_day(messages, days)
        ends = after(timing, job.channel, max(begins, last), lanes, share)
    else:
        ends = begins and after(timing, job.channel, begins, lanes, messages)
    a_day = patients_a_day(messages, days) if days else None
    return Estimate(messages, ahead, begins, ends, a_day)


def starts_at(record: Record, campaign_id: int, timing: Timing, now: datetime) -> datetime | None:
    """
    When something more of a campaign may be sent, the same wherever it is told; None: now, or never.

    Of one that is not released yet, or waits for its start: when its first message can leave. Of one that
    runs: when it goes on, if it waits for its hours, its pace, its day or its pilot batch.
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
    if job.state in _BEFORE:
        begins = estimate(record, campaign_id, timing, now).starts
        return begins if begins is not None and begins > now else None
    return waits_until(record, campaign_id, timing, now)


def _waiting(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    """Messages that wait in these campaigns: from their batches' counters."""
    done = batch.c.accepted + batch.c.rejected + batch.c.unknown + batch.c.suppressed
    found = connection.scalar(
        sa.select(sa.func.sum(batch.c.size - done))
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(which, batch.c.state != states.DONE)
    )
    return int(found or 0)


def after(
    timing: Timing, channel: str, start: datetime, lanes: list[Lane], messages: int
) -> datetime | None:
    """
    When so many messages were sent, from `start` on; with none: when the first could.

    Where facilities have clocks of their own, the last of them: nobody knows before whose are how many.
    """
    found = [_after(own, channel, start, lanes, messages) for own in timing.calendars]
    ends = [end for end in found if end is not None]
    if messages and len(ends) < len(found):
        return None
    return max(ends) if messages else min(ends, default=None)


def _after(
    calendar: Calendar, channel: str, start: datetime, lanes: list[Lane], messages: int
) -> datetime | None:
    rate, a_day = _pace_of(lanes)
    left, at = float(messages), calendar.next_opening(channel, start)
    while at is not None:
        share = min(left, a_day)
        done = calendar.after_open_seconds(channel, at, share / rate)
        if done is None or share == left:
            return done
        if done - at >= timedelta(days=1):  # so slow that the day's limit is never reached
            return calendar.after_open_seconds(channel, at, left / rate)
        left -= share
        at = calendar.next_opening(channel, at + timedelta(days=1))
    return None


def _pace_of(lanes: list[Lane]) -> tuple[float, float]:
    """The slowest lane: messages a second while it is open, and most in 24 hours."""
    limits = [(window, most) for lane in lanes for window, most in lane.limits.items()]
    rates = [most * SECOND / window for window, most in limits if window != DAY]
    days = [lane.limits[DAY] for lane in lanes if DAY in lane.limits]
    return min(rates, default=UNPACED), min(days, default=float("inf"))
