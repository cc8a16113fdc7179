"""
Takes an installation off a Prefect server that others use too: its runs, deployments, automation and pool.

Its own server's database is in the home, and goes with it. Call `apply_environment` first: this imports
prefect.
"""

from __future__ import annotations

import contextlib

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterTags,
)
from prefect.exceptions import ObjectNotFound

from tasks.guard.asking import whole
from tasks.prefect.telling import forget_webhook
from tasks.processes.identity import Installation


def leave_server(who: Installation) -> dict[str, int]:
    """Remove all that carries the installation's mark; how many of each."""
    with get_client(sync_client=True) as client:
        return {
            "runs": _runs(client, who),
            "deployments": _deployments(client, who),
            "automations": _automations(client, who),
            "pools": _pool(client, who),
        }


def _runs(client: SyncPrefectClient, who: Installation) -> int:
    ours = FlowRunFilter(tags=FlowRunFilterTags(all_=[who.tag]))
    found = whole(client.read_flow_runs, flow_run_filter=ours)
    for run in found:
        with contextlib.suppress(ObjectNotFound):  # the server's own vacuum was quicker
            client.delete_flow_run(run.id)
    return len(found)


def _deployments(client: SyncPrefectClient, who: Installation) -> int:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[who.tag]))
    found = whole(client.read_deployments, deployment_filter=ours)
    for deployment in found:
        client.delete_deployment(deployment.id)
    return len(found)


def _automations(client: SyncPrefectClient, who: Installation) -> int:
    found = [one for one in whole(client.read_automations) if one.name.endswith(f"{who.key})")]
    for automation in found:
        client.delete_automation(automation.id)
    forget_webhook(client, who)
    return len(found)


def _pool(client: SyncPrefectClient, who: Installation) -> int:
    try:
        client.delete_work_pool(who.pool)
    except ObjectNotFound:
        return 0
    return 1
