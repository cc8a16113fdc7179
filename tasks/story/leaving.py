"""What was written, who must approve it, and when it is sent: the steps before the first message."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.gateway.voice.spoken import CHARGED, unit_of
from clinic.govern import approval_rows
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.canary import stage_of
from clinic.message.campaign.counting import SEGMENTS, messages_of
from clinic.message.campaign.sending_stop import read_stop
from clinic.message.credit import cost_of, price_of
from clinic.message.failover.ways import own_columns, parts_of, says_route
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.summary import trouble_of
from clinic.message.prepare.content import findings_of
from clinic.message.timing.timing import Timing
from clinic.record.schema.messages import batch, message
from clinic.settings import Settings
from clinic.values.text import counted
from tasks.story.lines import Line, clock_time, joined, warning

_DECIDED: Final = {
    "approved": "Approved",
    "used": "Approved",
    "rejected": "Rejected",
    "expired": "Not approved in time",
    "void": "Withdrawn: it was changed or cancelled after it was asked for",
}


def rendered(connection: Connection, settings: Settings, campaign_id: int) -> list[Line]:
    """How many messages were written, what they cost, and what their words were warned of."""
    job = get_campaign(connection, campaign_id)
    own = messages_of(campaign_id)
    messages, segments = connection.execute(
        sa.select(sa.func.count(), SEGMENTS).select_from(message).where(own)
    ).one()
    batches = connection.scalar(
        sa.select(sa.func.count()).where(batch.c.campaign_id == campaign_id)
    )
    price = price_of(settings, job)
    unit = unit_of(job.channel)
    whole = segments * price.segment if job.channel in CHARGED else 0.0
    if price.countries:
        whole = cost_of(connection, job, price, of=None).money
    each = f" at {price.segment:g} a {unit}" if price.segment else ""
    each = " by country" if price.countries else each
    cost = f"{whole:,.2f}{each}" if whole else ""
    letters = counted(int(segments), unit) if job.channel in CHARGED else ""
    lines = [
        Line(
            f"{counted(int(messages), 'message')} written"
            f"{f' ({joined((letters, cost))})' if letters else ''}, "
            f"in {counted(int(batches or 0), 'batch', 'batches')}."
        )
    ]
    if route := says_route(parts_of(job.gateway, own_columns(job))):
        lines.append(Line(route))
    for one in findings_of(connection, campaign_id):
        by = f", accepted by {one.accepted}" if one.accepted else ""
        open_one = ", and nobody has accepted it" if one.to_accept and not job.dry_run else ""
        lines.append(
            warning(f"Their words: {one.code} in {counted(one.messages, 'message')}{by}{open_one}.")
        )
    return lines


def approval(connection: Connection, settings: Settings, campaign_id: int) -> list[Line]:
    """Whether another person must approve it, and what they said."""
    asked = approval_rows.latest(connection, subject="campaign", subject_id=campaign_id)
    if asked is None:
        return [Line("No second approver is needed.")]
    if asked.state == "waiting":
        return [
            warning(
                f"Waits for a second approver, asked for by {asked.requested_by}, until "
                f"{clock_time(asked.expires_at, settings)}. This run ends here without a process; what to do: "
                f"cohort approvals show {asked.id}"
            )
        ]
    at = f" at {clock_time(asked.decided_at, settings)}" if asked.decided_at else ""
    by = f" by {asked.decided_by}" if asked.decided_by else ""
    line = f"{_DECIDED[asked.state]}{by}{at} (approval {asked.id})."
    return [Line(line) if asked.state in ("approved", "used") else warning(line)]


def released(
    connection: Connection, settings: Settings, timing: Timing, campaign_id: int, now: datetime
) -> list[Line]:
    """When its messages are sent, and why not now."""
    job = get_campaign(connection, campaign_id)
    if (stop := read_stop(connection)) is not None and not job.dry_run:
        since = clock_time(stop.at, settings)
        return [
            warning(
                f"All sending is stopped since {since}: {stop.says}. See: cohort sending status"
            )
        ]
    if job.state in (states.PAUSED, states.HELD_CAMPAIGN, states.MISSED, states.CANCELLED_CAMPAIGN):
        return [warning(f"It is {job.state}: {campaign_says(job.state_reason, job.sent_through)}")]
    if job.state not in (states.SCHEDULED, states.RUNNING):
        went = job.released_at
        return [] if went is None else [Line(f"It was let go at {clock_time(went, settings)}.")]
    at, why = waits(connection, timing, job, now)
    if at is None:
        return [Line(_now(connection, job))]
    return [Line(f"Nothing is sent before {clock_time(at, settings)}: {why}.")]


def _now(connection: Connection, job: Campaign) -> str:
    """What begins: a campaign that reaches nobody, or sends nothing, does not say that it does."""
    if not connection.scalar(sa.select(batch.c.id).where(batch.c.campaign_id == job.id).limit(1)):
        return "It has no message: nothing is sent."
    if job.dry_run:
        return "A dry run: nothing is sent."
    if job.gateway == states.OUTBOX:
        return "Its messages are kept in the outbox now: nothing is sent."
    return "Its messages are sent now."


def waits(
    connection: Connection, timing: Timing, job: Campaign, now: datetime
) -> tuple[datetime | None, str]:
    """Until when nothing of a campaign is sent, and why; None: something may be now, or all was tried."""
    if job.state == states.SCHEDULED and job.start_at is not None and job.start_at > now:
        return job.start_at, "so it was asked for"
    own = batch.c.campaign_id == job.id
    later = connection.scalars(
        sa.select(batch.c.not_before).where(own, batch.c.state == states.READY)
    ).all()
    if not later:
        return None, ""
    first = min(moment or now for moment in later)
    found = [(first, _why_later(connection, job))]
    if stage_of(job, now) == "wait" and job.canary_until is not None:
        found.append((job.canary_until, "the pilot batch's receipts are awaited"))
    at, why = max(found, key=lambda one: one[0])
    opening = timing.opening(job.channel, max(at, now), dry_run=job.dry_run)
    if opening > max(at, now):
        at, why = opening, f"{job.channel} is closed until then"
    return (at, why) if at > now else (None, "")


def _why_later(connection: Connection, job: Campaign) -> str:
    if trouble := trouble_of(connection, job.id):
        return f"the gateway takes nothing ({trouble}), and is tried again then"
    if job.stagger_days:
        return f"it is spread over {counted(job.stagger_days, 'day')}"
    return "the pace that is set, or the hours of the patients' places"
