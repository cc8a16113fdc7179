"""
The ledger: claims batches, writes intents before anything is sent, and records what became of them.

    claim ──► intend ──► (send, no transaction open) ──► record
      │          └ every rule, the calendar, pace and the campaign's state are read again here
      └ fence + 1: whoever held the batch before can write nothing any more

Three commits for up to 1,000 messages. A kill before `intend` commits: nothing was sent. A kill between
`intend` and `record`: the open submission says so, and the next claimer replays it with the same
key (class I, R) or lists its messages as `unknown` (class B). After `record`: nothing to do.
Source: shared notes on reliability §2; NEW-3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import FenceLost
from clinic.message import states
from clinic.message.campaign import canary
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.circuit_breaker import halt
from clinic.message.campaign.doubt import Doubt, doubt_of
from clinic.message.campaign.sending_stop import may_leave
from clinic.message.campaign.trail import ids_where, tell_moved
from clinic.message.codes import batch_id
from clinic.message.eligibility.at_sending import WAITING, Moment, left_out, moment_of
from clinic.message.eligibility.contact import is_capped, note_attempt, wait_for_turn
from clinic.message.eligibility.readdress import readdress, suppress_unreachable
from clinic.message.eligibility.suppress import suppress
from clinic.message.failover.ways import names_of, shares_of
from clinic.message.reminders.stale import LOOKED_AT_AGAIN, other_trouble, why_held
from clinic.message.sending.late_answers import LateAnswers
from clinic.message.sending.restore_guard import NoWitness, Witness
from clinic.message.sending.worker import Worker
from clinic.message.sharing.now import refused_now
from clinic.message.sharing.together import tell_together
from clinic.message.timing.pacing import Lane, Turn
from clinic.message.timing.timing import Timing
from clinic.message.timing.zones import is_awake, wakes_at
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.settings import Contact, Pace, Settings

# After so many workers died while holding a batch a person must look: it may be what kills them
MOST_DEATHS = 5
LAST = 2**20  # more batches than any campaign has

_SPAN: Final = (batch.c.campaign_id == sa.bindparam("this_campaign")) & batch.c.number.between(
    sa.bindparam("first"), sa.bindparam("last")
)
_HOLDERS: Final = sa.select(batch.c.owner).where(_SPAN, batch.c.state == states.LEASED).distinct()
_NEXT: Final = (
    sa.select(batch.c.id)
    .join(campaign, campaign.c.id == batch.c.campaign_id)
    .where(
        _SPAN,
        batch.c.state.in_([states.READY, states.LEASED]),
        campaign.c.state.in_(states.SENDING),
        may_leave(),
        sa.or_(batch.c.not_before.is_(None), batch.c.not_before <= sa.bindparam("now")),
        sa.or_(
            batch.c.state == states.READY,
            batch.c.lease_until < sa.bindparam("now"),
            batch.c.owner.in_(sa.bindparam("dead", expanding=True)),
        ),
    )
    .order_by(batch.c.number)
    .limit(1)
    .with_for_update(of=batch, skip_locked=True)
)
_TAKE: Final = (
    sa.update(batch)
    .where(batch.c.id == _NEXT.scalar_subquery())
    .values(
        state=states.LEASED,
        owner=sa.bindparam("us"),
        fence=batch.c.fence + 1,
        lease_until=sa.bindparam("until"),
        deaths=batch.c.deaths + sa.case((batch.c.state == states.LEASED, 1), else_=0),
    )
    .returning(batch.c.id, batch.c.number, batch.c.fence, batch.c.deaths, batch.c.lost)
)


def _never() -> bool:
    """Where nobody stops the process."""
    return False


_NO_WITNESS = NoWitness()
# Made once: they are asked with each batch (clinic/record/statements/made.py)
_OURS: Final = batch.c.id == sa.bindparam("this_batch")
_FENCE: Final = sa.select(batch.c.fence).where(_OURS).with_for_update()
_MAY_SEND: Final = (
    sa.select(campaign.c.state, may_leave())
    .where(campaign.c.id == sa.bindparam("this_campaign"))
    .with_for_update(read=True, of=campaign)
)
_ANY_WAITS: Final = sa.select(message.c.id).where(WAITING).limit(1)
_DONE: Final = sa.update(batch).where(_OURS).values(state=states.DONE, owner=None, lease_until=None)


def _no_point(_: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that is ours until somebody claims it with a higher fence."""

    batch_id: int
    campaign_id: int
    number: int
    fence: int
    gateway: str
    dry_run: bool
    channel: str
    pace: Pace  # the campaign's own
    is_canary: bool = False
    doubt: Doubt | None = None  # what of it may have left without the record's knowing
    gateways: tuple[str, ...] = ()  # of several, all that it may leave by, the first choice first
    shares: tuple[float, ...] = ()
    resumed_at: datetime | None = None
    call_until: float = float(
        "inf"
    )  # by our own clock: no call is begun later, or it outlasts the lease


