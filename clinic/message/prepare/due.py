"""
What is due: a campaign that waits sleeps in the record, and a scheduled run asks here what to wake.

Any number of runs may ask at once, and may start one campaign twice: the ledger lets nothing leave twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.list_index import is_preview
from clinic.cohort.rows import FALLBACK
from clinic.message import states
from clinic.message.campaign import canary
from clinic.message.campaign.campaign import Campaign, campaigns_where
from clinic.message.campaign.sending_stop import read_stop
from clinic.message.prepare.control import settle_cancelled
from clinic.message.reminders.remind import SOURCE
from clinic.message.timing.schedule import let_go
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.govern import approval
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import batch, campaign, submission

_FORSAKEN: Final = timedelta(minutes=30)  # checking 1,000,000 takes two


def due_campaigns(record: Record, now: datetime, timing: Timing | None = None) -> list[int]:
    """
    Campaigns of which something can be sent now, the oldest first: start a run for each.

    Scheduled ones whose start has come are running after this; those past their latest start are
    missed, and not among them. One that a second approver has approved is due; whether a run of its own
    waits for that is for who starts it to see. One that somebody sends at this moment is not. Reminders
    whose run died before it released them are: nobody looks at a run by night. What cancelled campaigns left
    under way is decided. While sending is stopped nothing is due.
    """
    timing = timing or Timing()
    settle_cancelled(record, now)
    with record.read() as connection:
        if read_stop(connection) is not None:
            return []
        scheduled = connection.scalars(
            sa.select(campaign.c.id).where(
                campaign.c.state == states.SCHEDULED, campaign.c.start_at <= now
            )
        ).all()
    for campaign_id in scheduled:
        let_go(record, now, campaign_id, timing)
    with record.read() as connection:
        running = campaigns_where(connection, campaign.c.state == states.RUNNING)
        found = [job.id for job in running if _is_due(connection, job, timing, now)]
        found += connection.scalars(_approved(now)).all()
        found += connection.scalars(_forsaken(now)).all()
    return sorted(found)


def attempts_of(connection: Connection, campaign_id: int) -> int:
    """How many attempts at its batches there were: it rises whenever a run gets further."""
    query = (
        sa.select(sa.func.count())
        .select_from(submission)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(batch.c.campaign_id == campaign_id)
    )
    return int(connection.scalar(query) or 0)


def _is_due(connection: Connection, job: Campaign, timing: Timing, now: datetime) -> bool:
    if timing.opening(job.channel, now, dry_run=job.dry_run) > now:
        return False
    if canary.stage_of(job, now) == "wait":
        return False
    of_campaign = batch.c.campaign_id == job.id
    if canary.stage_of(job, now) == "first":
        of_campaign &= batch.c.number == 1
    rows = connection.execute(
        sa.select(batch.c.state, batch.c.not_before, batch.c.lease_until).where(
            of_campaign, batch.c.state.in_([states.READY, states.LEASED])
        )
    ).all()
    if any(row.state == states.LEASED and row.lease_until >= now for row in rows):
        return False
    if not rows:  # all was tried, and nobody has closed it
        return connection.scalar(_is_whole(job.id)) or False
    return any(
        row.state == states.LEASED or row.not_before is None or row.not_before <= now
        for row in rows
    )


def _is_whole(campaign_id: int) -> sa.Select[tuple[bool]]:
    """Whether every batch of it is done: a run ended before it could count."""
    left = sa.select(batch.c.id).where(
        batch.c.campaign_id == campaign_id, batch.c.state != states.DONE
    )
    return sa.select(~left.exists())


def _approved(now: datetime) -> sa.Select[tuple[int]]:
    return (
        sa.select(campaign.c.id)
        .join(
            approval, (approval.c.subject == "campaign") & (approval.c.subject_id == campaign.c.id)
        )
        .where(
            campaign.c.state == states.AWAITING_APPROVAL,
            approval.c.state == "approved",
            approval.c.expires_at > now,
        )
    )


def _forsaken(now: datetime) -> sa.Select[tuple[int]]:
    """
    Reminders still being checked so long after they were begun that no run can be at it any more; and what
    follows by another channel, which has no run at first.
    """
    forsaken = campaign.c.created_at < now - _FORSAKEN
    return (
        sa.select(campaign.c.id)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(
            campaign.c.state == states.CHECKING,
            ~is_preview(campaign.c.request_key),
            sa.or_(
                (cohort_list.c.source == SOURCE) & forsaken,
                (cohort_list.c.source == FALLBACK)
                & campaign.c.resend_of.is_not(None)  # of a list named by a person, a person decides
                & (forsaken | (campaign.c.checked_rows == 0)),
            ),
        )
    )
