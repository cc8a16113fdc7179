"""
How large a campaign usually is here (NEW-30): ten thousand instead of a hundred is seen before it is sent.

    the last campaigns of this template, else of this sender ─► their median ─► usual
    all who are alive and registered                         ─► the practice

What reached nobody (a dry run, a refused campaign) and what recurs by itself (reminders, failures sent again,
notices to staff) says nothing of what is usual; a trial of a few messages neither. The outbox is judged
against what it kept, so that a trial shows what would be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.rows import CORRECTION, FALLBACK
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.purposes import STAFF_LIST
from clinic.record.schema.lists import cohort_list, template_version
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.people import patient
from clinic.settings import Release

_NOT_ASKED: Final = ("report", "resend", FALLBACK, CORRECTION, STAFF_LIST)
_LAST: Final = 5  # campaigns, of which the median is taken
_CUSTOM: Final = (
    3  # with fewer nobody knows what is usual for a sender; a template had it from the first
)
_TRIAL: Final = 10  # campaigns below this part of the least are trials


@dataclass(frozen=True)
class Size:
    """messages: of this campaign; usual: of its like, None where not known; patients: of the practice now."""

    messages: int
    usual: int | None
    patients: int


def size_of(connection: Connection, job: Campaign, release: Release) -> Size | None:
    """How large a staged campaign is, beside what is usual; None: it is not asked."""
    source = sa.select(cohort_list.c.source).where(cohort_list.c.id == job.list_id)
    if connection.scalar(source) in _NOT_ASKED:
        return None
    own = sa.select(sa.func.sum(batch.c.size)).where(batch.c.campaign_id == job.id)
    messages = int(connection.scalar(own) or 0)
    if messages < release.unusual_least:
        return None
    there = sa.select(sa.func.count()).where(
        patient.c.death_date.is_(None), patient.c.deregistered_on.is_(None)
    )
    trial = release.unusual_least // _TRIAL
    usual = _usual(connection, job, _of_template(job), trial, fewest=1)
    if usual is None:
        of_sender = campaign.c.requested_by == job.requested_by
        usual = _usual(connection, job, of_sender, trial, fewest=_CUSTOM)
    return Size(messages, usual, connection.scalar(there) or 0)


def why_unusual(size: Size, release: Release) -> str:
    """In a few words, at most 80 characters; nothing: one person alone may send so many."""
    whys = []
    times, share = release.unusual_times, release.unusual_share
    if times and size.usual is not None and size.messages > times * size.usual:
        whys.append(f"more than {times:g} times the usual {size.usual:,}")
    if size.patients > release.unusual_patients and size.messages > share * size.patients:
        whys.append(f"more than {100 * share:.3g}% of {size.patients:,} patients")
    return ", and ".join(whys)


def _of_template(job: Campaign) -> sa.ColumnElement[bool]:
    """Campaigns of the same template, in any version."""
    own, other = template_version.alias(), template_version.alias()
    versions = (
        sa.select(other.c.id)
        .join(own, own.c.template_id == other.c.template_id)
        .where(own.c.id == job.template_version_id)
    )
    return campaign.c.template_version_id.in_(versions)


def _usual(
    connection: Connection, job: Campaign, like: sa.ColumnElement[bool], trial: int, *, fewest: int
) -> int | None:
    kept = campaign.c.gateway == states.OUTBOX
    size = sa.func.sum(batch.c.size)
    last = connection.scalars(
        sa.select(size)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(
            like,
            campaign.c.id != job.id,
            campaign.c.released_at.is_not(None),
            campaign.c.dry_run.is_(False),
            kept if job.gateway == states.OUTBOX else ~kept,
            cohort_list.c.source.not_in(_NOT_ASKED),
        )
        .group_by(batch.c.campaign_id)
        .having(size > trial)
        .order_by(batch.c.campaign_id.desc())
        .limit(_LAST)
    ).all()
    return int(median(last)) if len(last) >= fewest else None
