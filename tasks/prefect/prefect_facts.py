"""
What Prefect's server knows of how it goes: when a worker last asked, the queue, the last reminder run.

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import WorkQueue
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectException

from clinic.clock import Clock
from clinic.health.facts import PrefectFacts
from clinic.health.probes import ahead_of
from tasks.guard.asking import whole
from tasks.prefect.sending_queue import SENDING_QUEUE
from tasks.processes.identity import Installation

LATELY: Final = timedelta(hours=12)  # who comes in the morning reads of the night
LATE: Final = timedelta(minutes=15)
SETTLE: Final = "settle"
REMINDERS: Final = "remind"  # the flow; those that people start by hand count too


def read_prefect(clock: Clock, who: Installation, *, pool: str = "") -> PrefectFacts | None:
    """What the server knows now of this installation; None: it does not answer after all."""
    try:
        with get_client(sync_client=True) as client:
            date = client.request("GET", "/health").headers.get("Date")
            now = clock.now()
            queues = _queues(client, pool or who.pool)
            due, state = _last_reminders(client, who, now)
            failed, late = _failed(client, who, now), _late(client, who, now)
    except (PrefectException, OSError):
        return None
    polls = [plain for queue in queues if (plain := _plain(queue.last_polled)) is not None]
    return PrefectFacts(
        polled_at=max(polls, default=None),
        paused=any(queue.is_paused for queue in queues if queue.name == SENDING_QUEUE),
        reminders_due=due,
        reminders_state=state,
        failed=failed,
        late=late,
        ahead=ahead_of(date, now),
    )


def _queues(client: SyncPrefectClient, pool: str) -> list[WorkQueue]:
    """Those of the pool; none where nothing was deployed yet."""
    try:
        return whole(client.read_work_queues, work_pool_name=pool)
    except ObjectNotFound:
        return []


def _last_reminders(
    client: SyncPrefectClient, who: Installation, now: datetime
) -> tuple[datetime | None, str]:
    """Of the runs that should have begun, the last: when, and the type of its state."""
    due = FlowRunFilterExpectedStartTime.model_validate({"before_": now})
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[REMINDERS])),
        flow_run_filter=FlowRunFilter(
            expected_start_time=due, tags=FlowRunFilterTags(all_=[who.tag])
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=1,
    )
    if not found:
        return None, ""
    state = found[0].state_type
    return _plain(found[0].expected_start_time), state.value if state is not None else ""


def _failed(client: SyncPrefectClient, who: Installation, now: datetime) -> tuple[str, ...]:
    """Runs that failed or crashed lately, each by its flow; those of `settle` are `reconciling-stopped`."""
    ended = FlowRunFilter.model_validate(
        {
            "state": {"type": {"any_": ["FAILED", "CRASHED"]}},
            "tags": {"all_": [who.tag]},
            "end_time": {"after_": now - LATELY},
        }
    )
    return _flows_of(client, ended, without=SETTLE)


def _late(client: SyncPrefectClient, who: Installation, now: datetime) -> tuple[str, ...]:
    """Runs that no worker has taken, each by its flow."""
    late = FlowRunFilter.model_validate(
        {
            "state": {"name": {"any_": ["Late"]}},
            "tags": {"all_": [who.tag]},
            "expected_start_time": {"before_": now - LATE},
        }
    )
    return _flows_of(client, late)


def _flows_of(
    client: SyncPrefectClient, which: FlowRunFilter, *, without: str = ""
) -> tuple[str, ...]:
    runs = whole(client.read_flow_runs, flow_run_filter=which)
    if not runs:
        return ()
    keys = {run.flow_id for run in runs}
    flows = whole(
        client.read_flows, flow_filter=FlowFilter.model_validate({"id": {"any_": list(keys)}})
    )
    names = {flow.id: flow.name for flow in flows}
    found = (names.get(run.flow_id, "a flow") for run in runs)
    return tuple(sorted(name for name in found if name != without))


def _plain(instant: datetime | None) -> datetime | None:
    """Prefect's instants are of a class of their own, which is not written as JSON."""
    return None if instant is None else datetime.fromtimestamp(instant.timestamp(), UTC)
