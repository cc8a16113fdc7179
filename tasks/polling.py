"""
The worker: polls for runs, and starts only what this clone's prefect.yaml describes.

    python -m tasks.polling [POOL [PREFECT_YAML]]

Prefect's own process worker lets a run, a deployment or the pool say which command is started, with
which environment and where. Whoever reached the API could so run anything as this account. This one
takes none of it: a run must be of a deployment with an entry point and a place of ours, and starts as
this process would start it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from clinic.errors import NotAllowed
from clinic.settings import load_settings
from tasks.draining import drain_children_first, go_on
from tasks.environment import GUARDS, ROOT, WORK_POOL, child_environment

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse

# What a run may choose of the process that it becomes: nothing
JOB_TEMPLATE: dict[str, Any] = {
    "job_configuration": {"stream_output": True},
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
PULL = "prefect.deployments.steps.set_working_directory"


def entrypoints(file: Path) -> frozenset[str]:
    """Every entry point of a prefect.yaml."""
    import yaml

    described = yaml.safe_load(file.read_text(encoding="utf-8"))
    return frozenset(entry["entrypoint"] for entry in described["deployments"])


def refuse_strange(deployment: DeploymentResponse | None, ours: frozenset[str]) -> None:
    """
    Let only a deployment pass that `prefect.yaml` may have made.

    Raises:
        NotAllowed: the run is of none, or of one that loads its flow from somewhere else
    """
    if deployment is None:
        raise NotAllowed("run-not-ours", "a run without a deployment is not started here")
    place = [{PULL: {"directory": str(ROOT)}}]
    fetched = deployment.storage_document_id is not None
    if deployment.entrypoint not in ours or deployment.pull_steps != place or fetched:
        raise NotAllowed(
            "run-not-ours", "this deployment is not as this installation deployed it; not started"
        )


def register(ours: frozenset[str]) -> None:
    """Put our worker in the place of Prefect's process worker. Imports prefect."""
    from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

    class FixedConfiguration(ProcessJobConfiguration):
        """How a run's process is started: the same for every run."""

        @classmethod
        async def resolve_for_flow_run(
            cls,
            flow_run: FlowRun,
            *,
            client: PrefectClient,
            work_pool: WorkPool,
            worker_name: str,
            worker_id: UUID | None = None,
            deployment: DeploymentResponse | None = None,
        ) -> FixedConfiguration:
            if deployment is None and flow_run.deployment_id:
                deployment = await client.read_deployment(flow_run.deployment_id)
            refuse_strange(deployment, ours)
            assert deployment is not None
            return await super().resolve_for_flow_run(
                flow_run.model_copy(update={"job_variables": {}}),
                client=client,
                work_pool=work_pool.model_copy(update={"base_job_template": JOB_TEMPLATE}),
                worker_name=worker_name,
                worker_id=worker_id,
                deployment=deployment.model_copy(update={"job_variables": {}}),
            )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that the type is overridden, which is the aim

        class OurWorker(ProcessWorker):
            """A process worker that takes no command and no environment from anybody."""

            job_configuration = FixedConfiguration

            async def setup(self) -> None:
                await super().setup()
                # Here, since Prefect's command has set its own handlers before
                drain_children_first()
                await go_on(self.client)


def main(pool: str = WORK_POOL, file: str = str(ROOT / "prefect.yaml")) -> None:
    """Poll until interrupted."""
    # Whoever starts it has set most of it; a supervisor perhaps nothing
    os.environ.update({**child_environment(load_settings()), **os.environ, **GUARDS})
    # Prefect's worker ends by interrupting itself, which whoever was started in the background (nohup,
    # cron, CI) has learnt to ignore, and passes on
    signal.signal(signal.SIGINT, signal.default_int_handler)
    register(entrypoints(Path(file)))
    # Without `--limit`: with it, a crashed run that is started again at once kills the worker
    sys.argv = ["prefect", "worker", "start", "--pool", pool, "--type", "process"]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
