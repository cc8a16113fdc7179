"""What became of a span of batches: how many were taken, how quick, how often tried, and what was saved."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.failover.standing import find_out, says_out
from clinic.message.failover.ways import names_of
from clinic.message.sending.place import place_of
from clinic.record.schema.messages import batch, submission
from clinic.settings import Settings
from clinic.values.text import counted
from tasks.story.billed import refused_by_code
from tasks.story.lines import Line, by_count, clock_time, joined, of_batches, warning
from tasks.story.spans import Span


def sent(
    connection: Connection, settings: Settings, span: Span, *, since: datetime | None = None
) -> list[Line]:
    """
    What a span's messages became, in one statement; their reasons in another, where some were rejected.

    since: only attempts from then on are timed: those of one run; None: all there were
    """
    row = connection.execute(_counts(span, since)).one()
    job = get_campaign(connection, span.campaign_id)
    stands = job.state in (states.PAUSED, states.HELD_CAMPAIGN)
    waiting = row.size - row.accepted - row.rejected - row.unknown - row.suppressed
    became = joined(
        (
            f"{row.accepted:,} {_taken(job)}",
            f"{row.rejected:,} rejected" if row.rejected else "",
            f"{row.unknown:,} unknown" if row.unknown else "",
            f"{row.suppressed:,} left out at the last moment" if row.suppressed else "",
            f"{waiting:,} wait{' until it is resumed' if stands else ''}" if waiting else "",
        )
    )
    lines = [Line(f"{_name(span)}: {counted(row.size, 'message')}: {became}{_speed(row)}.")]
    if row.rejected:
        why = by_count(refused_by_code(connection, _of(span)))
        lines.append(warning(f"{_name(span)}: the gateway refused {row.rejected:,}: {why}."))
    if row.unknown:
        lines.append(
            warning(
                f"{_name(span)}: nobody knows of {counted(row.unknown, 'message')} whether they left. They are "
                f"not sent again: cohort show {span.campaign_id} --errors-only"
            )
        )
    lines += _out(connection, settings, span, row.ended) if row.ended else []
    if row.trouble and waiting and not stands:
        again = f"; tried again at {clock_time(row.again, settings)}" if row.again else ""
        lines.append(
            warning(
                f"{_name(span)}: {counted(waiting, 'message')} could not leave: {row.trouble}{again}. "
                "Nobody is messaged twice."
            )
        )
    return lines


def _out(connection: Connection, settings: Settings, span: Span, at: datetime) -> list[Line]:
    """Which of the campaign's gateways are out, a line each; the others send what they would have."""
    job = get_campaign(connection, span.campaign_id)
    if not job.gateways:
        return []
    names = names_of(job.gateway, job.gateways)
    places = {name: place_of(settings, name) for name in names}
    found = find_out(connection, job.channel, places, at)
    # Told by the batches that were tried there in vain, not by all that went past it
    vain = set(
        connection.scalars(
            sa.select(submission.c.gateway)
            .join(batch, batch.c.id == submission.c.batch_id)
            .where(_of(span), submission.c.state != states.ACKED)
        )
    )
    rest = [name for name in names if name not in found]
    instead = f"Sent through {', then '.join(rest)} instead" if rest else "No other is left"
    lines = []
    for one in (found[name] for name in names if name in found and name in vain):
        says = says_out(one, lambda when: clock_time(when, settings))
        lines.append(warning(f"{_name(span)}: gateway {one.gateway} is {says}. {instead}."))
    return lines


def saved(connection: Connection, span: Span) -> list[Line]:
    """Whether what was sent is on the record."""
    job = get_campaign(connection, span.campaign_id)
    if job.dry_run:
        return [Line(f"{_name(span)}: a dry run is on nobody's record.")]
    if not job.save_to_record:
        return [Line(f"{_name(span)}: not saved to the record, as it was asked for.")]
    done, left, accepted, rejected = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(sa.case((batch.c.saved, 0), else_=1)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((batch.c.saved, batch.c.accepted), else_=0)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((batch.c.saved, batch.c.rejected), else_=0)), 0),
        ).where(_of(span))
    ).one()
    what = joined((f"{accepted:,} accepted", f"{rejected:,} rejected" if rejected else ""))
    when = ", each once it is delivered" if job.save_when == "delivered" else ""
    if left and left == done:
        return [
            Line(
                f"{_name(span)}: not saved to the record yet: a batch is when all of it was tried."
            )
        ]
    later = f"; {left:,} of {counted(int(done), 'batch', 'batches')} not yet" if left else ""
    return [Line(f"{_name(span)}: saved to the record: {what}{when}{later}.")]


def _counts(span: Span, since: datetime | None) -> sa.Select[tuple[object, ...]]:
    """The span's counters, and how often and how long the gateway was asked."""
    taken = submission.c.state.in_(
        (states.ACKED, states.AMBIGUOUS)
    )  # what is tried in vain has no speed
    length = sa.func.length(submission.c.members)
    asked = (
        sa.select(
            sa.func.count().label("attempts"),
            sa.func.coalesce(
                sa.func.sum(sa.case((submission.c.state == states.NOT_SENT, 1), else_=0)), 0
            ).label("refused"),
            sa.func.min(submission.c.created_at).label("began"),
            sa.func.max(submission.c.closed_at).label("ended"),
            sa.func.coalesce(sa.func.sum(sa.case((taken, length), else_=0)), 0).label("bytes"),
        )
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(_of(span), *([] if since is None else [submission.c.created_at >= since]))
        .subquery()
    )
    sums = {
        name: sa.func.coalesce(sa.func.sum(batch.c[name]), 0).label(name)
        for name in ("size", "accepted", "rejected", "unknown", "suppressed")
    }
    waits = batch.c.state.in_((states.READY, states.LEASED))
    told = (
        sa.select(
            *sums.values(),
            sa.func.max(sa.case((waits, batch.c.trouble))).label("trouble"),
            sa.func.min(sa.case((waits, batch.c.not_before))).label("again"),
        )
        .where(_of(span))
        .subquery()
    )
    return sa.select(told, asked).select_from(told.join(asked, sa.true()))


def _of(span: Span) -> sa.ColumnElement[bool]:
    return (batch.c.campaign_id == span.campaign_id) & batch.c.number.between(span.first, span.last)


def _taken(job: Campaign) -> str:
    """What became of those that were handed over: what is kept here no gateway has accepted."""
    if job.dry_run:
        return "would be sent"
    return "kept in the outbox, not sent" if job.gateway == states.OUTBOX else "accepted"


def _name(span: Span) -> str:
    return of_batches(span.first, span.last)


def _speed(row: sa.Row[tuple[object, ...]]) -> str:
    """`; 2.0 s, 500 messages a second, 3 attempts, 1 of them in vain`; nothing where nobody was asked."""
    if not row.attempts:
        return ""
    tried = f"{counted(row.attempts, 'attempt')}"
    vain = f"{row.refused:,} of them in vain" if row.refused else ""
    seconds = (row.ended - row.began).total_seconds() if row.ended and row.began else 0
    asked = row.bytes // 8  # message ids of eight bytes each (clinic/message/codes.py)
    took = f"{seconds:,.1f} s" if seconds > 0 else ""
    quick = f"{asked / seconds:,.0f} messages a second" if seconds > 0 and asked else ""
    return f"; {joined((took, quick, tried, vain))}"
