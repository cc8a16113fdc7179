"""
How many runs send one campaign together: any number may claim its batches, and the ledger keeps them apart.

    the campaign's own run    opens, checks, releases; sends; saves, summarizes and ends it, once
    runs beside it            send, and nothing else (tasks/runs/beside.py)

Pace, hours, limits, a halt and one message a person are held where batches are claimed and intents written
(ledger.py, submissions.py), so that they hold for all runs together and need no word between them.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from clinic.message import states
from clinic.message.campaign import canary
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.sending_stop import may_leave
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, submission


def wanted_beside(record: Record, campaign_id: int, now: datetime, timing: Timing) -> int:
    """
    So many runs would have something to do beside the campaign's own at this moment.

    Never more than there are batches left: a run costs seconds to start. None while it is closed or
    stopped, or while its pilot batch is out.
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        own = campaign.c.id == campaign_id
        open_now = timing.opening(job.channel, now, dry_run=job.dry_run) <= now
        if job.workers < 2 or job.state not in states.SENDING or not open_now:
            return 0
        if canary.stage_of(job, now) != "all":
            return 0
        if not connection.scalar(sa.select(may_leave()).where(own)):
            return 0
        left = connection.scalar(
            sa.select(sa.func.count())
            .select_from(batch)
            .where(
                batch.c.campaign_id == campaign_id,
                batch.c.state.in_((states.READY, states.LEASED)),
                sa.or_(batch.c.not_before.is_(None), batch.c.not_before <= now),
            )
        )
    return max(0, min(job.workers, int(left or 0)) - 1)


def says_together(record: Record, campaign_id: int) -> str:
    """How many runs are to send it together, and why that may change little; empty: its own run alone."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        batches = connection.scalar(
            sa.select(sa.func.count()).where(batch.c.campaign_id == campaign_id)
        )
    if job.workers < 2 or job.state in states.ENDED:
        return ""
    says = f"{job.workers} runs are to send it together, if workers take them"
    if batches is not None and batches < job.workers:
        says += f"; it has {batches:,} {'batch' if batches == 1 else 'batches'}, a run each at most"
    if job.dry_run or job.gateway == states.OUTBOX:
        return f"{says}. Nothing is sent, so several are hardly faster than one"
    if record.dialect == "sqlite":
        return (
            f"{says}. A record in SQLite is on one machine and takes one write at a time: several are hardly "
            "faster than one"
        )
    return says


def shared_campaigns(record: Record) -> list[int]:
    """Running campaigns that several runs are to send together."""
    with record.read() as connection:
        return list(
            connection.scalars(
                sa.select(campaign.c.id)
                .where(campaign.c.state.in_(states.SENDING), campaign.c.workers > 1)
                .order_by(campaign.c.id)
            )
        )


def last_batch(record: Record, campaign_id: int) -> int:
    """The number of a campaign's last batch; 0: it has none yet."""
    with record.read() as connection:
        found = connection.scalar(
            sa.select(sa.func.max(batch.c.number)).where(batch.c.campaign_id == campaign_id)
        )
    return int(found or 0)


def sent_by(record: Record, campaign_id: int, owner: str) -> tuple[int, int]:
    """What one worker has sent of a campaign: batches it closed or tried, and messages of them."""
    with record.read() as connection:
        batches, messages = connection.execute(
            sa.select(
                sa.func.count(sa.distinct(submission.c.batch_id)),
                sa.func.coalesce(sa.func.sum(sa.func.length(submission.c.members)), 0),
            )
            .join(batch, batch.c.id == submission.c.batch_id)
            .where(batch.c.campaign_id == campaign_id, submission.c.owner == owner)
        ).one()
    return int(batches), int(
        messages
    ) // 8  # message ids of eight bytes each (clinic/message/codes.py)
