"""
What can be started from Prefect: this installation's work pool, with the deployments of prefect.yaml.

Every function may be called again: what is there already is left, what differs is brought up to date.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.prefect.polling import JOB_TEMPLATE
from tasks.processes import identity
from tasks.processes.environment import (
    DEPLOYMENTS,
    ROOT,
    api_url,
    child_environment,
    prefect_home,
)
from tasks.processes.identity import Installation
from tasks.processes.workers import end_outdated

DEPLOYED: Final = "deployed"


def ensure_deployed(settings: Settings, who: Installation | None = None) -> list[str] | None:
    """
    Work pool, deployments and automations as the code here describes them; None where nothing had
    changed, else what a person should know. Call `apply_environment` first: this imports prefect.

    `prefect deploy` costs seconds, so what was deployed to which server is noted in the home.
    """
    from tasks.prefect.automations import ensure_automations
    from tasks.prefect.earlier_pool import move_from_earlier

    who = who or identity.read(settings)
    note = prefect_home(settings) / DEPLOYED
    where = (
        f"{who} {api_url(settings)} {settings.organisation.time_zone} {json.dumps(JOB_TEMPLATE)}"
    )
    state = _fingerprint(where, sorted((ROOT / "flows").glob("*.py")))
    if note.exists() and note.read_text() == state:
        return None
    ensure_work_pool(settings, who)
    deploy_all(settings, who)
    ensure_automations(who)
    end_outdated(settings, who)
    says = move_from_earlier(who)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.with_name(identity.NOTE).write_text(who.install_id)
    note.write_text(state)
    return says


def ensure_work_pool(settings: Settings, who: Installation, *, name: str = "") -> None:
    """
    The installation's process work pool, or one with this name, from which no run can choose its
    command or environment.

    Call `apply_environment` first: this imports prefect.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    _same_server(settings)
    name, says = name or who.pool, f"Work of {who.label}: its own workers alone poll here"
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(
                WorkPoolCreate(
                    name=name, type="process", description=says, base_job_template=JOB_TEMPLATE
                )
            )
        except ObjectAlreadyExists:
            client.update_work_pool(
                name, WorkPoolUpdate(description=says, base_job_template=JOB_TEMPLATE)
            )


def deploy_all(settings: Settings, who: Installation, *, file: Path = DEPLOYMENTS) -> None:
    """
    Register every deployment of a prefect.yaml, with its schedules, for this installation.

    Raises:
        MendableError: Prefect refused, and what it said
    """
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all",
         "--prefect-file", str(file)],
        cwd=ROOT,
        env={
            **child_environment(settings),
            **who.variables(),
            "COHORT_LABEL": _label(who),
            # What runs by the clock runs by the organisation's
            "COHORT_TIME_ZONE": settings.organisation.time_zone,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " / ".join((done.stdout + done.stderr).split("\n"))[-800:]
        raise MendableError("prefect-deploy", f"`prefect deploy --all` failed: {said}")


def _label(who: Installation) -> str:
    """
    The name behind each deployment's: as it was at first. After the practice got another name there would
    be a second set of deployments, and runs that wait would belong to the first.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[who.tag]))
    with get_client(sync_client=True) as client:
        for found in client.read_deployments(deployment_filter=ours):
            if found.name.endswith(f"{who.key})"):
                return found.name.partition(" (")[2][:-1]
    return who.label


def _fingerprint(where: str, sources: Iterable[Path]) -> str:
    digest = hashlib.sha256(f"{where} {ROOT}".encode())
    for source in [DEPLOYMENTS, *sources]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _same_server(settings: Settings) -> None:
    """Guard against a prefect that was imported with somebody else's settings."""
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value() != api_url(settings):
        raise RuntimeError("call apply_environment before anything imports prefect")
