"""
What became of a campaign, counted from the ledger: every input row in exactly one outcome (NEW-6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.as_of import read_as_of
from clinic.cohort.outcomes import KEPT, REHEARSED
from clinic.errors import Incomplete
from clinic.gateway.voice.spoken import unit_of
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.counting import SEGMENTS, count_outcomes, messages_of
from clinic.message.campaign.moves import move
from clinic.message.failover.ways import names_of
from clinic.message.following.standing import fallback_of
from clinic.message.outcomes.notice_trail import tell_ended
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.verdict import not_accepted, status, verdict
from clinic.message.timing.estimate import starts_at
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.settings import Release

TOGETHER: Final = "told_together"
LEFT: Final = ("sent", "delivered", "undelivered")  # outcomes of messages that a gateway took


@dataclass(frozen=True)
class Progress:
    """How far a running campaign is: messages, from the batches' own counters."""

    total: int
    processed: int
    errors: int
    unknown: int

    @property
    def remaining(self) -> int:
        """Messages that still wait."""
        return self.total - self.processed


@dataclass(frozen=True)
class Summary:
    """
    A campaign's result, without any patient data.

    outcomes: rows by outcome code; they add up to `rows`
    outbox: its messages are kept in the outbox, and nothing is sent
    trouble: what the gateway said when it took nothing, if something waits for that reason; of one that stands
        still that is no reason: state_reason is
    tried_again: when such a batch is tried next; None: at the next run
    waits_until: when more of it may be sent, if it waits for its time (a start, opening hours, a pace)
    as_of: of what day its list is, and how that is known
    by_gateway: of several gateways, what became of the messages that each was given
    by_channel: whom it and those that follow it by another channel have; fallback: how that stands
    seconds: from release to now or to its end; rate: messages a second in that time
    """

    campaign_id: int
    state: str
    state_reason: str | None
    gateway: str
    rows: int
    outcomes: Mapping[str, int]
    messages: int
    segments: int
    seconds: float
    dry_run: bool
    waits_until: datetime | None = None
    trouble: str | None = None
    tried_again: datetime | None = None
    outbox: bool = False
    accepted_errors: float = Release().accepted_errors
    as_of: str = ""
    by_gateway: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unit: str = "segment"
    by_channel: str = ""
    fallback: str = ""

    @property
    def rate(self) -> float:
        """Messages that left, a second; of a dry run those that would have."""
        left = sum(self.outcomes.get(code, 0) for code in (*LEFT, REHEARSED, KEPT))
        return left / self.seconds if self.seconds > 0 else 0.0

    @property
    def verdict(self) -> str:
        """OK, Error, or the state of a campaign that was not tried whole (PAT-20)."""
        return verdict(self.state, self.outcomes, accepted_errors=self.accepted_errors)

    @property
    def status(self) -> str:
        """The verdict, with the rows that were not accepted beside it."""
        return status(self.verdict, not_accepted(self.outcomes), kept=self.outbox)

    @property
    def why(self) -> str:
        """Why something of it waits that should have been sent: it stopped itself, or the gateway's word."""
        return self.trouble or campaign_says(self.state_reason, self.gateway).rstrip(".")

    @property
    def says_gateways(self) -> str:
        """What each of several gateways was given, in a sentence; empty where there is one."""
        return f"By gateway: {say_by_gateway(self.by_gateway)}." if self.by_gateway else ""

    @property
    def says_channels(self) -> tuple[str, ...]:
        """Whom which channel has, and how its fallback stands, a sentence each; none where it has none."""
        if not self.by_channel:
            return ()
        return (f"By channel: {self.by_channel}.", f"Fallback: {self.fallback}.")

    @property
    def waiting(self) -> int:
        """Messages that a later run has to send."""
        return sum(self.outcomes.get(code, 0) for code in ("waiting", "in_flight"))

    @property
    def ended(self) -> str:
        """
        What is so at a run's end, for its state: a run that came to its end need not have sent anything.

        "Completed" was read as "sent" where all of it waits, is kept in the outbox, or nobody may be messaged.
        """
        kind = "Dry run" if self.dry_run else "Campaign"
        sent = sum(self.outcomes.get(code, 0) for code in LEFT)
        until = f" until {self.waits_until:%Y-%m-%d %H:%M} UTC" if self.waits_until else ""
        counts = {
            "kept in the outbox": self.outcomes.get(KEPT, 0),
            "would have been": self.outcomes.get(REHEARSED, 0),
            "told by another's message": self.outcomes.get(TOGETHER, 0),
            f"wait{until}": self.waiting,
        }
        counts["not"] = self.rows - sent - sum(counts.values())
        told = [f"{sent:,} sent" if sent else "nothing was sent"]
        told += [f"{rows:,} {says}" for says, rows in counts.items() if rows]
        return (
            f"{kind} {self.campaign_id} is {self.state}: {', '.join(told)}; of {self.rows:,} rows"
        )

    def raise_if_incomplete(self) -> Summary:
        """
        Fail the run when work is left that does not wait for its time, when a delivery status is unknown, or
        when messages were given up that no gateway took: nobody looks at a run that is green.

        Raises:
            Incomplete: with the cause, when it is tried again, and the next command
        """
        unknown, given_up = (self.outcomes.get(code, 0) for code in ("unknown", "exhausted"))
        if (self.waiting and (self.trouble or not self.waits_until)) or unknown or given_up:
            why = f" ({self.why}{self._again()})" if self.why else ""
            lost = f", {given_up} given up: the gateway never took them" if given_up else ""
            raise Incomplete(
                "campaign-incomplete",
                f"campaign {self.campaign_id}: {self.waiting} not sent yet{why}, {unknown} unknown{lost}; "
                f"see: cohort show {self.campaign_id}",
            )
        return self

    def _again(self) -> str:
        """When the gateway is asked again, in UTC: whoever reads the run's state may be anywhere."""
        if not self.trouble or self.tried_again is None:
            return ""
        return f"; tried again {self.tried_again:%Y-%m-%d %H:%M} UTC"


