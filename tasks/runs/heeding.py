"""
Heeds stops of runs whose process is gone or could not ask, before it is looked what is due.

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from clinic.errors import NotAllowed, NotFound
from clinic.govern.approvals.approvals import latest
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, campaigns_where
from clinic.message.prepare.control import pause
from clinic.message.prepare.due import due_campaigns
from clinic.record.schema.messages import campaign
from tasks.runs.stops import stops_of
from tasks.wiring import Wiring

_COULD_SEND: Final = (states.RUNNING, states.SCHEDULED)
_SAYS: Final = {
    "run-cancelled": "its run was cancelled in the Prefect UI",
    "run-suspended": "its run was suspended in the Prefect UI",
}


def wanted_campaigns(
    parts: Wiring, log: logging.Logger | logging.LoggerAdapter[logging.Logger]
) -> list[int]:
    """The campaigns that are due, less those that a person stopped in the Prefect UI."""
    for number in heed_stops(parts):
        log.warning("Campaign %d is paused: its run was told to stop", number)
    due = due_campaigns(parts.record, parts.clock.now(), parts.timing)
    told = _told_while_checked(parts, due)
    for number in told:
        log.warning(
            "Campaign %d was stopped in the Prefect UI while its list was checked, and is not begun again. The "
            "way on: cohort message --resume %d, or: cohort cancel %d", number, number, number,
        )  # fmt: skip
    return [number for number in due if number not in told]


def heed_stops(parts: Wiring) -> list[int]:
    """Pause the campaigns whose runs were told to stop and could not do it themselves; which."""
    with parts.record.read() as connection:
        found = campaigns_where(connection, campaign.c.state.in_(_COULD_SEND))
    paused: list[int] = []
    for number, code, told_at in stops_of(parts.installation.tag, [job.id for job in found]):

        def is_over(connection: Connection, job: Campaign, told_at: datetime = told_at) -> bool:
            return told_at < _since(connection, job)

        if number not in paused and pause_for(parts, number, code, is_over):
            paused.append(number)
    return paused


def _told_while_checked(parts: Wiring, numbers: Sequence[int]) -> list[int]:
    """Those of these campaigns that are still being checked, and whose runs a person told to stop."""
    checked = (campaign.c.state == states.CHECKING) & campaign.c.id.in_(list(numbers))
    with parts.record.read() as connection:
        begun = {job.id: job.created_at for job in campaigns_where(connection, checked)}
    told = stops_of(parts.installation.tag, list(begun))
    return sorted({number for number, _, told_at in told if told_at >= begun[number]})


def _since(connection: Connection, job: Campaign) -> datetime:
    """From when on a stop counts: begun, approved, or resumed. That its own run released it is no new yes."""
    asked = latest(connection, subject="campaign", subject_id=job.id)
    approved = (
        job.released_at if asked is not None and asked.state in ("approved", "used") else None
    )
    return max(filter(None, (job.created_at, approved, job.resumed_at)))


def pause_for(
    parts: Wiring, number: int, code: str, is_over: Callable[[Connection, Campaign], bool]
) -> bool:
    """Pause it, if it could send and the stop is not over; whether that was done now."""

    def only(connection: Connection, job: Campaign) -> bool:
        return job.state in _COULD_SEND and not is_over(connection, job)

    says = _SAYS[code]
    try:
        pause(parts.record, parts.clock, number, by="system", reason=says, code=code, only=only)
    except (NotAllowed, NotFound):
        return False  # it has ended meanwhile, or another record has no such campaign
    return True
