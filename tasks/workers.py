"""
What runs flows: a work pool, the deployments of prefect.yaml in it, a worker on this machine.

Every function may be called again: what is there already is left, what differs is brought up to
date. More machines mean more workers on the same pool (docs/prefect.md); the ledger sees to it
that no two of them send the same batch.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.environment import ROOT, WORK_POOL, api_url, child_environment, prefect_home
from tasks.polling import JOB_TEMPLATE
from tasks.processes import Background

DEPLOYED = "deployed"
STOP_SECONDS = 30


def ensure_work_pool(settings: Settings, *, name: str = WORK_POOL) -> None:
    """
    A process work pool with that name, from which no run can choose its command or environment.

    Call `apply_environment` first: this imports prefect.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    _same_server(settings)
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(
                WorkPoolCreate(name=name, type="process", base_job_template=JOB_TEMPLATE)
            )
        except ObjectAlreadyExists:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=JOB_TEMPLATE))


def deploy_all(settings: Settings, *, file: Path = ROOT / "prefect.yaml") -> None:
    """
    Register every deployment of a prefect.yaml, with its schedules.

    Raises:
        MendableError: Prefect refused, and what it said
    """
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all",
         "--prefect-file", str(file)],
        cwd=ROOT,
        # What runs by the clock runs by the organisation's
        env={**child_environment(settings), "COHORT_TIME_ZONE": settings.organisation.time_zone},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " / ".join((done.stdout + done.stderr).split("\n"))[-800:]
        raise MendableError("prefect-deploy", f"`prefect deploy --all` failed: {said}")


def ensure_deployed(settings: Settings) -> bool:
    """
    Work pool, deployments and automations as the code here describes them; False where nothing
    had changed. Call `apply_environment` first: this imports prefect.

    `prefect deploy` costs seconds, so what was deployed to which server is noted in the home.
    """
    from tasks.automations import ensure_automations

    note = prefect_home(settings) / DEPLOYED
    where = f"{api_url(settings)} {settings.organisation.time_zone} {json.dumps(JOB_TEMPLATE)}"
    state = _fingerprint(where, sorted((ROOT / "flows").glob("*.py")))
    if note.exists() and note.read_text() == state:
        return False
    ensure_work_pool(settings)
    deploy_all(settings)
    ensure_automations()
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(state)
    return True


def start_worker(
    settings: Settings, *, pool: str = WORK_POOL, file: Path = ROOT / "prefect.yaml"
) -> bool:
    """
    Start a worker on this machine; False where one of ours runs already.

    file: the prefect.yaml whose deployments it runs, and no others (tasks/polling.py)
    How many campaigns run together is said by the deployments' concurrency limits.
    """
    return _process(settings).start(
        ["-m", "tasks.polling", pool, str(file)],
        child_environment(settings),
    )


def stop_worker(settings: Settings) -> bool:
    """Stop the worker that we started; False where none was running."""
    return _process(settings).stop(seconds=STOP_SECONDS)


def worker_runs(settings: Settings) -> bool:
    """Whether a worker that we started on this machine is alive."""
    return _process(settings).running()


def worker_log(settings: Settings) -> Path:
    """Where that worker, and the flows it runs, write what they do."""
    return _process(settings).log


def _process(settings: Settings) -> Background:
    return Background("cohort-worker", prefect_home(settings))


def _fingerprint(url: str, sources: Iterable[Path]) -> str:
    digest = hashlib.sha256(f"{url} {ROOT}".encode())
    for source in [ROOT / "prefect.yaml", *sources]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _same_server(settings: Settings) -> None:
    """Guard against a prefect that was imported with somebody else's settings."""
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value() != api_url(settings):
        raise RuntimeError("call apply_environment before anything imports prefect")
