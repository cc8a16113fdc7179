"""
The pilot batch: a few messages go alone, and the rest follows when their outcomes are good.

    batch 1 is sent ──► it is done: wait for receipts ──► few failed: the rest may go
                                                   └────► many failed: the campaign is paused
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.gateway.voice.outcomes import NOBODY_IN
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.record.schema.messages import campaign, message
from clinic.settings import Release

_LOOK_AGAIN: Final = timedelta(seconds=1)
Stage = Literal["first", "wait", "all"]
_FAILED: Final = (states.REJECTED, states.UNDELIVERED, states.UNKNOWN, states.EXHAUSTED)


def canary_size(release: Release, accepted: int) -> int | None:
    """How many go first; None: the campaign is too small to be parted, or nothing is set."""
    return release.canary if 0 < release.canary < accepted else None


def stage_of(job: Campaign, now: datetime) -> Stage:
    """Which batches may be claimed: the first alone, none for now, or all."""
    if job.canary_size is None or job.canary_passed:
        return "all"
    if job.canary_until is None:
        return "first"
    return "wait" if now < job.canary_until else "all"


def wait_of(job: Campaign, first: int, now: datetime) -> timedelta:
    """How long batches from `first` on must at least wait for the pilot batch."""
    stage = stage_of(job, now)
    if stage == "first" and first > 1:
        return _LOOK_AGAIN
    return job.canary_until - now if stage == "wait" and job.canary_until else timedelta()


def begin_wait(connection: Connection, campaign_id: int, release: Release, now: datetime) -> None:
    """The pilot batch is done: from now on its receipts are awaited."""
    connection.execute(
        sa.update(campaign)
        .where(campaign.c.id == campaign_id, campaign.c.canary_until.is_(None))
        .values(canary_until=now + timedelta(minutes=release.canary_minutes))
    )


def judge(connection: Connection, job: Campaign, batch_id: int, release: Release) -> str | None:
    """
    Decide over the rest, once the wait is over; a code if it must stay.

    Messages that were left out at the last moment say nothing of the gateway, and do not count; nor does a call
    at which nobody was in count as a failure.
    """
    nobody_in = sa.and_(message.c.channel == "voice", message.c.reason.in_(NOBODY_IN))
    query = sa.select(
        message.c.state, sa.func.count(), sa.func.sum(sa.case((nobody_in, 1), else_=0))
    ).where(message.c.batch_id == batch_id)
    rows = connection.execute(query.group_by(message.c.state)).tuples().all()
    counts = {state: count for state, count, _ in rows}
    failed = sum(int(count) - int(out) for state, count, out in rows if state in _FAILED)
    tried = sum(counts.values()) - counts.get(states.SUPPRESSED, 0)
    if failed > release.canary_failures * tried:
        return "canary-failed"
    connection.execute(
        sa.update(campaign).where(campaign.c.id == job.id).values(canary_passed=True)
    )
    return None
