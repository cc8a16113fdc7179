"""Runs on an installation's Prefect server: begun, found and waited for. After `apply_environment`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort

_SECONDS: Final = 300.0


def cancel(run: UUID) -> None:
    """As who presses Cancel."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, State(type=StateType.CANCELLING))


def begin(flow: str, parameters: dict[str, Any]) -> UUID:
    """Start a run of this flow's deployment."""
    with get_client(sync_client=True) as client:
        (one,) = [d for d in client.read_deployments() if d.name.startswith(f"{flow} (")]
        return client.create_flow_run_from_deployment(one.id, parameters=parameters).id


def runs_of(number: int) -> list[UUID]:
    """The runs of a campaign, the first one first."""
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"campaign-{number}"]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_run_filter=tagged, sort=FlowRunSort.EXPECTED_START_TIME_ASC
        )
    return [run.id for run in found]


def campaign_of(run: UUID) -> int:
    """Its campaign's number."""
    with get_client(sync_client=True) as client:
        tags = client.read_flow_run(run).tags
    return int(next(tag for tag in tags if tag.startswith("campaign-")).removeprefix("campaign-"))


def state_of(run: UUID) -> str:
    """As the Prefect UI names it."""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run).state_name or ""


def has_ended(run: UUID) -> bool:
    """Whether it goes on no more."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    return state is not None and state.is_final()


def tasks_of(run: UUID) -> str:
    """The names of its task runs, in one text."""
    with get_client(sync_client=True) as client:
        found = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])))
    return " ".join(task.name for task in found)


def until(what: str, found: Callable[[], object]) -> None:
    """Wait for it."""
    last = time.monotonic() + _SECONDS
    while not found():
        if time.monotonic() > last:
            raise TimeoutError(f"in vain: {what}")
        time.sleep(1)
