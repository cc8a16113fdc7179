"""
Runs whose machine is gone: they stay `Running` or `Pending` for ever, since nobody is left to say otherwise.

A run sends a heartbeat every 30 seconds, the first at once. One that is still Running when three of them did
not come is marked as crashed; so is one of which none ever came, killed as it began or beside its server, and
one that is Pending still, whose worker stopped after it had taken it and before it had begun.
Its state is asked first: an automation of Prefect's own goes by events alone, and marked runs that were
suspended, and waited for a person, as crashed too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventResourceFilter,
)
from prefect.states import Crashed

from tasks.guard.asking import whole
from tasks.processes.environment import HEARTBEAT_SECONDS
from tasks.wiring import wiring

MISSED_HEARTBEATS: Final = 3
_BEATS: Final = timedelta(seconds=HEARTBEAT_SECONDS)
SILENCE: Final = MISSED_HEARTBEATS * _BEATS
# What has come may be written down late: a run of which nothing came at all is given more time
NONE_AT_ALL: Final = timedelta(minutes=10)
# A worker starts a process within seconds, within a minute or two on a machine that is very busy
NOT_BEGUN: Final = timedelta(minutes=5)


def end_silent_runs() -> int:
    """Mark the runs that fell silent as crashed; how many."""
    with get_client(sync_client=True) as client:
        return len(crash_silent_runs(client, wiring().installation.tag, now=datetime.now(UTC)))


def crash_silent_runs(client: SyncPrefectClient, tag: str, *, now: datetime) -> list[UUID]:
    """Runs with this tag, Running or Pending, of which nothing was heard for too long: now they are Crashed."""
    at_it = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    running = FlowRunFilterState(type=at_it)
    ours = FlowRunFilterTags(all_=[tag])  # another installation's are its own to judge
    found = whole(client.read_flow_runs, flow_run_filter=FlowRunFilter(state=running, tags=ours))
    return [run.id for run in found if crash_if_silent(client, run, now=now)]


def crash_if_silent(client: SyncPrefectClient, run: FlowRun, *, now: datetime) -> bool:
    """Whether nothing was heard of it for too long: then it is Crashed now."""
    if not _is_silent(client, run, now):
        return False
    # Asked again: it may have been suspended, or have ended, since
    state = client.read_flow_run(run.id).state
    if state is not None and state.is_running():
        message = f"no heartbeat for {SILENCE.total_seconds():.0f} s"
        client.set_flow_run_state(run.id, Crashed(message=message))
    elif state is not None and state.is_pending():
        # Why is not known: its worker may be gone, or the machine too busy to begin it
        minutes = int(NOT_BEGUN.total_seconds() // 60)
        message = f"it was taken by a worker and did not begin within {minutes} minutes"
        client.set_flow_run_state(run.id, Crashed(message=message), force=True)
    return True


def silent_for(client: SyncPrefectClient, run: FlowRun, now: datetime) -> timedelta | None:
    """Since its last heartbeat; None: it has sent none since it began, or was resumed."""
    last = _last_heartbeat(client, run.id)
    # Of an earlier process of the same run, before a person had decided, it says nothing of this one
    if last is None or run.state is None or last < run.state.timestamp - _BEATS:
        return None
    return now - last


def _is_silent(client: SyncPrefectClient, run: FlowRun, now: datetime) -> bool:
    if run.state is None:
        return False
    if run.state.is_pending():
        return now - run.state.timestamp > NOT_BEGUN
    if not run.state.is_running():
        return False
    silent = silent_for(client, run, now)
    if silent is not None:
        return silent > SILENCE
    return now - run.state.timestamp > NONE_AT_ALL


def _last_heartbeat(client: SyncPrefectClient, flow_run_id: UUID) -> datetime | None:
    """None: it has sent none yet."""
    wanted = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{flow_run_id}"]),
        # By default the last three months, ending when this is asked
        occurred=EventOccurredFilter(),
    )
    newest = client.read_events(filter=wanted, limit=1).events
    return newest[0].occurred if newest else None
