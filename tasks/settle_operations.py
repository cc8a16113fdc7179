"""
Operations that go on by themselves: approved and not started, or left behind by a run that is gone.

    its run crashed                           another one, at most five times: then a person must look
    failed because the record was away,       another one, at most five within six hours: nobody knows
    or its disk full                          when it is back, or there is room
    failed with something left of it          as one that crashed
    failed for any other reason               a person must look

What waits for a decision, and what a decision ended, is in the record; Prefect is only told. Each task
may be run again at any time and beside itself, and hands on numbers alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import PrefectException

from clinic.change.core.states import APPROVED, ENDED, PLANNED, REQUESTED, RUNNING
from clinic.change.operations import get_operation, in_state
from clinic.change.review.approve import note_decisions
from clinic.errors import CohortError, NotFound
from clinic.message.campaign.campaign import get_campaign
from clinic.message.states import CANCELLED_CAMPAIGN, COMPLETED, REFUSED
from clinic.record.outage import PASSING
from tasks.asking.starting import noted_run, operation_goes_on
from tasks.guard.asking import whole
from tasks.guard.decorators import may_mend_itself, task
from tasks.runs import runs
from tasks.runs.going_on import operation_tag, runs_of
from tasks.wiring import wiring

_MOST: Final = 5
_WITHIN: Final = timedelta(hours=6)
# Codes of what ends by itself, or is put right without a word to us
_AWAY: Final = (*sorted(PASSING), "disk-full", "record-read-only")

Ended = Literal["record away", "left something", "otherwise", ""]
_CAMPAIGN_ENDED: Final = frozenset({COMPLETED, REFUSED, CANCELLED_CAMPAIGN})


def find_lost_operations() -> list[int]:
    """Operations that are approved and not started, or whose run ended without them."""
    parts = wiring()
    approved = note_decisions(parts.record, parts.clock)
    open_ones = in_state(parts.record, REQUESTED, PLANNED, APPROVED, RUNNING)
    return [key for key in dict.fromkeys((*approved, *open_ones)) if _is_lost(key)]


def _is_lost(operation_id: int) -> bool:
    found = get_operation(wiring().record, operation_id)
    runs = runs_of(operation_tag(operation_id), noted_run(wiring().record, operation_id))
    if runs and _how_ended(runs[0]):
        return _may_begin_again(runs, now=datetime.now(UTC))
    return found.state == APPROVED and (not runs or runs[0].state_type is StateType.PAUSED)


def _may_begin_again(runs: list[FlowRun], *, now: datetime) -> bool:
    """Whether another run may get further than the last one, the newest of these."""
    how = [_how_ended(run) for run in runs]
    match how[0]:
        case "record away":
            recent = [run for run in runs if run.state and run.state.timestamp > now - _WITHIN]
            return [_how_ended(run) for run in recent].count("record away") < _MOST
        case "left something":
            return how.count("left something") < _MOST
        case _:
            return False


def _how_ended(run: FlowRun) -> Ended:
    """Why a run ended without the operation; "": it is under way, or waits, or a person ended it."""
    if run.state_type is StateType.CRASHED:
        return "left something"
    if run.state_type is not StateType.FAILED:
        return ""
    says = (run.state and run.state.message) or ""
    if any(f"{code}: " in says for code in _AWAY):
        return "record away"
    return "left something" if "operation-incomplete: " in says else "otherwise"


@task(
    name="start-operation",
    task_run_name="start-operation-{operation_id}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=may_mend_itself,
)
def start_operation(operation_id: int) -> str:
    """Let an operation go on: resumed, started, or under way."""
    return operation_goes_on(wiring().record, operation_id)


def end_waiting_runs() -> int:
    """Let the suspended runs of what people have closed end, each in its own state; how many."""
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    ours = FlowRunFilterTags(all_=[wiring().installation.tag])
    with get_client(sync_client=True) as client:
        waiting = whole(
            client.read_flow_runs, flow_run_filter=FlowRunFilter(state=paused, tags=ours)
        )
    ended = [run.id for run in waiting if _has_ended(run.tags)]
    for key in ended:
        try:
            runs.resume(key)
        except (CohortError, PrefectException):
            continue  # somebody else did; the next time sees the others
    return len(ended)


def _has_ended(tags: list[str]) -> bool:
    """Whether the operation or campaign of these tags has."""
    found = [match for tag in tags if (match := re.fullmatch(r"(operation|campaign)-(\d+)", tag))]
    if not found:
        return False
    record, (kind, number) = wiring().record, found[0].groups()
    try:
        if kind == "operation":
            return get_operation(record, int(number)).state in ENDED
        with record.read() as connection:
            return get_campaign(connection, int(number)).state in _CAMPAIGN_ENDED
    except NotFound:
        return False  # of another record: theirs to end
