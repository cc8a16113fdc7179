"""
The brake: a campaign pauses itself when too much of what it sends fails (NEW-12). A person resumes it.

Asked only after an answer that holds a failure, so that a campaign without any pays nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.record.schema.messages import batch, campaign, submission
from clinic.settings import Halt


def halt(connection: Connection, campaign_id: int, code: str) -> None:
    """Pause the campaign: a person must look before anything more is sent."""
    connection.execute(
        sa.update(campaign)
        .where(campaign.c.id == campaign_id, campaign.c.state.in_(states.SENDING))
        .values(state=states.PAUSED, state_reason=code, row_version=campaign.c.row_version + 1)
    )


def reason_to_halt(connection: Connection, campaign_id: int, settings: Halt) -> str | None:
    """The code under which the campaign must pause now; None: it may go on."""
    since = sa.select(campaign.c.resumed_at).where(campaign.c.id == campaign_id).scalar_subquery()
    rows = connection.execute(
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
        .limit(max(settings.batches, settings.ambiguous))
    ).all()
    if _in_a_row([(row.state, row.tries) for row in rows]) >= settings.ambiguous:
        return "halted-ambiguous"
    batches = {row.id: row for row in rows[: settings.batches]}.values()
    failed = sum(row.rejected + row.unknown for row in batches)
    tried = failed + sum(row.accepted for row in batches)
    if tried >= settings.least and failed > settings.failures * tried:
        return "halted-failures"
    return None


def _in_a_row(attempts: list[tuple[str, int]]) -> int:
    """Of the newest attempts, how many calls in a row were left without an answer."""
    count = 0
    for state, tries in attempts:
        if state == states.INTENT and tries:
            count += tries
        elif state == states.AMBIGUOUS:
            count += 1
        elif state != states.INTENT:  # another worker's, still under way, says nothing yet
            break
    return count