def progress(record: Record, campaign_id: int) -> Progress:
    """Summed over the batches, at most some thousand rows: never a count of messages."""
    with record.read() as connection:
        total, accepted, rejected, unknown, suppressed = connection.execute(
            sa.select(
                *(
                    sa.func.coalesce(sa.func.sum(column), 0)
                    for column in (
                        batch.c.size,
                        batch.c.accepted,
                        batch.c.rejected,
                        batch.c.unknown,
                        batch.c.suppressed,
                    )
                )
            ).where(batch.c.campaign_id == campaign_id)
        ).one()
    done = int(accepted + rejected + unknown + suppressed)
    return Progress(int(total), done, int(rejected), int(unknown))


def summarize(
    record: Record, clock: Clock, campaign_id: int, timing: Timing | None = None
) -> Summary:
    """
    Close the campaign if all of it was tried, and count what became of every row.

    Args:
        timing: to tell a campaign that waits for its time from one that is stuck; None: not asked
    """
    now = clock.now()
    with record.write() as connection:
        _close(connection, campaign_id, now)
    return read_summary(record, campaign_id, now, timing)


def read_summary(
    record: Record, campaign_id: int, now: datetime, timing: Timing | None = None
) -> Summary:
    """What became of every row so far; the campaign stays as it is."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        outcomes = count_outcomes(connection, campaign_id)
        goes_on = job.state not in (states.PAUSED, states.HELD_CAMPAIGN)
        trouble = trouble_of(connection, campaign_id) if goes_on else None
        again = tried_again(connection, campaign_id) if goes_on else None
        as_of = read_as_of(connection, job.list_id)
        by_gateway = count_by_gateway(connection, job)
        fallback = fallback_of(connection, job, now)
        messages, segments = connection.execute(
            sa.select(sa.func.count(), SEGMENTS).where(message.c.campaign_id == campaign_id)
        ).one()
    seconds = ((job.finished_at or now) - (job.released_at or now)).total_seconds()
    return Summary(
        campaign_id=campaign_id,
        state=job.state,
        state_reason=job.state_reason,
        gateway=job.sent_through,
        rows=job.rows,
        outcomes=outcomes,
        messages=int(messages),
        segments=int(segments),
        seconds=seconds,
        dry_run=job.dry_run,
        waits_until=None if timing is None else starts_at(record, campaign_id, timing, now),
        trouble=trouble,
        tried_again=again,
        outbox=job.gateway == states.OUTBOX and not job.dry_run,
        accepted_errors=(Release() if timing is None else timing.release).accepted_errors,
        as_of=as_of.says,
        by_gateway=by_gateway,
        unit=unit_of(job.channel),
        by_channel=fallback.by_channel if fallback else "",
        fallback=fallback.says if fallback else "",
    )


def say_by_gateway(counts: Mapping[str, Mapping[str, int]]) -> str:
    """`first 30 accepted; second nothing`; empty where there is one."""
    return "; ".join(
        f"{name} {', '.join(f'{n:,} {state}' for state, n in own.items()) or 'nothing'}"
        for name, own in counts.items()
    )


def count_by_gateway(connection: Connection, job: Campaign) -> dict[str, dict[str, int]]:
    """Messages that each of several gateways was given, by their state; empty where there is one."""
    if not job.gateways:
        return {}
    rows = connection.execute(
        sa.select(message.c.gateway, message.c.state, sa.func.count())
        .where(messages_of(job.id), message.c.gateway.is_not(None))
        .group_by(message.c.gateway, message.c.state)
        .order_by(message.c.state)
    ).tuples()
    found: dict[str, dict[str, int]] = {name: {} for name in names_of(job.gateway, job.gateways)}
    for name, state, count in rows:
        if name is not None:
            found.setdefault(name, {})[str(state)] = count
    return found


def trouble_of(connection: Connection, campaign_id: int) -> str | None:
    """What the gateway said to batches that still wait because it took nothing; None: they do not."""
    return connection.scalar(
        sa.select(batch.c.trouble)
        .where(
            batch.c.campaign_id == campaign_id,
            batch.c.state.in_((states.READY, states.LEASED)),
            batch.c.trouble.is_not(None),
        )
        .order_by(batch.c.number)
        .limit(1)
    )


def tried_again(connection: Connection, campaign_id: int) -> datetime | None:
    """When a batch of which the gateway took nothing may be sent again; None: none waits for that."""
    found: datetime | None = connection.scalar(
        sa.select(sa.func.min(batch.c.not_before)).where(
            batch.c.campaign_id == campaign_id,
            batch.c.state == states.READY,
            batch.c.trouble.is_not(None),
        )
    )
    return found


def _close(connection: Connection, campaign_id: int, now: datetime) -> None:
    open_batches = (
        sa.select(batch.c.id)
        .where(batch.c.campaign_id == campaign_id, batch.c.state != states.DONE)
        .exists()
    )
    unknown = (
        sa.select(batch.c.id)
        .where(batch.c.campaign_id == campaign_id, batch.c.unknown > 0)
        .exists()
    )
    # One that halted while its last batches were under way has nothing left to hold back
    tried = (states.RUNNING, states.PAUSED)
    own = campaign.c.id == campaign_id
    told = {"state_reason": None, "finished_at": now}
    move(connection, states.RECONCILING, own, ~open_batches, unknown, of=tried, **told)
    if move(connection, states.COMPLETED, own, ~open_batches, ~unknown, of=tried, **told):
        tell_ended(connection, campaign_id, now)
