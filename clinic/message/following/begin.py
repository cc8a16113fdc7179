"""
Makes the campaigns by another channel that follow a campaign, of whoever is due by now (decision 0051).

    no_address   once the first campaign sends
    failed       so many hours after their message, and only where it is proven that it reached nobody

List, campaign and `taken_by` of each person are one transaction, in turn with whatever else sends failures
again: killed anywhere, run twice or beside itself, nobody is taken twice, nor by a campaign that there is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.rows import FALLBACK
from clinic.govern.audit.chain import hold
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, campaigns_where, get_campaign
from clinic.message.campaign.counting import MATCH_WINDOW
from clinic.message.campaign.sending_stop import read_stop
from clinic.message.codes import message_on
from clinic.message.failover.ways import columns_of
from clinic.message.fallback.people import FAILED, NO_ADDRESS
from clinic.message.fallback.proof import reached_nobody, sent_at
from clinic.message.prepare.resend import copy_rows, insert_again, taken_again
from clinic.message.safety.corrected_by import corrections_of
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, installation, message
from clinic.settings import Settings

_SENDS: Final = (states.RUNNING, states.RECONCILING, states.COMPLETED)
_APART: Final = timedelta(hours=1)  # of two campaigns that follow one, so that they stay few


class Way(NamedTuple):
    """The first choice of the other channel's gateways, and the most messages that a batch may have there."""

    gateway: str
    batch_limit: int


def begin_fallbacks(
    record: Record, clock: Clock, settings: Settings, way: Callable[[str, bool], Way]
) -> list[int]:
    """
    Make what is due now; the new campaigns. Again: nothing, until somebody else is due.

    way: of a channel, and whether its messages are kept in the outbox
    """
    now = clock.now()
    with record.read() as connection:
        found = [job for job in _open(connection, now) if _due(connection, job, now)]
    made = []
    for job in found:
        if other_gateways(settings, job):
            continue
        key = _follow(record, clock, settings, job.id, way)
        made += [] if key is None else [key]
    return made


def other_gateways(settings: Settings, job: Campaign) -> bool:
    """Whether the other channel has other gateways now than those that were approved."""
    names = " ".join(settings.gateway_names(job.fallback or ""))
    return job.gateway != states.OUTBOX and names != job.fallback_gateways


def may_follow(connection: Connection, job: Campaign, now: datetime) -> bool:
    """Whether a campaign may be followed now: it sends or ended lately, and nothing of it is in doubt."""
    if job.fallback is None or job.dry_run or job.state not in _SENDS or job.doubt_since:
        return False
    if job.manifest_sha256 is None or read_stop(connection) is not None:
        return False
    # Else a person ended it; or the record was set back, and whom the lost part had taken is not known
    if job.fallback_epoch != connection.scalar(sa.select(installation.c.epoch)):
        return False
    if corrections_of(connection, job.id) or _has_no_rows(connection, job):
        return False  # nobody more gets a text that was wrong
    if job.canary_size and not job.canary_passed and job.state == states.RUNNING:
        return False
    return job.finished_at is None or now <= job.finished_at + _lasts(job)


def _has_no_rows(connection: Connection, job: Campaign) -> bool:
    gone = sa.select(cohort_list.c.rows_gone_at).where(cohort_list.c.id == job.list_id)
    return connection.scalar(gone) is not None


def _lasts(job: Campaign) -> timedelta:
    return timedelta(hours=job.fallback_after or 0) + MATCH_WINDOW


def _open(connection: Connection, now: datetime) -> list[Campaign]:
    """Campaigns of which somebody may still be taken."""
    longest = now - MATCH_WINDOW - timedelta(days=7)
    recent = campaign.c.finished_at.is_(None) | (campaign.c.finished_at > longest)
    own = fallback_person.c
    left = sa.exists().where(
        own.campaign_id == campaign.c.id, own.taken_by.is_(None), own.outcome == "accepted"
    )
    found = campaigns_where(
        connection, campaign.c.fallback.is_not(None), campaign.c.state.in_(_SENDS), recent, left
    )
    return [job for job in found if may_follow(connection, job, now)]


