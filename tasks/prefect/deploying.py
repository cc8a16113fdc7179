"""
What can be started from Prefect: this installation's work pool, with the deployments of prefect.yaml.

Every function may be called again: what is there already is left, what differs is brought up to date.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clinic.errors import MendableError
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.prefect.pools import job_template
from tasks.processes import identity
from tasks.processes.environment import (
    DEPLOYMENTS,
    ROOT,
    api_url,
    by_the_clock,
    child_environment,
    prefect_home,
)
from tasks.processes.identity import Installation
from tasks.processes.workers import end_outdated

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse


def ensure_deployed(settings: Settings, who: Installation | None = None) -> list[str] | None:
    """
    Work pool, deployments and automations as the code here and the settings describe them; None where the
    server had all of it, else what a person should know.

    `prefect deploy` costs seconds, so the server is asked first what it has: another one, or one whose
    database was emptied, has none of it. Call `apply_environment` first: this imports prefect.
    """
    from tasks.prefect.automations import ensure_automations
    from tasks.prefect.earlier_pool import move_from_earlier

    who = who or identity.read(settings)
    end_outdated(settings, who)  # first, since it would refuse what is deployed now
    ensure_work_pool(settings, who)
    differences = _differences(settings, who)
    if differences is not None:
        deploy_all(settings, who)
    _offer(settings, who)
    ensure_automations(who, webhook=settings.health.webhook)
    says = [*(differences or ()), *move_from_earlier(who), *_left_elsewhere(who)]
    note = prefect_home(settings) / identity.NOTE
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(who.install_id)
    return says or (None if differences is None else [])


def _offer(settings: Settings, who: Installation) -> None:
    """What people choose from, into the forms; nothing where there is no record that could tell."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from tasks.forms.offering import offer_choices

    if not settings.record_url and not (settings.home / "record.db").exists():
        return
    record = Record.open(settings.database_url)
    try:
        offer_choices(record, identity.in_force_there(settings), who)
    except (OperationalError, ProgrammingError):
        return  # as `in_force_there`; settle offers them
    finally:
        record.close()


def _differences(settings: Settings, who: Installation) -> list[str] | None:
    """None: the server has everything as it should be; else a sentence for each that it has otherwise."""
    from tasks.prefect.wanted import found, wanted

    there = {one.name: found(one) for one in _ours(who)}
    should = wanted(settings, _variables(settings, who), DEPLOYMENTS)
    missing = [one.name for one in should if one.name not in there]
    otherwise: dict[str, list[str]] = {}
    for one in should:
        if one.name in there and (words := there[one.name].differs(one)):
            otherwise.setdefault(", ".join(words), []).append(one.name.partition(" (")[0])
    if not missing and not otherwise:
        return None
    return [
        f"Set back in Prefect, to what this version and the settings say: {', '.join(names)} ({words})"
        for words, names in otherwise.items()
    ]


def ensure_work_pool(settings: Settings, who: Installation, *, name: str = "") -> None:
    """
    The installation's work pool, or one with this name, from which no run can choose its command, image or
    environment (tasks/prefect/pools.py).

    Call `apply_environment` first: this imports prefect.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    _same_server(settings)
    name, says = name or who.pool, f"Work of {who.label}: its own workers alone poll here"
    template = job_template(settings.runs, who)
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(
                WorkPoolCreate(
                    name=name,
                    type=settings.runs.pool,
                    description=says,
                    base_job_template=template,
                )
            )
        except ObjectAlreadyExists:
            client.update_work_pool(
                name, WorkPoolUpdate(description=says, base_job_template=template)
            )


def deploy_all(settings: Settings, who: Installation, *, file: Path = DEPLOYMENTS) -> None:
    """
    Register every deployment of a prefect.yaml, with its schedules, for this installation. What a person had
    paused stays paused: Prefect itself lets every schedule run again.

    Raises:
        MendableError: Prefect refused, and what it said
    """
    paused = _paused(who)
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all",
         "--prefect-file", str(file)],
        cwd=ROOT,
        env={**child_environment(settings), **_variables(settings, who)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " / ".join((done.stdout + done.stderr).split("\n"))[-800:]
        raise MendableError("prefect-deploy", f"`prefect deploy --all` failed: {said}")
    _pause_again(who, paused)


def _left_elsewhere(who: Installation) -> list[str]:
    """What waits in this installation's pools of other types, which its new workers do not poll."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        WorkPoolFilter,
        WorkPoolFilterName,
    )
    from prefect.client.schemas.objects import StateType

    from tasks.guard.asking import whole

    open_ = [StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.SCHEDULED]
    waiting = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=open_)))
    says = []
    with get_client(sync_client=True) as client:
        for pool in who.other_pools:
            inside = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
            runs = whole(client.read_flow_runs, work_pool_filter=inside, flow_run_filter=waiting)
            if runs:
                says.append(
                    f"In the work pool {pool}, which was used before, {len(runs)} runs have not ended: leave "
                    "its worker until they have, or cancel them in the Prefect UI; `settle` starts "
                    "again what is left"
                )
    return says


def _paused(who: Installation) -> set[tuple[str, str | None]]:
    """Deployments (slug None) and schedules that do not run."""
    ours = _ours(who)
    return {(one.name, None) for one in ours if one.paused} | {
        (one.name, timed.slug) for one in ours for timed in one.schedules if not timed.active
    }


def _pause_again(who: Installation, paused: set[tuple[str, str | None]]) -> None:
    from prefect.client.orchestration import get_client

    if not paused:
        return
    with get_client(sync_client=True) as client:
        for one in _ours(who):
            if (one.name, None) in paused and not one.paused:
                client.pause_deployment(one.id)
            for timed in one.schedules:
                if timed.active and timed.slug and (one.name, timed.slug) in paused:
                    client.update_deployment_schedule(one.id, timed.id, active=False)


def _ours(who: Installation) -> list[DeploymentResponse]:
    """The deployments of this installation, whatever pool they are in."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    from tasks.guard.asking import whole

    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[who.tag]))
    with get_client(sync_client=True) as client:
        return whole(client.read_deployments, deployment_filter=ours)


def _variables(settings: Settings, who: Installation) -> dict[str, str]:
    """
    What prefect.yaml is filled in with.

    The name behind each deployment's is as it was at first. After the practice got another name there would
    be a second set of deployments, and runs that wait would belong to the first.
    """
    named = [one.name for one in _ours(who) if one.name.endswith(f"{who.key})")]
    label = named[0].partition(" (")[2][:-1] if named else who.label
    clock = by_the_clock(identity.in_force_there(settings))
    return {**who.variables(), **clock, "COHORT_LABEL": label}


def _same_server(settings: Settings) -> None:
    """Guard against a prefect that was imported with somebody else's settings."""
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value() != api_url(settings):
        raise RuntimeError("call apply_environment before anything imports prefect")
