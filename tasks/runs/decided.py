"""Lets what somebody decided go on: the run that waits for it, or another where that one is lost."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from clinic.change.core.states import CLOSED, ENDED
from clinic.change.operations import find_operation
from clinic.errors import NotFound
from clinic.govern.approvals.approvals import Approval
from clinic.message.campaign.campaign import get_campaign
from clinic.message.states import ENDED as CAMPAIGN_ENDED
from clinic.record.database import Record
from tasks.runs.going_on import (
    Went,
    campaign_goes_on,
    campaign_tag,
    operation_goes_on,
    operation_tag,
    resumed,
    runs_of,
)


def decision_goes_on(record: Record, decided: Approval) -> Went | Literal["none", "done"]:
    """
    Let it go on.

    "none": nothing waits. A no is only told to a run that waits for it; none is started for that.
    "done": a run that was about to ask has read the decision by itself, and is through with it
    """
    if decided.subject == "campaign":
        return _campaign(record, decided)
    if decided.subject != "operation":
        return "none"
    try:
        with record.read() as connection:
            found = find_operation(connection, decided.subject_id)
    except NotFound:
        return "none"
    if found.state in CLOSED:
        return _told(operation_tag(found.id), decided.flow_run_id)
    if found.state in ENDED:
        return "done"
    return operation_goes_on(found.id, found.kind, flow_run_id=decided.flow_run_id)


def tag_of(decided: Approval) -> str:
    """By which the runs of what was decided are found."""
    if decided.subject == "operation":
        return operation_tag(decided.subject_id)
    return f"{decided.subject}-{decided.subject_id}"


def _campaign(record: Record, decided: Approval) -> Went | Literal["none", "done"]:
    if decided.state != "approved":
        return _told(campaign_tag(decided.subject_id), decided.flow_run_id)
    with record.read() as connection:
        if get_campaign(connection, decided.subject_id).state in CAMPAIGN_ENDED:
            return "done"
    return campaign_goes_on(record, decided.subject_id, flow_run_id=decided.flow_run_id)


def _told(tag: str, flow_run_id: str | None) -> Literal["resumed", "none"]:
    suspended: list[UUID] = [
        run.id
        for run in runs_of(tag, flow_run_id)
        if run.state is not None and run.state.is_paused()
    ]
    # One that `settle` resumes in the same moment reads the no by itself
    return "resumed" if [run for run in suspended if resumed(run)] else "none"
