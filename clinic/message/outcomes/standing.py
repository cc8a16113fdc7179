"""
How campaigns stand that are not at their good end: for the day's overview.

Of those that have ended, the last day's alone, and only where they failed. Dry runs that wait for nobody
are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.list_index import is_preview
from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.summary import trouble_of
from clinic.message.outcomes.verdict import ERROR, verdict
from clinic.message.reminders.stale import is_held
from clinic.record.database import Record
from clinic.record.schema.messages import campaign

RECENT: Final = timedelta(days=1)
STANDS_STILL: Final = frozenset({states.PAUSED, states.HELD_CAMPAIGN, states.MISSED})
_UNDER_WAY: Final = frozenset(
    {states.CHECKING, states.SCHEDULED, states.RUNNING, states.RECONCILING}
)
# By a person, or by nobody's yes: no failure
_DECIDED: Final = ("approval-rejected", "not-confirmed", "previewed", "warning-not-accepted")


@dataclass(frozen=True)
class Standing:
    """A campaign: `says` why it stands so; `bad`: it failed, halted, or a gateway takes nothing of it."""

    id: int
    list_name: str
    state: str
    says: str
    bad: bool


def campaigns_now(record: Record, now: datetime, *, accepted_errors: float) -> list[Standing]:
    """Those under way, those that stand still, and those that failed within a day; the oldest first."""
    c = campaign.c
    # One that its checks stopped came to no end of its own: it is of the day on which it was asked for
    at = sa.func.coalesce(c.finished_at, c.created_at)
    ended = c.state.in_((states.COMPLETED, states.REFUSED)) & (at >= now - RECENT)
    going = c.state.in_(STANDS_STILL | _UNDER_WAY)
    query = (
        sa.select(
            c.id,
            c.list_name,
            c.state,
            c.state_reason,
            c.dry_run,
            sa.func.coalesce(c.gateways, c.gateway).label("sent_through"),
        )
        .where(sa.or_(going, ended), ~is_preview(c.request_key))
        .order_by(c.id)
    )
    with record.read() as connection:
        found = [
            _standing(connection, row, accepted_errors) for row in connection.execute(query).all()
        ]
    return [each for each in found if each is not None]


def _standing(connection: Connection, job: Any, accepted_errors: float) -> Standing | None:
    says = campaign_says(job.state_reason, job.sent_through)
    if job.state in STANDS_STILL:
        return Standing(job.id, job.list_name, job.state, says, bad=True)
    if job.state in _UNDER_WAY:
        trouble = trouble_of(connection, job.id)
        says = trouble or ""
        if says and not is_held(says):
            says = f"the gateway takes nothing: {says}"
        return Standing(job.id, job.list_name, job.state, says, bad=bool(trouble))
    if job.dry_run or job.state_reason in _DECIDED:
        return None
    if job.state == states.REFUSED:
        return Standing(job.id, job.list_name, job.state, says, bad=True)
    counts = count_outcomes(connection, job.id)
    if verdict(job.state, counts, accepted_errors=accepted_errors) != ERROR:
        return None
    return Standing(job.id, job.list_name, ERROR, "some messages failed or are unknown", bad=True)
