"""
The brake: a campaign pauses itself when too much of what it sends fails (NEW-12). A person resumes it.

Asked only after an answer that holds a failure, so that a campaign without any pays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.moves import move
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message, submission
from clinic.settings import Halt


def halt(connection: Connection, campaign_id: int, code: str, now: datetime) -> None:
    """
    Pause the campaign: a person must look before anything more is sent.

    Where all of it was tried there is nothing to hold back: what failed or is unknown is told by its counts.
    """
    something_left = (
        sa.select(batch.c.id)
        .where(batch.c.campaign_id == campaign_id, batch.c.state != states.DONE)
        .exists()
    )
    own = campaign.c.id == campaign_id
    move(
        connection, states.PAUSED, own, something_left,
        of=states.SENDING, state_reason=code, halted_at=now,
    )  # fmt: skip


@dataclass(frozen=True)
class HaltNews:
    """That a campaign halted itself, which nobody was told yet. `at`: when, so that each is told once."""

    campaign_id: int
    reason: str
    at: datetime


def untold_halts(record: Record) -> list[HaltNews]:
    """Every halt since it was last told of that campaign: one that is only looked at again is no news."""
    query = (
        sa.select(campaign.c.id, campaign.c.state_reason, campaign.c.halted_at)
        .where(
            campaign.c.halted_at.is_not(None),
            sa.or_(
                campaign.c.halt_told_at.is_(None),
                campaign.c.halt_told_at < campaign.c.halted_at,
            ),
        )
        .order_by(campaign.c.id)
    )
    with record.read() as connection:
        return [HaltNews(row[0], row[1] or "", row[2]) for row in connection.execute(query)]


def note_told(record: Record, told: HaltNews) -> None:
    """It was told; another halt of the same campaign will be news again."""
    with record.write() as connection:
        connection.execute(
            sa.update(campaign)
            .where(campaign.c.id == told.campaign_id)
            .values(halt_told_at=told.at)
        )


def halted_since(record: Record, since: datetime) -> int:
    """How many campaigns halted themselves since then: campaigns, however often one of them did."""
    query = sa.select(sa.func.count()).where(campaign.c.halted_at >= since)
    with record.read() as connection:
        return int(connection.execute(query).scalar_one())


def reason_to_halt(
    connection: Connection, campaign_id: int, settings: Halt, *, gateway: str | None = None
) -> str | None:
    """
    The code under which the campaign must pause now; None: it may go on.

    gateway: of several, the one that was asked: only its own silence counts, and as its own; what any of them
        left unknown says nothing of the list
    """
    newest = _newest(campaign_id)
    # What another worker has still under way says nothing yet
    asked = newest.where((submission.c.state != states.INTENT) | (submission.c.tries > 0))
    if gateway is not None:  # whatever others sent between
        asked = asked.where(submission.c.gateway == gateway)
    most = max(settings.batches, settings.ambiguous)
    last = connection.execute(asked.limit(most)).all()
    in_a_row = _in_a_row([(row.state, row.tries) for row in last[: settings.ambiguous]])
    if in_a_row >= settings.ambiguous:
        return "halted-ambiguous"
    if gateway is not None:
        own = {row.id for row in last[: settings.batches] if not _is_orphan(row.state, row.tries)}
        if _leaves_unknown(connection, own, settings, gateway):
            return "halted-ambiguous"
    rows = connection.execute(newest.limit(most)).all()
    batches = {row.id: row for row in rows[: settings.batches]}.values()
    known = {row.id for row in rows if _is_orphan(row.state, row.tries) or gateway is not None}
    failed = sum(row.rejected + row.unknown * (row.id not in known) for row in batches)
    if _are_too_many(failed, failed + sum(row.accepted for row in batches), settings):
        return "halted-failures"
    return None


def _leaves_unknown(
    connection: Connection, batches: set[int], settings: Halt, gateway: str
) -> bool:
    """Whether too much of what this gateway was given of these batches is unknown."""
    own = message.c
    rows = connection.execute(
        sa.select(own.state, sa.func.count())
        .where(is_any_of(own.batch_id, sorted(batches)), own.gateway == gateway)
        .group_by(own.state)
    ).tuples()
    counts = dict(rows.all())
    return _are_too_many(counts.get(states.UNKNOWN, 0), sum(counts.values()), settings)


def _are_too_many(failed: int, tried: int, settings: Halt) -> bool:
    return tried >= settings.least and failed > settings.failures * tried


def _newest(campaign_id: int) -> sa.Select[Any]:
    """The attempts of a campaign since it was resumed, with what their batches count, the newest first."""
    since = sa.select(campaign.c.resumed_at).where(campaign.c.id == campaign_id).scalar_subquery()
    return (
        sa.select(
            batch.c.id,
            batch.c.accepted,
            batch.c.rejected,
            batch.c.unknown,
            submission.c.state,
            submission.c.tries,
        )
        .join(submission, submission.c.batch_id == batch.c.id)
        .where(
            batch.c.campaign_id == campaign_id,
            sa.or_(since.is_(None), submission.c.created_at > since),
        )
        .order_by(submission.c.created_at.desc(), submission.c.attempt.desc())
    )


def _is_orphan(state: str, tries: int) -> bool:
    """Whether nobody knows of an attempt because its worker died: no fault of the gateway's or the list's."""
    return state == states.AMBIGUOUS and not tries


def _in_a_row(attempts: list[tuple[str, int]]) -> int:
    """Of the newest attempts that were called, how many calls in a row were left without an answer."""
    count = 0
    for state, tries in attempts:
        if state == states.INTENT:
            count += tries
        elif state == states.AMBIGUOUS:
            count += not _is_orphan(state, tries)
        else:
            break
    return count
