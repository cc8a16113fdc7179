"""
How long a run has not begun, or has not been heard of: for whoever wants it to go on and would wait in vain.

    scheduled    no worker has taken it: none runs, all are busy, or its queue is paused
    pending      a worker took it, and its process has not begun; if that worker is gone, it never will
    running      and silent: its process may be gone

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType

from tasks.processes.environment import HEARTBEAT_SECONDS
from tasks.runs.going_on import TO_BEGIN, runs_of
from tasks.runs.silent_runs import NOT_BEGUN, SILENCE, silent_for

# A heartbeat may be written down some seconds late
_HEARD: Final = timedelta(seconds=1.5 * HEARTBEAT_SECONDS)
_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Stalled:
    """
    A run of which nothing is seen.

    code: "run-not-begun" or "run-silent"; seconds: for how long
    says: what is known of it; lost_at: from then on it is taken for lost, None: it never is
    """

    code: str
    seconds: int
    says: str
    lost_at: datetime | None


def stalled(tag: str, flow_run_id: str | None, *, now: datetime | None = None) -> Stalled | None:
    """The run of this that has not begun or fell silent; None: one is at it, suspended, or has ended."""
    now = now or datetime.now(UTC)
    for run in runs_of(tag, flow_run_id):
        if run.state is None:
            continue
        if run.state_type in TO_BEGIN:
            return _to_begin(run, now)
        if run.state_type is StateType.RUNNING:
            return _silent(run, now)
    return None


def wait_to_begin(tag: str, flow_run_id: str | None, *, seconds: float) -> Stalled | None:
    """The same, once it had so many seconds to begin: None as soon as it did."""
    until = time.monotonic() + seconds
    while (found := stalled(tag, flow_run_id)) is not None and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    return found


def _to_begin(run: FlowRun, now: datetime) -> Stalled:
    assert run.state is not None
    if run.state_type is StateType.PENDING:
        since = run.state.timestamp
        says, lost_at = "was taken by a worker {} ago and has not begun", since + NOT_BEGUN
        return _stalled("run-not-begun", says, now - since, lost_at)
    # A resumed run's own time of start is that of before it waited for a person
    since = run.state.state_details.scheduled_time or run.state.timestamp
    return _stalled("run-not-begun", "has waited for a worker for {}", now - since, None)


def _silent(run: FlowRun, now: datetime) -> Stalled | None:
    with get_client(sync_client=True) as client:
        silent = silent_for(client, run, now)
    if silent is None or silent < _HEARD:
        return None
    return _stalled("run-silent", "was last heard of {} ago", silent, now - silent + SILENCE)


def _stalled(code: str, says: str, time_: timedelta, lost_at: datetime | None) -> Stalled:
    seconds = max(0, int(time_.total_seconds()))
    shown = (
        f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} second{'s' * (seconds != 1)}"
    )
    return Stalled(code, seconds, says.format(shown), lost_at)
