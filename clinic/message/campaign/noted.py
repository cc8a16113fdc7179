"""
Which batches of a campaign were lost with a set-back, by what this machine noted before it sent each.

    a batch whose next attempt is in the notes     lost: what of it waits becomes `unknown`
    any other                                      was not begun: it is sent

The notes (clinic/message/sending/journal.py) are believed where they have all that the record knows of the day
before it was set back, so no other machine sent and none is missing; and something that it does not know, so
they were not set back with it. That no other machine began to send in what was lost, whoever resumes it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.doubt import may_ask
from clinic.message.codes import submission_id
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import batch, campaign, installation, submission

Noted = Mapping[str, datetime]  # submissions that were about to be sent, and when
_REACH: Final = timedelta(days=1)  # of what the record knows: so much must be in the notes too
_AT_ONCE: Final = timedelta(minutes=1)  # threads commit in another order than they begin


def mark_lost(connection: Connection, job: Campaign, noted: Noted) -> int:
    """
    Mark the batches of which more was begun than the record knows; how many.

    Raises:
        NotAllowed: the notes cannot tell
    """
    if job.released_at is None:
        raise _cannot_tell(
            job, "it was not prepared yet when the record was set back, and is prepared again"
        )
    _believe(connection, job, noted)
    found = _begun_besides(connection, job, noted)
    connection.execute(sa.update(batch).where(is_any_of(batch.c.id, found)).values(lost=True))
    return len(found)


def _believe(connection: Connection, job: Campaign, noted: Noted) -> None:
    last = connection.scalar(sa.select(sa.func.max(submission.c.created_at)))
    known = set(
        connection.scalars(
            sa.select(submission.c.id).where(submission.c.created_at > last - _REACH)
        )
        if last is not None
        else ()
    )
    if known - noted.keys():
        raise _cannot_tell(
            job,
            "they miss submissions of the day before: another machine sends too, or they are newer",
        )
    newer = [key for key, at in noted.items() if last is None or at > last - _AT_ONCE]
    there = sa.select(submission.c.id).where(is_any_of(submission.c.id, newer))
    if not set(newer) - set(connection.scalars(there)):
        raise _cannot_tell(
            job,
            "they have nothing that the record does not know, so they may have been set back with it",
        )


def _begun_besides(connection: Connection, job: Campaign, noted: Noted) -> list[int]:
    """An attempt follows the one before it: where the next is not noted, none is."""
    install_id, base = connection.execute(
        sa.select(installation.c.install_id, campaign.c.message_base).join(
            campaign, campaign.c.id == job.id
        )
    ).one()
    tried = sa.func.coalesce(sa.func.max(submission.c.attempt), 0)
    rows = connection.execute(
        sa.select(batch.c.id, tried)
        .outerjoin(submission, submission.c.batch_id == batch.c.id)
        .where(batch.c.campaign_id == job.id, batch.c.state != states.DONE)
        .group_by(batch.c.id)
    ).tuples()
    return [key for key, last in rows if submission_id(install_id, base, key, last + 1) in noted]


def _cannot_tell(job: Campaign, why: str) -> NotAllowed:
    return NotAllowed(
        "left-noted",
        f"this machine's notes do not tell what of campaign {job.id} was sent: {why}. Ask the provider"
        f"{': cohort sending ask, or its list' if may_ask(job) else ' for its list'}; then cohort resume "
        f"{job.id} --left nothing or --left unknown",
    )
