"""
Start, resume and find runs: the few calls that the command line and the desk make to Prefect.

Parameters are keys and settings, never rows: Prefect shows and keeps them in clear. Prefect knows
no identities: who may decide is judged and recorded in our own tables before `resume` is called.
Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import tags
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentFlowRunCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Scheduled, to_state_create
from prefect.utilities.urls import url_for

from clinic.errors import NotAllowed, NotFound
from tasks.guard.asking import whole
from tasks.guard.decorators import ParametersRefused
from tasks.wiring import installation

REFUSED = {409, 422}


def start_deployment(
    name: str,
    parameters: Mapping[str, Any],
    *,
    key: str | None = None,
    at: datetime | None = None,
    tag: str | None = None,
    checked: bool = True,
) -> UUID:
    """
    Ask a worker to run a deployment, and say which run it will be.

    Args:
        name: `flow/deployment` as in prefect.yaml, without the installation's name: `message/message`
        parameters: of the flow; checked by the server against the flow's schema
        key: the same key always names the same run, so asking twice starts one
        at: not before then, aware; at once if not given
        tag: by which `is_waiting` finds the run
        checked: by the server too. A form offers what can be chosen today; what was asked for before
            goes on by the flow's own check alone

    Raises:
        NotFound: there is no such deployment
        ParametersRefused: the flow does not take these parameters
    """
    with get_client(sync_client=True) as client:
        who = installation()
        deployment = _deployment(client, name)
        try:
            asked = DeploymentFlowRunCreate(
                parameters=dict(parameters),
                enforce_parameter_schema=None if checked else False,
                state=to_state_create(Scheduled(scheduled_time=at)),
                # One flow of that name serves all installations, and its keys are no installation's
                idempotency_key=f"{who.key}-{key}" if key else None,
                tags=[who.tag, *([tag] if tag else [])],
            )
            made = client.request(
                "POST",
                "/deployments/{id}/create_flow_run",
                path_params={"id": deployment},
                json=asked.model_dump(mode="json", exclude_unset=True),
            )
        except PrefectHTTPStatusError as error:
            if error.response.status_code not in REFUSED:
                raise
        else:
            return UUID(made.json()["id"])
    # The server's answer repeats what was given, so it goes no further
    raise ParametersRefused(
        "parameters", f"{name} cannot take these as given: {', '.join(parameters)}"
    )


@contextlib.contextmanager
def of_this_installation() -> Iterator[None]:
    """Runs of flows that are called in this process are marked as this installation's, as deployed ones are."""
    with tags(installation().tag):
        yield


def is_waiting(tag: str) -> bool:
    """Whether a run with this tag is still to start: no worker has come for it, or its queue is paused."""
    scheduled = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[installation().tag, tag]), state=scheduled)
    with get_client(sync_client=True) as client:
        return bool(client.read_flow_runs(flow_run_filter=wanted, limit=1))


def resume(flow_run_id: UUID) -> None:
    """
    Let a suspended run go on, in a new process, from the top of its flow.

    What waits for a decision: going_on.py, which also knows what to do where the run is lost.

    Raises:
        NotFound: there is no such run
        NotAllowed: it is not waiting, so there is nothing to resume
    """
    with get_client(sync_client=True) as client:
        _flow_run(client, flow_run_id)
        answer = client.resume_flow_run(flow_run_id)
    if answer.status is not SetStateStatus.ACCEPT:
        raise NotAllowed("run-not-waiting", f"run {flow_run_id} is not waiting to be resumed")


def flow_run_url(flow_run_id: UUID) -> str:
    """Where a browser shows the run; empty where Prefect knows no server."""
    return url_for("flow-run", obj_id=flow_run_id) or ""


def _deployment(client: SyncPrefectClient, name: str) -> UUID:
    """This installation's own: others have deployments of the same flow on the same server."""
    flow, _, wanted = name.partition("/")
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[installation().tag]))
    for found in whole(
        client.read_deployments,
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
        deployment_filter=tagged,
    ):
        if found.name == wanted or found.name.startswith(f"{wanted} ("):
            return found.id
    raise NotFound("deployment", f"{name} is not deployed: `cohort server start` deploys it")


def _flow_run(client: SyncPrefectClient, flow_run_id: UUID) -> FlowRun:
    try:
        return client.read_flow_run(flow_run_id)
    except ObjectNotFound:
        pass
    raise NotFound("flow-run", f"Prefect has no run {flow_run_id}")
