"""
A run in a container of its own: what Prefect's Docker and Kubernetes workers start.

    python -P -m tasks.deploy.one_run

Those workers start whatever is in the work pool. So it is looked at here first, as tasks/prefect/polling.py
does where the worker is ours: the run's deployment must be one of ours that fetches no code, or nothing begins.
"""

from __future__ import annotations

import os
import runpy
import sys
from uuid import UUID

from clinic.errors import CohortError, NotAllowed
from clinic.settings import load_settings
from tasks.prefect.polling import entrypoints, refuse_strange
from tasks.processes import identity
from tasks.processes.environment import DEPLOYMENTS, apply_environment
from tasks.processes.identity import VARIABLE, Installation

RUN = "PREFECT__FLOW_RUN_ID"


def require_ours(flow_run: UUID, who: Installation) -> None:
    """
    Let only a run pass that this installation deployed. Call `apply_environment` first: this imports prefect.

    Raises:
        NotAllowed: it is of another installation, or loads its flow from somewhere else
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        run = client.read_flow_run(flow_run)
        found = client.read_deployment(run.deployment_id) if run.deployment_id else None
    refuse_strange(found, entrypoints(DEPLOYMENTS))
    if not who.owns(run.tags):
        raise NotAllowed("run-not-ours", f"this run is not of {who.label}; it was not started")


def main() -> None:
    """Do the run that the environment names; exit code 3 where it is not ours."""
    settings = load_settings()
    try:
        if not os.environ.get(RUN):
            raise NotAllowed("run-not-ours", f"{RUN} names no run: Prefect's worker sets it")
        who = identity.read(settings)
        os.environ.setdefault(VARIABLE, who.install_id)
        apply_environment(settings)
        require_ours(UUID(os.environ[RUN]), who)
    except CohortError as error:
        sys.stderr.write(f"{error.code}: {error.says}\n")
        sys.exit(3)
    sys.argv = ["prefect", "flow-run", "execute"]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
