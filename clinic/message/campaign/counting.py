"""
How many rows of a campaign's list have which outcome: the one place that says so.

Everything that shows counts (`show`, `campaigns`, `review`, the summary, `pause` … `cancel`, approvals,
Prefect's artifacts) asks `count_outcomes`; the outcome file and the rows with errors use `code_of`, the
same rule for one row. A row ends with one outcome (clinic/cohort/outcomes.py): its outcome before
sending, or what became of its message. The counts add up to the campaign's rows at every moment.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.cohort.outcomes import KEPT, REHEARSED, TOGETHER
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.codes import ROOM, unpack
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import batch, campaign, message, recipient, submission
from clinic.record.statements.made import At
from clinic.record.told import is_told, of_teller

# A receipt may be here before its message's answer is, and an answer after its campaign's end: so long each is
# kept for the other (clinic/message/incoming/apply_receipts.py)
MATCH_WINDOW: Final = timedelta(days=7)
# What waits in a campaign that missed its start may still be sent: a person decides
_NEVER_SENT: Final = states.ENDED - {states.MISSED}
# By the message that told them
_NOT_REACHED: Final = (states.UNDELIVERED, states.REJECTED, states.UNKNOWN)


# What messages cost: one that tells others too is paid once
SEGMENTS: Final = sa.func.coalesce(
    sa.func.sum(message.c.segments).filter(message.c.told_by.is_(None)), 0
)


def messages_of(campaign_id: int) -> ColumnElement[bool]:
    """The campaign's messages, as a range of their primary key."""
    own = campaign.alias()
    base = sa.select(own.c.message_base).where(own.c.id == campaign_id).scalar_subquery()
    return sa.and_(message.c.id >= base, message.c.id < base + ROOM)


def sending_since(since: At) -> ColumnElement[bool]:
    """
    Of campaigns: whether a message of theirs may have been sent since then. Those that had ended are left out.

    By it what asks for days or weeks goes through those campaigns alone, however many years the ledger has.
    What was under way at a campaign's end is noted within the week in which a late answer is still applied.
    """
    return campaign.c.finished_at.is_(None) | (campaign.c.finished_at >= since - MATCH_WINDOW)


def first_message_since(since: At) -> ColumnElement[int]:
    """No message that was sent since then has a lower id: ids rise with their campaigns."""
    return (
        sa.select(sa.func.min(campaign.c.message_base))
        .where(sending_since(since))
        .scalar_subquery()
    )


def in_flight(connection: Connection, campaign_id: int) -> list[int]:
    """The messages of open submissions: on their way, or their worker died."""
    found = connection.scalars(
        sa.select(submission.c.open_members)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(batch.c.campaign_id == campaign_id, submission.c.state == states.INTENT)
    )
    return [one for members in found for one in unpack(members)]


def count_batches(connection: Connection, campaign_id: int) -> int:
    """Into how many batches the campaign is cut."""
    own = sa.select(sa.func.count()).where(batch.c.campaign_id == campaign_id)
    return int(connection.scalar(own) or 0)


def count_leased(connection: Connection, campaign_id: int, worker: str) -> int:
    """How many of its batches this worker holds now."""
    held = sa.select(sa.func.count()).where(
        batch.c.campaign_id == campaign_id,
        batch.c.state == states.LEASED,
        batch.c.owner == worker,
    )
    return int(connection.scalar(held) or 0)


def code_of(own: Campaign, open_now: Collection[int]) -> ColumnElement[str]:
    """
    A row's outcome, in a query over `recipient` and `message`, each of which may be missing.

    open_now: the campaign's messages `in_flight`
    """
    return sa.case(
        (recipient.c.outcome != "accepted", recipient.c.outcome),
        (message.c.state.is_(None), _unsent(own)),
        else_=_code_of_message(own, open_now),
    )


def count_outcomes(connection: Connection, campaign_id: int) -> dict[str, int]:
    """
    How many rows of the campaign's list have each outcome, most first; adds up to its rows.

    Two scans of key ranges: rows left out from the recipients, the others from the messages.

    Raises:
        NotFound: there is no such campaign
    """
    own = get_campaign(connection, campaign_id)
    left_out = sa.select(recipient.c.outcome.label("code")).where(
        recipient.c.campaign_id == own.id, recipient.c.outcome != "accepted"
    )
    open_now = in_flight(connection, own.id)
    staged = sa.select(_code_of_message(own, open_now).label("code")).where(messages_of(own.id))
    counts: dict[str, int] = {}
    for rows in (left_out.subquery(), staged.subquery()):
        query = sa.select(rows.c.code, sa.func.count()).group_by(rows.c.code)
        for code, number in connection.execute(query):
            counts[code] = counts.get(code, 0) + int(number)
    # Rows not judged yet, and accepted ones that have no message yet
    if rest := own.rows - sum(counts.values()):
        counts[_unsent(own)] = counts.get(_unsent(own), 0) + rest
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _unsent(own: Campaign) -> str:
    """Once nothing of the campaign can be sent any more, what was not sent never will be."""
    return "cancelled" if own.state in _NEVER_SENT else "waiting"


def _code_of_message(own: Campaign, open_now: Collection[int]) -> ColumnElement[str]:
    pending = message.c.state == states.PENDING
    on_its_way = [(pending & is_any_of(message.c.id, open_now), "in_flight")] if open_now else []
    nothing_left = REHEARSED if own.dry_run else KEPT if own.gateway == states.OUTBOX else None
    rehearsed = [(message.c.state.in_(states.LEFT), nothing_left)] if nothing_left else []
    return sa.case(
        *on_its_way,
        (pending, _unsent(own)),
        *rehearsed,
        (message.c.state == states.ACCEPTED, "sent"),
        # Told by a message that failed, or of which nobody knows, they are no better off than its own patient
        (is_told() & of_teller("state").in_(_NOT_REACHED), of_teller("state")),
        (is_told(), TOGETHER),
        else_=message.c.state,
    )
