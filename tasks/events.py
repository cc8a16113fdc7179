"""
Events that a Prefect automation can act on: a campaign halted itself, one waits for a second person,
a request for approval waits too long or can be decided by nobody.

They name numbers and codes, and nothing of a patient: Prefect keeps and shows events. An event that
cannot be told stops nothing: the record knows all of it.
"""

from __future__ import annotations

from prefect.events import emit_event

from clinic.message import states

HALTED = "cohort.campaign.halted"
APPROVAL_WAITS = "cohort.campaign.approval-waits"
STALE = "cohort.approval.stale"
UNDECIDABLE = "cohort.approval.undecidable"

# What people do to a campaign is no news to them
_BY_PEOPLE = frozenset({"paused-by-person"})


def is_halt(state: str, reason: str | None) -> bool:
    """Whether a campaign in this state paused itself."""
    return state == states.PAUSED and reason not in _BY_PEOPLE


def campaign_halted(campaign_id: int, reason: str | None) -> None:
    """A campaign paused itself, for the reason of this code."""
    _emit(HALTED, campaign_id, {"reason": reason or ""})


def approval_waits(campaign_id: int) -> None:
    """A campaign waits for a second person."""
    _emit(APPROVAL_WAITS, campaign_id, {})


def approval_late(approval_id: int, subject: str, subject_id: int, *, decidable: bool) -> None:
    """A request for approval waits too long (ALC-45); a second event if nobody may decide it."""
    for event in (STALE,) if decidable else (STALE, UNDECIDABLE):
        emit_event(
            event=event,
            resource={"prefect.resource.id": f"cohort.approval.{approval_id}"},
            payload={"subject": subject, "number": str(subject_id)},
        )


def _emit(event: str, campaign_id: int, payload: dict[str, str]) -> None:
    emit_event(
        event=event,
        resource={"prefect.resource.id": f"cohort.campaign.{campaign_id}"},
        payload={"campaign": str(campaign_id), **payload},
    )