class Ledger:
    """The record's side of sending. Every method is one short transaction; each may be run again."""

    def __init__(
        self,
        record: Record,
        clock: Clock,
        worker: Worker,
        *,
        lease: timedelta = timedelta(seconds=60),
        max_attempts: int = 8,
        give_up_after: timedelta = timedelta(hours=24),
        back_off: timedelta = timedelta(seconds=1),
        timing: Timing | None = None,
        settings: Settings | None = None,
        witness: Witness = _NO_WITNESS,
        late_answers: LateAnswers | None = None,
        reached: Callable[[str], None] = _no_point,
        stopping: Callable[[], bool] = _never,
    ) -> None:
        """
        Args:
            timing: calendar, paces, cap and brake; None: at any time, at any pace
            settings: by which it is asked who may be messaged; None: the defaults
            stopping: asked before a batch is claimed: whether this process is to begin nothing more
            late_answers: where an answer goes that the record cannot take; None: nowhere
            witness: asked in each intent whether the record is what it was, and told what is sent
            reached: told each point of the kill map as it is passed: where tests pull the plug
        """
        self.record = record
        self.clock = clock
        self.worker = worker
        self.lease = lease
        self.max_attempts = max_attempts
        self.give_up_after = give_up_after
        self.back_off = back_off
        self.timing = timing or Timing()
        self.settings = settings or Settings()
        self.witness = witness
        self.late_answers = late_answers
        self.reached = reached
        self.stopping = stopping

    def claim(self, campaign_id: int, first: int, last: int) -> Claim | None:
        """
        Take the next batch between these numbers that can be worked on now; None if there is none.

        A batch can be taken if it is ready, or if its holder is proven dead or its lease ran out.
        """
        self.reached("claim.begin")
        began = (
            self.clock.elapsed()
        )  # before the record counts: what was slow between is on our side
        with self.record.write() as connection:
            taken = self._take(connection, campaign_id, first, last, began)
            self.reached("claim.precommit")
        self.reached("claim.done")
        return taken

    def _take(
        self, connection: Connection, campaign_id: int, first: int, last: int, began: float
    ) -> Claim | None:
        now = self.clock.now()
        job = get_campaign(connection, campaign_id)
        last = min(last, self._last_open(connection, job, now))
        if last < first:
            return None
        ours = {"this_campaign": campaign_id, "first": first, "last": last}
        dead = self.worker.dead(connection.scalars(_HOLDERS, ours))
        row = connection.execute(
            _TAKE,
            {
                **ours,
                "now": now,
                "dead": list(dead),
                "us": self.worker.name,
                "until": now + self.lease,
            },
        ).one_or_none()
        if row is None:
            return None
        if row.deaths > MOST_DEATHS:
            connection.execute(
                sa.update(batch).where(batch.c.id == row.id).values(state=states.HELD)
            )
            return self._take(connection, campaign_id, first, last, began)
        return Claim(
            batch_id=row.id,
            campaign_id=campaign_id,
            number=row.number,
            fence=row.fence,
            gateway=job.gateway,
            dry_run=job.dry_run,
            channel=job.channel,
            pace=Pace(per_second=job.pace_second, per_hour=job.pace_hour, per_day=job.pace_day),
            is_canary=job.canary_size is not None and row.number == 1,
            gateways=names_of(job.gateway, job.gateways) if job.gateways else (),
            shares=shares_of(job.gateway_shares),
            resumed_at=job.resumed_at,
            doubt=doubt.of_batch(lost=row.lost) if (doubt := doubt_of(job)) else None,
            # A call ends within a third of the lease (clinic/gateway/choose.py)
            call_until=began + self.lease.total_seconds() * 2 / 3,
        )

    def _last_open(self, connection: Connection, job: Campaign, now: datetime) -> int:
        """The last batch that may be claimed now, as calendar and first part have it; 0: none."""
        if self.timing.opening(job.channel, now, dry_run=job.dry_run) > now:
            return 0
        stage = canary.stage_of(job, now)
        if stage != "all":
            return 1 if stage == "first" else 0
        if job.canary_size is None or job.canary_passed or job.state not in states.SENDING:
            return LAST
        code = canary.judge(connection, job, batch_id(job.id, 1), self.timing.release)
        if code is None:
            return LAST
        halt(connection, job.id, code, now)
        return 0

    def hold_fence(self, connection: Connection, claim: Claim) -> None:
        """
        Lock the batch for the rest of the transaction, and make sure that it is still ours.

        Raises:
            FenceLost: somebody claimed it since
        """
        fence = connection.execute(_FENCE, {"this_batch": claim.batch_id}).scalar_one()
        if fence != claim.fence:
            raise FenceLost("fence-lost", f"batch {claim.number} was taken over by another worker")

    def may_send(self, connection: Connection, claim: Claim) -> bool:
        """
        Whether the campaign still runs and sending is not stopped: read again before every intent.

        Raises:
            SetBack: the record is not what this process has worked with
        """
        state, allowed = connection.execute(_MAY_SEND, {"this_campaign": claim.campaign_id}).one()
        if state not in states.SENDING or not allowed:
            return False
        self.witness.require_same(connection)
        return True

    def leave_out(self, connection: Connection, claim: Claim, now: datetime) -> int:
        """
        Suppress who of the batch may not be messaged any more, by every rule (at_sending.py); how many.

        Before that, numbers that were changed since take the place of the old ones (ACX-36).
        """
        faults = readdress(connection, claim.batch_id, claim.channel, self.timing.phones)
        contact = self.timing.contact if self._is_counted(connection, claim) else None
        if contact is not None:
            wait_for_turn(connection, now)
        values = {"this_batch": claim.batch_id}
        asked = self.moment(connection, claim, WAITING, now, contact=contact, values=values)
        count = suppress(connection, claim.batch_id, left_out(asked), now)
        count += suppress_unreachable(connection, claim.batch_id, faults, now)
        refused = self.refused_now(connection, claim, WAITING, now, values=values)
        count += suppress(connection, claim.batch_id, refused, now)
        count += tell_together(connection, claim.batch_id, now)
        if count:
            ids = ids_where(
                connection,
                message.c.batch_id == claim.batch_id,
                message.c.state == states.SUPPRESSED,
                message.c.status_at == now,
            )
            tell_moved(connection, "left-out", ids, now)
        return count

    def moment(
        self,
        connection: Connection,
        claim: Claim,
        which: sa.ColumnElement[bool],
        now: datetime,
        *,
        contact: Contact | None = None,
        values: Mapping[str, object] | None = None,
    ) -> Moment:
        """What the rules are asked of these messages of the claim's campaign."""
        return moment_of(
            connection, claim.campaign_id, which, now, settings=self.settings, contact=contact,
            values=values,
        )  # fmt: skip

    def refused_now(
        self,
        connection: Connection,
        claim: Claim,
        which: sa.ColumnElement[bool],
        now: datetime,
        *,
        values: Mapping[str, object] | None = None,
    ) -> list[tuple[int, str]]:
        """Which of these messages may not go to a number that others have too, and why."""
        return refused_now(
            connection, claim.campaign_id, which, now, settings=self.settings, values=values
        )

    def _is_counted(self, connection: Connection, claim: Claim) -> bool:
        """Whether it is asked what else these patients had, so that what leaves must be there to be seen."""
        contact = self.timing.contact
        return not claim.dry_run and (
            contact.same_days > 0 or is_capped(connection, contact, claim.campaign_id)
        )

    def note_attempt(self, connection: Connection, claim: Claim, references: Sequence[int]) -> None:
        """These messages are about to leave: where others are asked for, they count."""
        if self._is_counted(connection, claim):
            note_attempt(connection, references)

    def closed_until(self, claim: Claim, now: datetime) -> datetime | None:
        """When the channel opens for anybody; None: it is open."""
        opening = self.timing.opening(claim.channel, now, dry_run=claim.dry_run)
        return opening if opening > now else None

    def is_awake(self, claim: Claim, now: datetime) -> sa.ColumnElement[bool]:
        """Of messages: whether the channel is open by their own patient's clock (zones.py)."""
        return sa.true() if claim.dry_run else is_awake(self.timing, claim.channel, now)

    def wakes_at(self, claim: Claim, now: datetime) -> datetime | None:
        """When it opens for those for whom it is closed now; None: it is open for all."""
        return None if claim.dry_run else wakes_at(self.timing, claim.channel, now)

    def turn(self, connection: Connection, claim: Claim, now: datetime) -> Turn:
        """Our turn at the lanes that the batch goes by, until the transaction ends."""
        lanes: list[Lane] = self.timing.lanes(
            claim.campaign_id, claim.channel, claim.pace, claim.gateway
        )
        turn = self.timing.turn(connection, lanes, now, dry_run=claim.dry_run)
        turn.begin_at(self.clock.now())  # we may have waited for it
        return turn

    def hold_stale(self, connection: Connection, claim: Claim, now: datetime) -> bool:
        """Give a batch of reminders back while what they rest on is too old (NEW-16); whether it was."""
        why = why_held(connection, self.settings, claim.campaign_id, now)
        if why is not None:
            self.give_back(connection, claim, not_before=now + LOOKED_AT_AGAIN, trouble=why)
        return why is not None

    def give_back(
        self,
        connection: Connection,
        claim: Claim,
        *,
        not_before: datetime | None = None,
        trouble: str | None = None,
    ) -> None:
        """Make the batch ready again, from `not_before` on. trouble: why nothing of it may be sent."""
        connection.execute(
            sa.update(batch)
            # Not if it was cancelled under our hands
            .where(batch.c.id == claim.batch_id, batch.c.state == states.LEASED)
            .values(
                state=states.READY, owner=None, lease_until=None, not_before=not_before,
                trouble=trouble or other_trouble(),
            )
        )  # fmt: skip

    def finish(
        self, connection: Connection, claim: Claim, *, rest_at: datetime | None = None
    ) -> None:
        """Mark the batch done if none of its messages waits any more; else ready, from `rest_at` on."""
        own = {"this_batch": claim.batch_id}
        waiting = connection.execute(_ANY_WAITS, own).one_or_none()
        if waiting is None:
            connection.execute(_DONE, own)
        else:
            rest = {
                "state": states.READY,
                "owner": None,
                "lease_until": None,
                "not_before": rest_at,
            }
            connection.execute(sa.update(batch).where(_OURS).values(rest), own)
        if claim.is_canary and waiting is None:
            canary.begin_wait(connection, claim.campaign_id, self.timing.release, self.clock.now())
