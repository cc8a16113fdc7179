"""
Pause, resume and cancel a campaign while it runs, with exact counts (NEW-9).

A pause acts within one batch: the state is read again before every intent. What is under way at that
moment is under way: its answer is still noted, and counts as sent. Each of the three is an act of the
audit trail, with the counts at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern import approval_rows
from clinic.govern.audit.trail import Act, record_act
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign, locked_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.campaign.doubt import Left, Promise, doubt_of, give_up_lost, say
from clinic.message.campaign.moves import before, move
from clinic.message.campaign.noted import Noted, mark_lost
from clinic.message.campaign.opening import has_left
from clinic.message.campaign.sending_stop import require_sending
from clinic.message.campaign.trail import tell_moved
from clinic.message.codes import unpack
from clinic.message.reminders.stale import accept_stale, require_reminders, wake_held
from clinic.message.states import CampaignState
from clinic.message.timing.schedule import state_at
from clinic.message.timing.timing import Timing
from clinic.message.told import note_told
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message, submission
from clinic.settings import Settings

_PAUSABLE: Final = before(states.PAUSED)
_RESUMABLE: Final = (states.PAUSED, states.HELD_CAMPAIGN, states.MISSED)
# Why a campaign stands still that nothing is wrong with: a person stopped it, here or in the Prefect UI
BY_PEOPLE: Final = ("paused-by-person", "run-cancelled", "run-suspended")
_BLIND: Final[Mapping[str, Promise]] = {}
_CANCELLABLE: Final = before(states.CANCELLED_CAMPAIGN)


Control = Literal["pause", "resume", "cancel"]


def controls(state: str) -> tuple[Control, ...]:
    """What a person may do with a campaign in this state."""
    able: dict[Control, Collection[CampaignState]] = {
        "pause": _PAUSABLE, "resume": _RESUMABLE, "cancel": _CANCELLABLE,
    }  # fmt: skip
    return tuple(name for name, allowed in able.items() if state in allowed)


@dataclass(frozen=True)
class Controlled:
    """What a campaign is now. `counts`: rows of its list by outcome, which add up to its rows."""

    campaign_id: int
    state: str
    counts: Mapping[str, int]


def pause(
    record: Record,
    clock: Clock,
    campaign_id: int,
    *,
    by: str,
    reason: str,
    code: str = "paused-by-person",
    only: Callable[[Connection, Campaign], bool] | None = None,
) -> Controlled:
    """
    Send no more of the campaign until somebody resumes it. Again: nothing.

    Args:
        code: why it stands still, one of `BY_PEOPLE`
        only: whether it is to be paused, asked while nobody else can change it

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it neither runs nor waits for its time, or `only` says no
    """
    with record.write() as connection:
        job = locked_campaign(connection, campaign_id)
        if only is not None and not only(connection, job):
            raise NotAllowed("campaign-state", f"campaign {campaign_id} is not to be paused now")
        if job.state != states.PAUSED:
            _require(job, _PAUSABLE, "paused")
            own = campaign.c.id == campaign_id
            move(connection, states.PAUSED, own, of=_PAUSABLE, state_reason=code)
        return _told(connection, clock, job, "pause", by=by, reason=reason)


def resume(
    record: Record,
    clock: Clock,
    campaign_id: int,
    *,
    by: str,
    reason: str,
    timing: Timing,
    left: Left | None = None,
    promises: Mapping[str, Promise] = _BLIND,
    noted: Noted | None = None,
    stale: str = "",
    settings: Settings | None = None,
    workers: int | None = None,
) -> Controlled:
    """
    Let a campaign go on that a person or the brake paused, that was held, or that missed its start; and
    batches of it that killed too many workers.

    Failures before this do not halt it again. Who resumes it decides over a pilot batch that failed,
    and over its being late: it may start until now and the settings' `late_hours`. Again: nothing.

    Args:
        left: after a set-back what of it left that the record does not know (doubt.py)
        promises: by channel what its gateway promises; what is not named is blind
        noted: what this machine noted before it sent it, for `left` "noted"
        stale: why its reminders are sent on sources that are too old; "": that is not said
        settings: how old they may be, with `stale`
        workers: how many runs send it together from now on; also of one that is under way. None: as before

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it neither is paused, nor held, nor missed; sending is stopped; nobody said what was
            sent; or the notes do not tell
    """
    now = clock.now()
    with record.write() as connection:
        job = locked_campaign(connection, campaign_id)
        if job.state not in _PAUSABLE:
            _require(job, _RESUMABLE, "resumed")
            if not job.dry_run:
                require_sending(connection)
            late = now + timedelta(hours=timing.release.late_hours)
            latest = None if job.latest_start is None else max(job.latest_start, late)
            decided = job.state_reason == "canary-failed"
            if left == "noted" and doubt_of(job) is not None:
                mark_lost(connection, job, noted or {})
            move(
                connection,
                _before(job, now),
                campaign.c.id == campaign_id,
                of=[job.state],
                state_reason=None,
                latest_start=latest,
                resumed_at=now,
                finished_at=None,
                canary_passed=job.canary_passed or decided,
                **say(job, left, promises, now),
            )
        if stale:
            require_reminders(connection, campaign_id)
            accept_stale(
                connection, clock, settings or Settings(), campaign_id, by=by, reason=stale
            )
            wake_held(connection)
        if workers is not None:
            own = campaign.c.id == campaign_id
            connection.execute(sa.update(campaign).where(own).values(workers=workers))
        connection.execute(
            sa.update(batch)
            .where(batch.c.campaign_id == campaign_id, batch.c.state == states.HELD)
            .values(state=states.READY, deaths=0, owner=None, lease_until=None)
        )
        return _told(connection, clock, job, "resume", by=by, reason=reason)


def _before(job: Campaign, now: datetime) -> CampaignState:
    """Where a campaign goes on: one that was held before it was released has that still before it."""
    if job.released_at is None:
        return states.CHECKING
    return states.RUNNING if job.state == states.MISSED else _never_missed(job, now)


def _never_missed(job: Campaign, now: datetime) -> CampaignState:
    state = state_at(job, now)
    return states.RUNNING if state == states.MISSED else state


def cancel(record: Record, clock: Clock, campaign_id: int, *, by: str, reason: str) -> Controlled:
    """
    Nothing more of the campaign is ever sent: what waits becomes `cancelled`, and is never saved (ACX-35).
    Of one that has ended, nobody more is reached by another channel.

    After a set-back nobody knows whether what waits was sent: it becomes `unknown` (doubt.py).
    Messages under way are decided by their answer, or by `settle_cancelled`. Again: nothing.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it has ended
    """
    with record.write() as connection:
        job = locked_campaign(connection, campaign_id)
        if job.state == states.COMPLETED and job.fallback is not None:
            return _end_fallback(connection, clock, job, by=by, reason=reason)
        if job.state != states.CANCELLED_CAMPAIGN:
            _require(job, _CANCELLABLE, "cancelled")
            move(
                connection,
                states.CANCELLED_CAMPAIGN,
                campaign.c.id == campaign_id,
                state_reason="cancelled-by-person",
                finished_at=clock.now(),
                send_guard=job.send_guard if has_left(connection, campaign_id) else None,
            )
            _take_request_back(connection, clock, campaign_id, by=by)
        _told(connection, clock, job, "cancel", by=by, reason=reason)
    # Apart: workers lock a batch and then look at its campaign, and we must not wait for each other
    with record.write() as connection:
        cancel_waiting(connection, campaign_id, clock.now())
        return Controlled(
            campaign_id, states.CANCELLED_CAMPAIGN, count_outcomes(connection, campaign_id)
        )


def _end_fallback(
    connection: Connection, clock: Clock, job: Campaign, *, by: str, reason: str
) -> Controlled:
    """Of a campaign that has ended, nobody more is reached by another channel (decision 0051)."""
    if job.fallback_epoch is not None:
        own = campaign.c.id == job.id
        connection.execute(sa.update(campaign).where(own).values(fallback_epoch=None))
        act = Act(
            operator=by,
            operation_type="campaign.end-fallback",
            subject="campaign",
            subject_id=job.id,
            old_values={"fallback": job.fallback},
            new_values={"fallback": "ended"},
            reason=reason,
        )
        record_act(connection, clock, act)
    return Controlled(job.id, job.state, count_outcomes(connection, job.id))


def _take_request_back(connection: Connection, clock: Clock, campaign_id: int, *, by: str) -> None:
    """Nobody is asked to approve what is cancelled, and what was approved is no more."""
    open_one = approval_rows.latest(connection, subject="campaign", subject_id=campaign_id)
    if open_one is not None and open_one.state in ("waiting", "approved"):
        approval_rows.move(connection, open_one, "void", now=clock.now())
        act = approval_rows.act_on(open_one, "withdrawn", operator=by)
        record_act(connection, clock, act)


def cancel_waiting(connection: Connection, campaign_id: int, now: datetime) -> None:
    """Cancel all that waits, but for the members of open submissions, batch by batch."""
    tell_moved(connection, "not-sent", _cancel(connection, campaign_id, now), now)


def _cancel(connection: Connection, campaign_id: int, now: datetime) -> list[int]:
    """The same without telling the trail: which messages."""
    cancelled: list[int] = []
    doubt = doubt_of(get_campaign(connection, campaign_id))
    rows = connection.execute(
        sa.select(batch.c.id, batch.c.lost, submission.c.open_members)
        .outerjoin(
            submission,
            (submission.c.batch_id == batch.c.id) & (submission.c.state == states.INTENT),
        )
        .where(batch.c.campaign_id == campaign_id, batch.c.state != states.DONE)
        .order_by(batch.c.id)
        .with_for_update(of=batch)
    ).all()
    for key, lost, members in rows:
        if doubt is not None:
            give_up_lost(connection, key, doubt.of_batch(lost=lost), now)
        under_way = _under_way(unpack(members)) if members else sa.false()
        ids = connection.scalars(
            sa.update(message)
            .where(message.c.batch_id == key, message.c.state == states.PENDING, sa.not_(under_way))
            .values(state=states.CANCELLED, status_at=now)
            .returning(message.c.id)
        ).all()
        cancelled += sorted(ids)
        ended = {} if members else {"state": states.DONE, "owner": None, "lease_until": None}
        connection.execute(
            sa.update(batch)
            .where(batch.c.id == key)
            .values(suppressed=batch.c.suppressed + len(ids), **ended)
        )
    return cancelled


def _under_way(members: Sequence[int]) -> sa.ColumnElement[bool]:
    """Of messages: whether they are among these, or wait for one of these to tell their patient."""
    told = message.c.told_by.is_not(None) & is_any_of(message.c.told_by, members)
    return is_any_of(message.c.id, members) | told


def settle_cancelled(record: Record, now: datetime) -> int:
    """
    Close what cancelled campaigns left under way with nobody at work on it; how many messages.

    They may have been sent, and are not sent again to find out: they become `unknown`. What was proven not
    to have been sent is cancelled.
    """
    open_campaigns = (
        sa.select(batch.c.campaign_id)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(campaign.c.state == states.CANCELLED_CAMPAIGN, batch.c.state.in_(states.NOT_DONE))
        .distinct()
    )
    orphans = (
        sa.select(submission.c.id, submission.c.batch_id, submission.c.open_members)
        .join(batch, batch.c.id == submission.c.batch_id)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(
            campaign.c.state == states.CANCELLED_CAMPAIGN,
            submission.c.state == states.INTENT,
            sa.or_(batch.c.lease_until.is_(None), batch.c.lease_until < now),
        )
        .with_for_update(of=batch)
    )
    with record.write() as connection:
        found = connection.execute(orphans).all()
        given_up = [key for row in found for key in _give_up(connection, *row, now=now)]
        told = [key for row in found for key in note_told(connection, row.batch_id, now)]
        cancelled = [
            key
            for campaign_id in connection.scalars(open_campaigns).all()
            for key in _cancel(connection, campaign_id, now)
        ]
        tell_moved(connection, "unknown", given_up, now)
        tell_moved(connection, "left-out", told, now)
        tell_moved(connection, "not-sent", cancelled, now)
    return len(given_up)


def _give_up(
    connection: Connection, attempt: int, batch_id: int, open_members: bytes, *, now: datetime
) -> list[int]:
    """Close an attempt of which nobody will learn any more; the messages that became `unknown`."""
    ids = connection.scalars(
        sa.update(message)
        .where(
            is_any_of(message.c.id, unpack(open_members)),
            message.c.state == states.PENDING,
        )
        .values(state=states.UNKNOWN, reason="no_answer", sent_at=now, status_at=now)
        .returning(message.c.id)
    ).all()
    connection.execute(
        sa.update(submission)
        .where(submission.c.id == attempt)
        .values(state=states.AMBIGUOUS, open_members=b"", closed_at=now)
    )
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == batch_id)
        .values(
            state=states.DONE,
            owner=None,
            lease_until=None,
            fence=batch.c.fence + 1,  # whoever held it comes too late
            unknown=batch.c.unknown + len(ids),
        )
    )
    return list(ids)


def _require(job: Campaign, allowed: Collection[CampaignState], done: str) -> None:
    if job.state not in allowed:
        raise NotAllowed(
            "campaign-state", f"campaign {job.id} is {job.state}: it cannot be {done} now"
        )


def _told(
    connection: Connection, clock: Clock, before: Campaign, what: str, *, by: str, reason: str
) -> Controlled:
    """The campaign as it is now; written to the audit trail if that is news."""
    now = get_campaign(connection, before.id)
    counts = count_outcomes(connection, before.id)
    if now.state != before.state:
        act = Act(
            operator=by,
            operation_type=f"campaign.{what}",
            subject="campaign",
            subject_id=before.id,
            old_values={"state": before.state},
            new_values={"state": now.state, **counts},
            reason=reason,
        )
        record_act(connection, clock, act)
    return Controlled(before.id, now.state, counts)
