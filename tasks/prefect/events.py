"""
Events that a Prefect automation can act on: a campaign halted itself, several did, one waits for a second
approver, a request for approval waits too long or can be decided by nobody, something is wrong with the
installation or is right again.

They name numbers and codes, and nothing of a patient: Prefect keeps and shows events. An event that
cannot be told stops nothing: the record knows all of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from prefect.events import emit_event

from clinic.message.campaign.circuit_breaker import halted_since, note_told, untold_halts
from clinic.record.database import Record
from tasks.processes.identity import INSTALLATION
from tasks.wiring import installation

HALTED = "cohort.campaign.halted"
HALTS_REPEAT = "cohort.campaigns.halting"
APPROVAL_WAITS = "cohort.campaign.approval-waits"
STALE = "cohort.approval.stale"
UNDECIDABLE = "cohort.approval.undecidable"

# So many campaigns that halted themselves within so long are no accident of one list
MOST_HALTS: Final = 2
WITHIN: Final = timedelta(hours=1)


def tell_halts(record: Record, now: datetime) -> int:
    """
    Tell of every halt that was not told yet, once; how many. Killed between the two, it is told again.

    Campaigns are counted in the record, since an automation would count the events: one campaign that
    halts twice is one bad list, two campaigns are a bad gateway.
    """
    news = untold_halts(record)
    for halt in news:
        campaign_halted(halt.campaign_id, halt.reason)
        note_told(record, halt)
    if news and (campaigns := halted_since(record, now - WITHIN)) >= MOST_HALTS:
        halts_repeat(campaigns)
    return len(news)


def campaign_halted(campaign_id: int, reason: str) -> None:
    """A campaign paused itself, for the reason of this code."""
    _emit(HALTED, campaign_id, {"reason": reason})


def halts_repeat(campaigns: int) -> None:
    """So many campaigns halted themselves within an hour."""
    emit_event(
        event=HALTS_REPEAT,
        resource=_of_ours("cohort.campaigns"),
        payload={"campaigns": str(campaigns)},
    )


def approval_waits(campaign_id: int) -> None:
    """A campaign waits for a second approver."""
    _emit(APPROVAL_WAITS, campaign_id, {})


def approval_late(approval_id: int, subject: str, subject_id: int, *, decidable: bool) -> None:
    """A request for approval waits too long (ALC-45); a second event if nobody may decide it."""
    for event in (STALE,) if decidable else (STALE, UNDECIDABLE):
        emit_event(
            event=event,
            resource=_of_ours(f"cohort.approval.{approval_id}"),
            payload={"subject": subject, "number": str(subject_id)},
        )


def _emit(event: str, campaign_id: int, payload: dict[str, str]) -> None:
    emit_event(
        event=event,
        resource=_of_ours(f"cohort.campaign.{campaign_id}"),
        payload={"campaign": str(campaign_id), **payload},
    )


def _of_ours(resource: str) -> dict[str, str]:
    """Numbers are each installation's own, so an automation goes by the installation besides."""
    return {"prefect.resource.id": resource, INSTALLATION: installation().key}
