"""
What became of campaigns, read from the ledger and never from memory.

A row of a list ends with one outcome (clinic/cohort/outcomes.py): its outcome before sending, or what
became of its message. Counts over a campaign add up to its rows at every moment, also while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from clinic.cohort.outcomes import OUTCOMES, REHEARSED
from clinic.cohort.taken import is_preview
from clinic.message import states
from clinic.message.campaign import get_campaign
from clinic.message.codes import message_id
from clinic.record.database import Record
from clinic.record.schema.lists import template, template_version
from clinic.record.schema.messages import batch, campaign, message, recipient, submission

OK: Final = "OK"
ERROR: Final = "Error"
_FAILED: Final = (states.UNDELIVERED, states.REJECTED, states.EXPIRED, states.EXHAUSTED)
_ERRORS: Final = tuple(code for code, outcome in OUTCOMES.items() if outcome.kind == "error")


@dataclass(frozen=True)
class CampaignLine:
    """A campaign as the list of campaigns shows it (PAT-19). `verdict`: OK, Error, or its state."""

    id: int
    at: datetime
    sender: str
    first_line: str
    channel: str
    list_name: str
    rows: int
    verdict: str
    dry_run: bool


@dataclass(frozen=True)
class CampaignDetails:
    """A campaign with everything that `cohort show` tells; `counts` by outcome add up to `rows`."""

    line: CampaignLine
    template: str
    version: int
    text: str
    state: str
    state_reason: str | None
    save_when: str | None
    snomed_codes: str | None
    released_at: datetime | None
    finished_at: datetime | None
    segments: int
    counts: dict[str, int]


def list_campaigns(record: Record, *, limit: int = 50) -> list[CampaignLine]:
    """The latest campaigns, newest first (PAT-4, PAT-19); none that is only previewed."""
    query = (
        _campaigns()
        .where(~is_preview(campaign.c.request_key))
        .order_by(campaign.c.id.desc())
        .limit(limit)
    )
    with record.read() as connection:
        return [_line(row) for row in connection.execute(query)]


def show_campaign(record: Record, campaign_id: int) -> CampaignDetails:
    """
    One campaign (PAT-21).

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        row = connection.execute(_campaigns().where(campaign.c.id == campaign_id)).one()
        segments = sa.select(sa.func.sum(message.c.segments)).where(messages_of(campaign_id))
        return CampaignDetails(
            line=_line(row),
            template=row.key,
            version=row.version,
            text=row.body,
            state=own.state,
            state_reason=own.state_reason,
            save_when=own.save_when if own.save_to_record else None,
            snomed_codes=own.snomed_codes,
            released_at=own.released_at,
            finished_at=own.finished_at,
            segments=connection.scalar(segments) or 0,
            counts=_counts(connection, own),
        )


def count_outcomes(record: Record, campaign_id: int) -> dict[str, int]:
    """
    How many rows of the campaign's list have each outcome, most first; adds up to its rows.

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        return _counts(connection, get_campaign(connection, campaign_id))


def messages_of(campaign_id: int) -> ColumnElement[bool]:
    """The campaign's messages, as a range of their primary key."""
    first, after = message_id(campaign_id, 0), message_id(campaign_id + 1, 0)
    return sa.and_(message.c.id >= first, message.c.id < after)


def code_of(own: Row[Any]) -> ColumnElement[str]:
    """A row's outcome, in a query over `recipient` and `message`, each of which may be missing."""
    return sa.case(
        (recipient.c.outcome != "accepted", recipient.c.outcome),
        (message.c.state.is_(None), _unsent(own)),
        else_=_code_of_message(own),
    )


def _unsent(own: Row[Any]) -> str:
    """Once nothing of the campaign can be sent any more, what was not sent never will be."""
    return "cancelled" if own.state in states.ENDED else "waiting"


def _code_of_message(own: Row[Any]) -> ColumnElement[str]:
    is_open = sa.exists().where(
        submission.c.batch_id == message.c.batch_id, submission.c.state == states.INTENT
    )
    rehearsed = [(message.c.state.in_(states.LEFT), REHEARSED)] if own.dry_run else []
    return sa.case(
        (sa.and_(message.c.state == states.PENDING, is_open), "in_flight"),
        (message.c.state == states.PENDING, _unsent(own)),
        *rehearsed,
        (message.c.state == states.ACCEPTED, "sent"),
        else_=message.c.state,
    )


def _counts(connection: Connection, own: Row[Any]) -> dict[str, int]:
    """Left-out rows from the recipients, the others from the messages: two scans of key ranges."""
    left_out = sa.select(recipient.c.outcome.label("code")).where(
        recipient.c.campaign_id == own.id, recipient.c.outcome != "accepted"
    )
    staged = sa.select(_code_of_message(own).label("code")).where(messages_of(own.id))
    counts: dict[str, int] = {}
    for rows in (left_out.subquery(), staged.subquery()):
        query = sa.select(rows.c.code, sa.func.count()).group_by(rows.c.code)
        for code, number in connection.execute(query):
            counts[code] = counts.get(code, 0) + number
    # Rows not judged yet, and accepted ones that have no message yet
    if rest := own.rows - sum(counts.values()):
        counts[_unsent(own)] = counts.get(_unsent(own), 0) + rest
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _campaigns() -> sa.Select[Any]:
    return (
        sa.select(
            campaign,
            template.c.key,
            template_version.c.version,
            template_version.c.body,
            _has_errors().label("has_errors"),
        )
        .join(template_version, template_version.c.id == campaign.c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
    )


def _has_errors() -> ColumnElement[bool]:
    """Whether any row ended in error, cheapest question first: SQL stops at the first yes."""
    counted = sa.exists().where(
        batch.c.campaign_id == campaign.c.id, batch.c.rejected + batch.c.unknown > 0
    )
    judged = sa.exists().where(
        recipient.c.campaign_id == campaign.c.id, recipient.c.outcome.in_(_ERRORS)
    )
    # Receipts come late and are not counted on the batch
    failed = sa.exists().where(
        message.c.id >= campaign.c.id * message_id(1, 0),
        message.c.id < (campaign.c.id + 1) * message_id(1, 0),
        message.c.state.in_(_FAILED),
    )
    return sa.or_(counted, judged, failed)


def _line(row: Row[Any]) -> CampaignLine:
    return CampaignLine(
        id=row.id,
        at=row.released_at or row.created_at,
        sender=row.requested_by,
        first_line=row.body.strip().partition("\n")[0],
        channel=row.channel,
        list_name=row.list_name,
        rows=row.rows,
        verdict=verdict(row.state, has_errors=row.has_errors),
        dry_run=row.dry_run,
    )


def verdict(state: str, *, has_errors: bool) -> str:
    """
    OK or Error of a campaign that has been tried whole, else the state that it is in.

    PAT-20: OK = sent to all recipients without errors; Error = errors for one or more. Rows that were
    left out on purpose (dead, opted out, twice in the list) are not errors (ARC-10, ARC-11).
    """
    if state not in (states.COMPLETED, states.RECONCILING):
        return state
    return ERROR if has_errors else OK
