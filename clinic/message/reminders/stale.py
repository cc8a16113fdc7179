"""
Reminders that waited are held while what they rest on is too old (NEW-16; docs/decisions/0043).

    checked at 18:00 on what came at 5:00 ──► closed hours, approval, pace ──► the night's import fails
        ──► held at 8:00, batch by batch; nothing of the campaign changes
        ──► an import ──► goes on          or a named person's yes, which counts as an import of that moment

Asked in the transaction of each intent: a statement for whose campaign it is, one for the imports.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.message import states
from clinic.message.reminders.remind import SOURCE
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.safety import stale_acceptance
from clinic.record.systems.staleness import CODE, is_judged, late_sources, said_of_late
from clinic.settings import Settings

LOOKED_AT_AGAIN: Final = timedelta(minutes=30)  # an import wakes it before
_LONGEST: Final = 200  # characters that `batch.trouble` has room for
_MARK: Final = f"{CODE}: "


def why_held(
    connection: Connection, settings: Settings, campaign_id: int, now: datetime
) -> str | None:
    """Why this campaign's reminders may not leave now, as a batch keeps it; None: they may."""
    if not is_judged(settings) or not _is_asked(connection, campaign_id, now):
        return None
    late = late_sources(connection, settings, now)
    if not late:
        return None
    return f"{_MARK}{said_of_late(late)}. Import again: cohort sources sync"[:_LONGEST]


def is_held(trouble: str) -> bool:
    """Whether this is why a batch waits."""
    return trouble.startswith(_MARK)


def other_trouble() -> sa.ColumnElement[str | None]:
    """What else stands in `batch.trouble`: for whoever holds the batch no more."""
    return sa.case(
        (batch.c.trouble.startswith(_MARK, autoescape=True), None), else_=batch.c.trouble
    )


def wake_held(connection: Connection) -> int:
    """Let what is held be looked at now, after an import or a yes; how many batches."""
    return connection.execute(
        sa.update(batch)
        .where(batch.c.state == states.READY, batch.c.trouble.startswith(_MARK, autoescape=True))
        .values(not_before=None)
    ).rowcount


def require_reminders(connection: Connection, campaign_id: int) -> None:
    """
    Before somebody says yes.

    Raises:
        CohortRefused: it is no campaign of reminders, which alone rest on sources
    """
    if not _is_reminders(connection, campaign_id):
        raise CohortRefused(
            "acceptance-unknown",
            f"campaign {campaign_id} is not of reminders, and waits for no source. Nothing was changed",
        )


def accept_stale(
    connection: Connection, clock: Clock, settings: Settings, campaign_id: int, *, by: str, reason: str
) -> datetime:  # fmt: skip
    """
    A person's yes, with its act: it counts as long as an import of this moment would; until when that is.

    What was said before stays, and the latest end counts.
    """
    now = clock.now()
    until = now + timedelta(hours=settings.sync.reminder_hours)
    given = {"campaign_id": campaign_id, "accepted_by": by, "reason": reason, "accepted_at": now}
    key = connection.scalars(
        sa.insert(stale_acceptance).values(**given, until=until).returning(stale_acceptance.c.id)
    ).one()
    late = late_sources(connection, settings, now)
    act = Act(
        operator=by,
        operation_type="stale.accepted",
        subject="campaign",
        subject_id=campaign_id,
        new_values={
            "late": [[one.source, one.kind] for one in late],
            "until": until.isoformat(),
            "reason_sha256": hashlib.sha256(reason.encode()).hexdigest(),
        },
    )
    record_act(connection, clock, act, rows={stale_acceptance: [key]})
    return until


def is_accepted(connection: Connection, campaign_id: int, now: datetime) -> bool:
    """Whether a person's yes is in force."""
    return bool(connection.scalar(sa.select(_in_force(campaign_id, now))))


def _in_force(campaign_id: int, now: datetime) -> sa.Exists:
    own = stale_acceptance.c
    return sa.select(own.id).where(own.campaign_id == campaign_id, own.until > now).exists()


def _is_asked(connection: Connection, campaign_id: int, now: datetime) -> bool:
    """Whether it is of reminders, and no person's yes is in force."""
    return _is_reminders(connection, campaign_id, ~campaign.c.dry_run, ~_in_force(campaign_id, now))


def _is_reminders(connection: Connection, campaign_id: int, *more: sa.ColumnElement[bool]) -> bool:
    query = (
        sa.select(campaign.c.id)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(campaign.c.id == campaign_id, cohort_list.c.source == SOURCE, *more)
    )
    return connection.scalar(query) is not None
