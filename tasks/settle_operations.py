"""
Operations that go on by themselves: approved and not started, or begun by a run that is gone.

What waits for a decision, and what a decision ended, is in the record; Prefect is only told. Each task
may be run again at any time and beside itself, and hands on numbers alone.
"""

from __future__ import annotations

import re
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectException

from clinic.change.approve import note_decisions
from clinic.change.operations import get_operation, in_state
from clinic.change.states import APPROVED, ENDED, RUNNING
from clinic.errors import CohortError, NotFound
from clinic.govern.approvals import latest
from tasks import runs
from tasks.going_on import operation_goes_on, operation_tag, runs_of
from tasks.safely import may_mend_itself, task
from tasks.wiring import wiring

# A run that fails needs a person; one that crashes again and again does too
_MOST_CRASHES: Final = 5


@task(name="find-lost-operations")
def find_lost_operations() -> list[int]:
    """Operations that are approved and not started, or that were begun by a run that crashed."""
    parts = wiring()
    approved = note_decisions(parts.record, parts.clock)
    begun = in_state(parts.record, APPROVED, RUNNING)
    return [key for key in dict.fromkeys((*approved, *begun)) if _is_lost(key)]


def _is_lost(operation_id: int) -> bool:
    found = get_operation(wiring().record, operation_id)
    run = runs_of(operation_tag(operation_id), _noted_run(operation_id))
    crashed = [each.state_type for each in run].count(StateType.CRASHED)
    if run and run[0].state_type is StateType.CRASHED:
        return crashed < _MOST_CRASHES
    if found.state == RUNNING:
        return False
    return not run or run[0].state_type is StateType.PAUSED


@task(
    name="start-operation",
    task_run_name="start-operation-{operation_id}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=may_mend_itself,
)
def start_operation(operation_id: int) -> str:
    """Let an operation go on: resumed, started, or under way."""
    kind = get_operation(wiring().record, operation_id).kind
    return operation_goes_on(operation_id, kind, flow_run_id=_noted_run(operation_id))


@task(name="end-waiting-runs")
def end_waiting_runs() -> int:
    """Let the suspended runs of operations that people have closed end, each in its own state; how many."""
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    ours = FlowRunFilterTags(all_=[wiring().installation.tag])
    with get_client(sync_client=True) as client:
        waiting = client.read_flow_runs(flow_run_filter=FlowRunFilter(state=paused, tags=ours))
    ended = [run.id for run in waiting if _has_ended(run.tags)]
    for key in ended:
        try:
            runs.resume(key)
        except (CohortError, PrefectException):
            continue  # somebody else did; the next time sees the others
    return len(ended)


def _has_ended(tags: list[str]) -> bool:
    found = [match for tag in tags if (match := re.fullmatch(r"operation-(\d+)", tag))]
    try:
        return bool(found) and get_operation(wiring().record, int(found[0][1])).state in ENDED
    except NotFound:
        return False  # of another record: theirs to end


def _noted_run(operation_id: int) -> str | None:
    with wiring().record.read() as connection:
        asked = latest(connection, subject="operation", subject_id=operation_id)
    return asked.flow_run_id if asked else None
