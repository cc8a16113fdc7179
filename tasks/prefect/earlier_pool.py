"""
The work pool `cohort` of earlier versions, which all installations shared: what is in it moves once.

Deployments of earlier versions are in it still, and their schedules would go on making runs that no worker
takes. They are removed as soon as nobody polls the pool any more; what waited there for a decision begins
again in this installation's own pool, since the record knows what was asked and decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import StateType, WorkQueue
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from tasks.guard.asking import whole
from tasks.prefect.sending_queue import SENDING_QUEUE
from tasks.processes.identity import Installation

EARLIER: Final = "cohort"
_AUTOMATIONS: Final = (  # as earlier versions named them
    "cohort: silent runs have crashed",
    "cohort: campaigns halt one after the other",
)
_POLLED_EVERY: Final = timedelta(
    seconds=5
)  # PREFECT_WORKER_QUERY_SECONDS; twice that, and a little


def move_from_earlier(
    who: Installation, *, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """
    Remove the earlier pool with all that is in it, unless a worker of an earlier version polls it.

    What a person should know of it, in sentences; nothing where there is no such pool. The worker of this
    home must have been ended.
    """
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(EARLIER)
        except ObjectNotFound:
            return []
        if _is_polled(client, sleep):
            return [
                f"The work pool {EARLIER} of an earlier version is still polled by a worker of another "
                f"installation or machine, so it stays as it is. This installation uses {who.pool} now. "
                "Upgrade the other, and run: cohort server start"
            ]
        return [_move(client, who)]


def _is_polled(client: SyncPrefectClient, sleep: Callable[[float], None]) -> bool:
    before = _last_poll(client)
    if before is None or datetime.now(UTC) - before > timedelta(minutes=10):
        return False
    sleep((2 * _POLLED_EVERY).total_seconds() + 2)
    return _last_poll(client) != before


def _last_poll(client: SyncPrefectClient) -> datetime | None:
    polls = [queue.last_polled for queue in _queues(client, EARLIER)]
    return max((poll for poll in polls if poll is not None), default=None)


def _queues(client: SyncPrefectClient, pool: str) -> list[WorkQueue]:
    return whole(client.read_work_queues, work_pool_name=pool)


def _move(client: SyncPrefectClient, who: Installation) -> str:
    inside = WorkPoolFilter(name=WorkPoolFilterName(any_=[EARLIER]))
    _keep_paused(client, who, whole(client.read_deployments, work_pool_filter=inside))
    waiting = whole(
        client.read_flow_runs,
        work_pool_filter=inside,
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(
                type=FlowRunFilterStateType(any_=[StateType.PAUSED, StateType.PENDING])
            )
        ),
    )
    for run in waiting:
        moved = f"its work moved to the work pool {who.pool}, where another run goes on with it"
        client.set_flow_run_state(run.id, Crashed(message=moved), force=True)
    deployments = whole(client.read_deployments, work_pool_filter=inside)
    for deployment in deployments:  # their scheduled runs go with them
        client.delete_deployment(deployment.id)
    for name in _AUTOMATIONS:
        for automation in client.read_automations_by_name(name):
            client.delete_automation(automation.id)
    client.delete_work_pool(EARLIER)
    again = f"; what waited there ({len(waiting)}) begins again" if waiting else ""
    return (
        f"The work pool {EARLIER} of an earlier version, which all installations shared, was removed with "
        f"its {len(deployments)} deployments: this installation has its own, {who.pool} ({who.label}){again}. "
        "Schedules that were changed in the Prefect UI must be changed there again"
    )


def _keep_paused(
    client: SyncPrefectClient, who: Installation, earlier: list[DeploymentResponse]
) -> None:
    """What a person, or campaigns that halted, had paused stays paused."""
    for queue in _queues(client, EARLIER):
        if queue.is_paused and queue.name in (SENDING_QUEUE, "default"):
            new = client.read_work_queue_by_name(queue.name, work_pool_name=who.pool)
            client.update_work_queue(new.id, is_paused=True)
    paused = {deployment.name for deployment in earlier if deployment.paused}
    own = WorkPoolFilter(name=WorkPoolFilterName(any_=[who.pool]))
    for deployment in whole(client.read_deployments, work_pool_filter=own) if paused else []:
        if deployment.name.partition(" (")[0] in paused:
            client.pause_deployment(deployment.id)
