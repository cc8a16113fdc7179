"""
A second approver: a campaign above the settings' threshold leaves when another than its sender has approved it.

    checking ──► awaiting_approval ──► running | scheduled     confirmed by its sender, approved by another,
       │                │                                      and nothing changed since (NEW-1)
       │                └────────────► refused                 rejected, or nobody decided in time
       └──► running | scheduled                                below the threshold

Both are made in clinic/govern (confirming.py, approvals.py), by persons who prove who they are; that
requester and approver differ is a constraint of the database.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.as_of import read_as_of
from clinic.errors import NotAllowed
from clinic.gateway.voice.spoken import CHARGED, unit_of
from clinic.govern.approvals.approvals import latest, request_approval, require_approved
from clinic.govern.people.roles import CLINICAL
from clinic.message import states
from clinic.message.audience.audience import audience_of
from clinic.message.audience.clinical import is_clinical
from clinic.message.campaign.campaign import Campaign, get_campaign, locked_campaign, refuse
from clinic.message.campaign.counting import SEGMENTS, count_outcomes
from clinic.message.campaign.moves import move
from clinic.message.campaign.said import coverage_said
from clinic.message.campaign.trail import tell_released
from clinic.message.credit import cost_of, price_of
from clinic.message.failover.ways import own_columns, parts_of, says_route
from clinic.message.fallback.people import is_approved, plan_of
from clinic.message.prepare.content import findings_of, still_open
from clinic.message.prepare.control import cancel_waiting
from clinic.message.prepare.day_words import require_same_day
from clinic.message.prepare.manifest import manifest_of
from clinic.message.purposes import ALERT, NOTICE, STAFF_LIST
from clinic.message.recall.unreached import at_once
from clinic.message.reminders.taken_back import take_back_unsent
from clinic.message.safety.accepted import acceptances_of, need_second, note_second
from clinic.message.safety.corrected import needs_approval
from clinic.message.safety.recall_asked import recall_of
from clinic.message.timing.schedule import move_on
from clinic.message.timing.timing import Timing
from clinic.message.words.classes import SIZE
from clinic.record.database import Record
from clinic.record.schema.govern import approval
from clinic.record.schema.lists import cohort_list, template, template_version
from clinic.record.schema.messages import campaign, message
from clinic.settings import Settings

SUBJECT: Final = "campaign"
_ENDED: Final = ("rejected", "expired")


def ask(
    record: Record, clock: Clock, settings: Settings, campaign_id: int, *, flow_run_id: str | None
) -> bool:
    """
    Ask for a second approver where the staged campaign needs one; whether it does. Again: nothing, but if
    the campaign has changed since, what was decided is void and it is asked again.

    Raises:
        NotAllowed: the sender is no active operator, or their role may not ask for this: it is refused,
            so that nothing of it bars the way to a second try
    """
    try:
        return _ask(record, clock, settings, campaign_id, flow_run_id)
    except NotAllowed as refused:
        refuse(record, campaign_id, refused.code)
        raise


def _ask(
    record: Record, clock: Clock, settings: Settings, campaign_id: int, flow_run_id: str | None
) -> bool:
    with record.write() as connection:
        job = locked_campaign(connection, campaign_id)
        if job.state not in (states.CHECKING, states.AWAITING_APPROVAL):
            return False
        if not is_needed(connection, job, settings):
            return False
        digest = manifest_of(connection, job, settings)
        open_one = latest(connection, subject=SUBJECT, subject_id=campaign_id)
        asked = job.state == states.AWAITING_APPROVAL and open_one and open_one.state != "void"
        if asked and open_one and open_one.digest == digest:
            return True
        request_approval(
            connection,
            clock,
            subject=SUBJECT,
            subject_id=campaign_id,
            kind=_kind_of(connection, job),
            digest=digest,
            requested_by=job.requested_by,
            summary=counts_of(connection, job, settings),
            reason=f"message {job.list_name}"[:200],
            flow_run_id=flow_run_id,
            expires_in=timedelta(hours=_open_hours(connection, job, settings)),
        )
        move(connection, states.AWAITING_APPROVAL, campaign.c.id == campaign_id)
    return True


def is_needed(connection: Connection, job: Campaign, settings: Settings) -> bool:
    """Whether one person alone may not send this."""
    return bool(why_needed(connection, job, settings))


def why_needed(connection: Connection, job: Campaign, settings: Settings) -> str:
    """
    Why one person alone may not send this, as an end of a sentence; "" where they may.

    What is clinical (NEW-28), a notice to staff (ALC-8), what was accepted of a finding that takes two, a
    correction where another may decide, or a campaign of more messages than the settings allow. A dry run, and
    what the clock tells the team, may always go.
    """
    if job.dry_run or (job.purpose == ALERT and _is_to_staff(connection, job)):
        return ""
    if is_approved(connection, job):
        return ""  # with the campaign that it follows
    versions = (job.template_version_id, job.fallback_version_id)
    if any(is_clinical(connection, one) for one in versions if one is not None):
        return "its class is clinical"
    if job.purpose == NOTICE:
        return "it is a notice to staff"
    if need_second(connection, job.id):
        found = (one.code for one in acceptances_of(connection, job.id) if one.two_persons)
        return f"what was accepted needs one ({', '.join(found)})"
    if needs_approval(connection, job.id, job.requested_by):
        return "it corrects a campaign"
    return "release.approval_above" if _is_large(connection, job, settings) else ""


def _is_large(connection: Connection, job: Campaign, settings: Settings) -> bool:
    most = settings.release.approval_above
    if most is None:
        return False
    count = connection.scalar(
        sa.select(sa.func.count())
        .select_from(message)
        .where(message.c.campaign_id == job.id, message.c.state == states.PENDING)
    )
    return (count or 0) > most


def _kind_of(connection: Connection, job: Campaign) -> str:
    if _is_notice(connection, job):
        return "notification"
    return CLINICAL if is_clinical(connection, job.template_version_id) else "campaign"


def _open_hours(connection: Connection, job: Campaign, settings: Settings) -> float:
    """How long the request stays open: what is clinical is worth nothing after its own hours."""
    hours = settings.release.approval_hours
    if is_clinical(connection, job.template_version_id):
        return min(hours, settings.release.clinical_hours)
    return hours


def _is_notice(connection: Connection, job: Campaign) -> bool:
    """Whether `cohort notify` asked for it, with a password: its sender has nothing to confirm."""
    return job.purpose == NOTICE and _is_to_staff(connection, job)


def _is_to_staff(connection: Connection, job: Campaign) -> bool:
    # By the list, which only clinic/notify makes: a template's purpose is free text, anybody may name it so
    found = sa.select(cohort_list.c.source).where(cohort_list.c.id == job.list_id)
    return connection.scalar(found) == STAFF_LIST


def answer(record: Record, clock: Clock, campaign_id: int) -> str:
    """
    What became of the request: "waiting", "approved", "rejected", "expired", or "cancelled" before it went.

    A rejected or expired campaign is refused, and its messages are cancelled. Reminders that
    nobody decided about are given back. A campaign that waits for nobody is "approved".
    """
    with record.write() as connection:
        job = locked_campaign(connection, campaign_id)
        asked = latest(connection, subject=SUBJECT, subject_id=campaign_id)
        if job.state == states.REFUSED and job.state_reason in _REASONS:
            return _REASONS[job.state_reason]
        if job.state == states.CANCELLED_CAMPAIGN and job.released_at is None and asked:
            return "cancelled"
        if job.state != states.AWAITING_APPROVAL or asked is None:
            return "approved"
        late = asked.state in ("waiting", "approved") and asked.expires_at <= clock.now()
        found = "expired" if late else asked.state
        if found in _ENDED:
            move(
                connection,
                states.REFUSED,
                campaign.c.id == campaign_id,
                state_reason=f"approval-{found}",
                send_guard=None,
                finished_at=clock.now(),
            )
            cancel_waiting(connection, campaign_id, clock.now())
            # What a person stopped stays stopped; what nobody decided does not
            if found == "expired":
                take_back_unsent(connection, campaign_id)
    return "waiting" if found in ("void", "used") else found


def close_undecided(record: Record, clock: Clock) -> int:
    """Refuse the campaigns that wait for an approval which has ended without a yes; how many."""
    of_campaigns = sa.select(approval.c.subject_id, sa.func.max(approval.c.id).label("newest"))
    asked = of_campaigns.where(approval.c.subject == SUBJECT).group_by(approval.c.subject_id)
    last = asked.subquery()
    query = (
        sa.select(campaign.c.id)
        .join(last, last.c.subject_id == campaign.c.id)
        .join(approval, approval.c.id == last.c.newest)
        .where(campaign.c.state == states.AWAITING_APPROVAL, approval.c.state.in_(_ENDED))
    )
    with record.read() as connection:
        found = connection.scalars(query.order_by(campaign.c.id)).all()
    return sum(answer(record, clock, key) in _ENDED for key in found)


_REASONS: Final = {f"approval-{word}": word for word in _ENDED}
REFUSED_BY_PERSON: Final = frozenset(_REASONS)  # or by nobody's yes: a campaign's `state_reason`


def why_refused(connection: Connection, campaign_id: int, *, noted: bool = True) -> str:
    """
    What ended a campaign before it began: by whom it was rejected and what they noted, or nobody's yes.

    noted: False where their note would be kept in clear: it is their own words, and may be of a patient
    """
    found = latest(connection, subject=SUBJECT, subject_id=campaign_id)
    if get_campaign(connection, campaign_id).state == states.CANCELLED_CAMPAIGN:
        return f"Campaign {campaign_id} was cancelled before it was let go; nothing was sent"
    if found is None or found.state != "rejected" or not found.decided_by:
        return f"Campaign {campaign_id} has expired: nobody approved it in time; nothing was sent"
    why = f": {found.note}" if noted else f" (why: cohort approvals show {found.id})"
    told = why if found.note else ""
    return f"Campaign {campaign_id} was rejected by {found.decided_by}{told}; nothing was sent"


def release_campaign(
    record: Record, clock: Clock, settings: Settings, campaign_id: int, timing: Timing
) -> str:
    """
    Let a staged campaign go at its time, if it needs no second approver or has one; its state.

    Raises:
        NotAllowed: codes "approval-waiting", "-none", "-void" … (clinic/govern/approvals/approvals.py)
    """
    now = clock.now()
    with record.write() as connection:
        job = locked_campaign(connection, campaign_id)
        if job.state in (states.CHECKING, states.AWAITING_APPROVAL):
            if still_open(connection, job):
                raise NotAllowed(
                    "content-not-accepted",
                    f"campaign {job.id} has what nobody accepted, of its messages' words or number; "
                    f"see: cohort show {job.id}",
                )
            require_same_day(connection, job, timing, now)
            digest = manifest_of(connection, job, settings)
            if is_needed(connection, job, settings):
                approved = require_approved(
                    connection, subject=SUBJECT, subject_id=campaign_id, digest=digest, now=now
                )
                note_second(connection, clock, campaign_id, approved.decided_by or "")
            own = campaign.c.id == campaign_id
            connection.execute(sa.update(campaign).where(own).values(manifest_sha256=digest))
            counts = count_outcomes(connection, campaign_id)
            tell_released(connection, job, digest, counts, now)
        return move_on(connection, job, timing, now)


def counts_of(connection: Connection, job: Campaign, settings: Settings) -> dict[str, int | str]:
    """What the approver sees: counts, exclusions, cost, schedule. No patient."""
    segments = connection.scalar(sa.select(SEGMENTS).where(message.c.campaign_id == job.id))
    audience = audience_of(connection, job.template_version_id)
    outcomes = count_outcomes(connection, job.id)
    counts: dict[str, int | str] = {
        "list": job.list_name,
        "rows": job.rows,
        "messages": outcomes.pop("waiting", 0),
        "template": _used(connection, job.template_version_id),
        "by": job.channel,
        "as of": read_as_of(connection, job.list_id).says,
    }
    if not audience.is_anybody:
        counts["for"] = audience.says()
    if recall := recall_of(connection, job.id):
        counts |= {"recall": recall.says, "follow-ups at once": at_once(outcomes)}
    for said in coverage_said(connection, job.id, job.list_id):
        counts["coverage"] = said.says
    if job.channel in CHARGED:
        counts[f"{unit_of(job.channel)}s"] = int(segments or 0)
        price = price_of(settings, job)
        cost = int(segments or 0) * price.segment
        if price.countries:
            cost = cost_of(connection, job, price).money
        counts["cost"] = f"{cost:,.2f}"
    counts |= _gateways(job) | _fallback(connection, job)
    for one in findings_of(connection, job.id):
        if one.code == SIZE:
            counts["unusual"] = ", ".join(one.phrases)
    if job.start_at:
        counts["start"] = job.start_at.isoformat()
    if job.stagger_days:
        counts["days"] = job.stagger_days
    return counts | {f"left out: {code}": count for code, count in sorted(outcomes.items())}


def _used(connection: Connection, version_id: int) -> str:
    row = connection.execute(
        sa.select(template.c.key, template_version.c.version)
        .join(template, template.c.id == template_version.c.template_id)
        .where(template_version.c.id == version_id)
    ).one()
    return f"{row.key}, version {row.version}"


def _fallback(connection: Connection, job: Campaign) -> dict[str, str]:
    plan = plan_of(connection, job)
    if plan is None:
        return {}
    return {
        "fallback": plan.says,
        "fallback template": _used(connection, job.fallback_version_id or 0),
        "fallback gateways": job.fallback_gateways or "",
    }


def _gateways(job: Campaign) -> dict[str, str]:
    route = says_route(parts_of(job.gateway, own_columns(job)))
    return {"gateways": route} if route else {}