def _due(connection: Connection, job: Campaign, now: datetime) -> list[int]:
    """The rows of whoever the other channel is to reach now."""
    one = fallback_person.c
    free = (one.campaign_id == job.id) & one.taken_by.is_(None) & (one.outcome == "accepted")
    has_one = sa.exists().where(
        message.c.campaign_id == job.id, message.c.patient_id == one.patient_id
    )
    query = sa.select(one.row_number).where(free, one.why == NO_ADDRESS, ~has_one)
    rows = list(connection.scalars(query))
    if not _too_soon(connection, job, now):
        since = now - timedelta(hours=job.fallback_after or 0)
        failed = (
            sa.select(one.row_number)
            .join(message, message.c.id == message_on(job.message_base, one.row_number))
            .where(
                free, one.why == FAILED, reached_nobody(), sent_at() <= since,
                message.c.row_number.not_in(taken_again(job.id)),
            )
        )  # fmt: skip
        rows += connection.scalars(failed)
    return sorted(rows)


def _too_soon(connection: Connection, job: Campaign, now: datetime) -> bool:
    last = connection.scalar(
        sa.select(sa.func.max(campaign.c.created_at)).where(
            campaign.c.resend_of == job.id, campaign.c.channel == job.fallback
        )
    )
    return last is not None and now < last + _APART


def _follow(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    way: Callable[[str, bool], Way],
) -> int | None:
    """The campaign that follows; None: by now another process made it, or nobody is due any more."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
    channel = job.fallback or ""
    found = way(channel, job.gateway == states.OUTBOX)
    now = clock.now()
    with record.write() as connection:
        hold(connection, f"resend {campaign_id}")
        job = get_campaign(connection, campaign_id)
        rows = _due(connection, job, now) if may_follow(connection, job, now) else []
        if not rows:
            return None
        values = _values(connection, settings, job, found, now)
        whom = sa.select(fallback_person.c.row_number, fallback_person.c.patient_id).where(
            fallback_person.c.campaign_id == job.id, is_any_of(fallback_person.c.row_number, rows)
        )
        list_id = copy_rows(connection, job, rows, values, source=FALLBACK, whom=whom)
        key = insert_again(connection, job, list_id, len(rows), values)
        _take(connection, job.id, rows, key)
        return key


def _values(
    connection: Connection, settings: Settings, job: Campaign, way: Way, now: datetime
) -> dict[str, Any]:
    """What is otherwise in the campaign that follows."""
    before = connection.scalar(
        sa.select(sa.func.count()).where(
            campaign.c.resend_of == job.id, campaign.c.channel == job.fallback
        )
    )
    key = f"fallback-{job.message_base}-{(before or 0) + 1}"
    guard = hashlib.sha256(f"{job.send_guard}/{key}".encode()).hexdigest()
    return {
        "request_key": key,
        "channel": job.fallback,
        "template_version_id": job.fallback_version_id,
        "gateway": way.gateway,
        **columns_of(settings, job.fallback or "", way.gateway),
        "batch_size": min(settings.batch_size, way.batch_limit),
        "requested_by": job.requested_by,
        "created_at": now,
        # Without one nobody is asked whether they had the same lately (clinic/message/eligibility/same_text.py)
        "send_guard": guard if job.send_guard else None,
    }


def _take(connection: Connection, campaign_id: int, rows: list[int], by: int) -> None:
    one = fallback_person.c
    taken = connection.execute(
        sa.update(fallback_person)
        .where(
            one.campaign_id == campaign_id, is_any_of(one.row_number, rows), one.taken_by.is_(None)
        )
        .values(taken_by=by)
    ).rowcount
    if taken != len(rows):
        raise RuntimeError(f"campaign {campaign_id}: of {len(rows)} people {taken} were free")
