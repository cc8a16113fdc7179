"""
The worker: polls for runs, and starts only what this program's prefect.yaml describes.

    python -m tasks.prefect.polling [POOL [PREFECT_YAML]]

Prefect's own process worker lets a run, a deployment or the pool say which command is started, with
which environment and where. Whoever reached the API could so run anything as this account. This one
takes none of it: a run must be of a deployment with an entry point of ours that fetches no code, and starts
as this process would start it. And it starts runs of its own installation alone: those of others that may
use the same server are refused, in words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import runpy
import signal
import socket
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from clinic.errors import CohortError, NotAllowed
from clinic.settings import load_settings
from clinic.settings.systems.runs import Runs
from tasks.copies import named, read_place, refuse_copies
from tasks.draining import STARTED_BY_NOW, drain_children_first, go_on, look_again
from tasks.prefect.pools import container_worker, job_template
from tasks.prefect.turns import Turns
from tasks.processes import identity
from tasks.processes.environment import (
    DEPLOYMENTS,
    GUARDS,
    OWN_CODE,
    api_url,
    child_environment,
)
from tasks.processes.identity import POOL, VARIABLE, Installation
from tasks.processes.proxies import drop_proxies, no_proxy

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, Worker, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse

REFUSED = "Refused"  # a state of its own: a crash would be repaired by whoever finds it


def entrypoints(file: Path) -> frozenset[str]:
    """Every entry point of a prefect.yaml."""
    import yaml

    described = yaml.safe_load(file.read_text(encoding="utf-8"))
    return frozenset(entry["entrypoint"] for entry in described["deployments"])


def refuse_foreign_pool(who: Installation, pool: str) -> None:
    """
    Keep a worker out of another installation's pool, whose runs it would have to refuse one by one.

    Raises:
        NotAllowed: this pool is not ours to poll
    """
    if pool != who.pool and (pool.startswith(POOL) or pool == "cohort"):
        raise NotAllowed(
            "pool-not-ours",
            f"the work pool {pool} is another installation's or an earlier version's; this one's is {who.pool} "
            f"({who.label}). Start the worker without naming a pool",
        )


def refuse_strange(deployment: DeploymentResponse | None, ours: frozenset[str]) -> None:
    """
    Let only a deployment pass that `prefect.yaml` may have made.

    Raises:
        NotAllowed: the run is of none, or of one that loads its flow from somewhere else
    """
    if deployment is None:
        raise NotAllowed("run-not-ours", "a run without a deployment is not started here")
    fetched = bool(deployment.pull_steps) or deployment.storage_document_id is not None
    if deployment.entrypoint not in ours or fetched:
        raise NotAllowed(
            "run-not-ours", "this deployment is not as this installation deployed it; not started"
        )


def says_died(status: int) -> str:
    """
    What becomes of a run whose process ended by itself: nothing that a person must do; empty: it did not.

    status: of the process; SIGTERM is how a worker, or who cancels, asks it to end
    """
    if status in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
        return ""
    return (
        "The process of this run died. What was sent is in the record, and nobody is messaged twice: if work "
        "is left, another run of it begins by itself within minutes, with the same tag. Retry is not needed"
    )


def _tell_died(log: logging.LoggerAdapter[Any], status: int) -> None:
    if says := says_died(status):
        log.warning(says)


def register(ours: frozenset[str], who: Installation, *, starts_at_once: int) -> None:
    """Put our worker in the place of Prefect's process worker. Imports prefect."""
    import httpx
    from prefect.client.schemas.objects import State
    from prefect.exceptions import PrefectException
    from prefect.states import Cancelled
    from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

    template = job_template(Runs(), who)  # whatever somebody wrote into the pool

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
                work_pool=work_pool.model_copy(update={"base_job_template": template}),
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
                self._turns = Turns(starts_at_once, self._is_starting)
                await go_on(self.client, who)
                self._later = asyncio.create_task(self._look_again())

            async def _look_again(self) -> None:
                await asyncio.sleep(STARTED_BY_NOW.total_seconds())
                with contextlib.suppress(httpx.HTTPError, PrefectException):
                    await look_again(self.client, who)

            async def _is_starting(self, run: UUID) -> bool:
                # An error that is raised here would end the worker
                with contextlib.suppress(httpx.HTTPError, PrefectException):
                    state = (await self.client.read_flow_run(run)).state
                    return state is not None and state.is_pending()
                return False

            async def run(self, flow_run: FlowRun, *given: Any, **named: Any) -> Any:
                result = await super().run(flow_run, *given, **named)
                _tell_died(self.get_flow_run_logger(flow_run), result.status_code)
                return result

            async def _submit_run(self, flow_run: FlowRun) -> None:
                if who.owns(flow_run.tags):
                    async with self._turns.one(flow_run.id):
                        await super()._submit_run(flow_run)
                    return
                says = (
                    f"run-not-ours: this run is not of {who.label}, whose worker this is, and was not "
                    "started; nothing was sent. Start it from a deployment of its own installation"
                )
                self._logger.warning("%s %s", flow_run.id, says)
                refused: State[Any] = Cancelled(name=REFUSED, message=says)
                # An error that is raised here would end the worker; it is offered the run again
                with contextlib.suppress(httpx.HTTPError, PrefectException):
                    await self.client.set_flow_run_state(flow_run.id, refused, force=True)
                self._release_limit_slot(flow_run.id)
                if self._cancelling_observer is not None:
                    self._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)
                self._submitting_flow_run_ids.discard(flow_run.id)


def worker_name(pid: int) -> str:
    """By which the server knows the worker of this process."""
    return f"{socket.gethostname()} {pid}"


def _workers_of(pool: str) -> list[Worker]:
    """Those that the server knows; none where it does not answer, or knows no such pool yet."""
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectException

    from tasks.guard.asking import whole

    with (
        contextlib.suppress(httpx.HTTPError, PrefectException),
        get_client(sync_client=True) as client,
    ):
        return whole(client.read_workers_for_work_pool, work_pool_name=pool)
    return []


def main(pool: str = "", file: str = str(DEPLOYMENTS)) -> None:
    """Poll until interrupted."""
    settings = load_settings()
    try:
        who = identity.read(settings)
        if who.runs_as != "process":
            raise NotAllowed("runs-in-containers", container_worker(who))
        refuse_foreign_pool(who, pool or who.pool)
        place = read_place(settings)
    except CohortError as error:
        sys.exit(f"{error.code}: {error.says}")
    # Whoever starts it has set most of it; a supervisor perhaps nothing
    os.environ.update({**child_environment(settings), **os.environ, **GUARDS, **OWN_CODE})
    os.environ[VARIABLE] = who.install_id
    os.environ.update(no_proxy())
    drop_proxies(api_url(settings))
    # Whatever the supervisor says: a folder in the shared one may be another account's (docs/prefect.md)
    os.environ["TMPDIR"] = tempfile.tempdir = child_environment(settings)["TMPDIR"]
    # Prefect's worker ends by interrupting itself, which whoever was started in the background (nohup,
    # cron, CI) has learnt to ignore, and passes on
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        refuse_copies(_workers_of(pool or who.pool), place, pool or who.pool)
    except CohortError as error:
        sys.exit(f"{error.code}: {error.says}")
    register(entrypoints(Path(file)), who, starts_at_once=settings.prefect_starts_at_once)
    name = named(worker_name(os.getpid()), place)
    # Without `--limit`: with it, a crashed run that is started again at once kills the worker
    sys.argv = ["prefect", "worker", "start", "--pool", pool or who.pool,
                "--type", "process", "--name", name]  # fmt: skip
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
