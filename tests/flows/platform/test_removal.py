"""A practice that is removed leaves a Prefect server that others use too, and they stay."""

from __future__ import annotations

from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow

from flows.settle import settle
from tasks.prefect.removal import leave_server
from tasks.processes.identity import Installation

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def _settled(name: str) -> Installation:
    """An installation with a pool, a deployment in it, and a run."""
    who, flow = Installation(str(uuid4()), name), settle
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=who.pool, type="process"))
        flow_id = client.create_flow_from_name(flow.name)
        client.create_deployment(
            flow_id, f"settle ({who.label})", work_pool_name=who.pool, tags=[who.tag]
        )
        client.create_flow_run(Flow(lambda: None, name="settle"), tags=[who.tag])
    return who


def _runs(who: Installation) -> int:
    ours = FlowRunFilter(tags=FlowRunFilterTags(all_=[who.tag]))
    with get_client(sync_client=True) as client:
        return len(client.read_flow_runs(flow_run_filter=ours))


def test_pool_deployments_and_runs_of_one_go_and_those_of_another_stay() -> None:
    hill, dale = _settled("Hill"), _settled("Dale")
    assert leave_server(hill) == {"runs": 1, "deployments": 1, "automations": 0, "pools": 1}
    assert (_runs(hill), _runs(dale)) == (0, 1)
    with get_client(sync_client=True) as client:
        with pytest.raises(ObjectNotFound):
            client.read_work_pool(hill.pool)
        client.read_work_pool(dale.pool)
        client.read_deployment_by_name(f"settle/settle ({dale.label})")
    assert set(leave_server(hill).values()) == {0}
    leave_server(dale)
