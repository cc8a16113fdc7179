"""
Prefect as it is really used: a server, `prefect deploy --all`, the scheduler, a process worker.

With some releases of FastAPI or SQLAlchemy next to Prefect 3.8.8, the server does not start,
nothing can be deployed, or no scheduled run is ever made, and only the server's log says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Cancelled, Scheduled

from clinic.errors import MendableError, NotAllowed, NotFound
from clinic.settings import Settings
from clinic.settings.sync import Reminders
from tasks.guard.decorators import ParametersRefused
from tasks.prefect.automations import REPEATED_HALTS, ensure_automations
from tasks.prefect.deploying import deploy_all, ensure_deployed, ensure_work_pool
from tasks.prefect.events import campaign_halted, halts_repeat
from tasks.prefect.sending_queue import SENDING_QUEUE
from tasks.processes.environment import DEPLOYMENTS, ROOT
from tasks.processes.identity import Installation
from tasks.processes.server import ensure_server, server_status
from tasks.processes.workers import start_worker, stop_worker, worker_log, worker_runs
from tasks.runs.runs import flow_run_url, is_waiting, resume, start_deployment
from tests.flows.installation import state_of
from tests.servers.prefect_server import wait_for

pytestmark = pytest.mark.prefect

YAML = Path(__file__).with_name("scheduled.yaml")
NIGHTLY = "scheduled/nightly"
POOL = "tests-of-cohort"  # so that the test's worker does not run the product's own schedules


@pytest.fixture(scope="module")
def deployed(prefect_server: Settings, who: Installation) -> Iterator[Settings]:
    """A server with the test's deployment in the work pool; this process works in its home."""
    ensure_work_pool(prefect_server, who, name=POOL)
    deploy_all(prefect_server, who, file=YAML)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COHORT_HOME", str(prefect_server.home))
        yield prefect_server


@pytest.fixture(scope="module")
def worker(deployed: Settings) -> Iterator[Settings]:
    """A process worker on that pool."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
        assert start_worker(deployed, pool=POOL, file=YAML)
    yield deployed
    stop_worker(deployed)


@pytest.fixture
def client(prefect_server: Settings) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def scheduled_run(client: SyncPrefectClient) -> FlowRun | None:
    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=["nightly"]))
    )
    waiting = [run for run in runs if run.auto_scheduled and run.state_type == StateType.SCHEDULED]
    return min(
        waiting,
        key=lambda run: run.expected_start_time or datetime.max.replace(tzinfo=UTC),
        default=None,
    )


def test_a_scheduled_run_appears_and_a_worker_completes_it(
    worker: Settings, client: SyncPrefectClient
) -> None:
    """Server, deploy --all, scheduled run, process worker, artifacts."""
    run = wait_for("scheduled run", lambda: scheduled_run(client))
    assert run.parameters == {"greeting": "evening"}
    at = run.expected_start_time
    assert at is not None
    assert at.astimezone(ZoneInfo("Europe/London")).strftime("%H:%M") == "02:30"

    # Not wait for the night: the very run that the scheduler made is due now
    client.set_flow_run_state(run.id, Scheduled(), force=True)
    state = wait_for("end of the run", lambda: ended(run, worker))

    assert state == "Completed", worker_log(worker).read_text()
    artifacts = wait_for(
        "artifact",
        lambda: client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        ),
    )
    assert [a.data for a in artifacts] == [f"evening from {worker.home.name}: 3"]
    tasks = wait_for("two task runs", lambda: task_runs(client, run))
    assert sorted(tasks) == ["count-0", "count-1"]


def ended(run: FlowRun, settings: Settings) -> str | None:
    assert worker_runs(settings), worker_log(settings).read_text()
    state = state_of(run.id)
    return state if state in {"Completed", "Failed", "Crashed", "Cancelled"} else None


def task_runs(client: SyncPrefectClient, run: FlowRun) -> list[str] | None:
    runs = client.read_task_runs(
        task_run_filter=TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run.id]))
    )
    names = [task.name for task in runs if task.state_type == StateType.COMPLETED]
    return names if len(names) == 2 else None


def test_a_second_worker_is_not_started_beside_the_first(worker: Settings) -> None:
    assert not start_worker(worker, pool=POOL)


def test_what_is_deployed_already_may_be_deployed_again(
    deployed: Settings, who: Installation, client: SyncPrefectClient
) -> None:
    before = client.read_deployment_by_name(NIGHTLY)
    ensure_work_pool(deployed, who, name=POOL)
    deploy_all(deployed, who, file=YAML)
    after = client.read_deployment_by_name(NIGHTLY)
    assert (after.id, len(after.schedules)) == (before.id, 1)


def test_everything_in_prefect_yaml_is_deployed_and_only_again_when_it_changed(
    prefect_server: Settings, who: Installation, client: SyncPrefectClient, deployed_anew: bool
) -> None:
    assert deployed_anew
    assert ensure_deployed(prefect_server) is None
    entries = yaml.safe_load((DEPLOYMENTS).read_text())["deployments"]
    deployed = {
        (deployment.name, deployment.entrypoint): deployment
        for deployment in client.read_deployments()
        if deployment.work_pool_name == who.pool
    }
    assert set(deployed) == {
        (entry["name"].replace("{{ $COHORT_LABEL }}", who.label), entry["entrypoint"])
        for entry in entries
    }
    assert all(who.owns(deployment.tags) for deployment in deployed.values())
    assert all(deployment.enforce_parameter_schema for deployment in deployed.values())
    assert all(deployment.global_concurrency_limit for deployment in deployed.values())
    written = " ".join(deployment.model_dump_json() for deployment in deployed.values())
    assert str(ROOT) not in written, "a worker may have the program somewhere else"
    assert not any(deployment.pull_steps for deployment in deployed.values())


def test_what_the_server_has_decides_what_is_deployed_and_what_was_paused_stays_paused(
    prefect_server: Settings, who: Installation, client: SyncPrefectClient, deployed_anew: bool
) -> None:
    """One is gone, as in an emptied database; one runs at another hour, as somebody set it in the UI."""
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[who.tag]))

    def there() -> dict[str, DeploymentResponse]:
        found = client.read_deployments(deployment_filter=tagged)
        return {one.name.partition(" (")[0]: one for one in found}

    before = there()
    client.delete_deployment(before["undo"].id)
    [evening], [night] = before["remind"].schedules, before["sync"].schedules
    client.update_deployment_schedule(
        before["remind"].id, evening.id, schedule=CronSchedule(cron="0 3 * * *", timezone="UTC")
    )
    client.update_deployment_schedule(before["sync"].id, night.id, active=False)
    client.pause_deployment(before["export-data"].id)
    chosen = prefect_server.model_copy(
        update={"reminders": Reminders(at="18:05", time_zone="Europe/Paris")}
    )
    said = ensure_deployed(chosen, who)
    assert said == [
        "Set back in Prefect, to what this version and the settings say: remind (schedules)"
    ]
    after = there()
    assert set(after) == set(before)
    remind, sync = after["remind"].schedules[0], after["sync"].schedules[0]
    assert isinstance(remind.schedule, CronSchedule)
    assert (remind.schedule.cron, remind.schedule.timezone) == ("5 18 * * *", "Europe/Paris")
    assert (remind.active, sync.active, after["export-data"].paused) == (True, False, True)
    assert ensure_deployed(chosen, who) is None


def test_asking_twice_with_one_key_starts_one_run(deployed: Settings) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    first = start_deployment(NIGHTLY, {"greeting": "once"}, key="request-1", at=tomorrow)
    again = start_deployment(NIGHTLY, {"greeting": "once"}, key="request-1", at=tomorrow)
    assert first == again
    assert state_of(first) == "Scheduled"
    assert flow_run_url(first) == f"http://127.0.0.1:{deployed.prefect_port}/runs/flow-run/{first}"


def test_a_run_that_is_still_to_start_is_found_by_its_tag(
    deployed: Settings, client: SyncPrefectClient
) -> None:
    """So that settle starts no second one for a campaign while a queue is paused."""
    assert not is_waiting("campaign-7")
    run = start_deployment(NIGHTLY, {}, at=datetime.now(UTC) + timedelta(days=1), tag="campaign-7")
    assert is_waiting("campaign-7")
    client.set_flow_run_state(run, Cancelled(), force=True)
    assert not is_waiting("campaign-7")


def test_parameters_that_the_flow_does_not_take_are_refused_without_repeating_them(
    deployed: Settings,
) -> None:
    with pytest.raises(ParametersRefused) as refused:
        start_deployment(NIGHTLY, {"batches": "SENTINEL"})
    assert "batches" in str(refused.value)
    assert "SENTINEL" not in str(refused.value)


def test_a_deployment_that_is_not_there_is_named(deployed: Settings) -> None:
    with pytest.raises(NotFound, match="scheduled/unknown"):
        start_deployment("scheduled/unknown", {})


def test_only_a_waiting_run_can_be_resumed(deployed: Settings) -> None:
    run = start_deployment(NIGHTLY, {}, at=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(NotAllowed, match="run-not-waiting"):
        resume(run)


def test_two_campaigns_that_halt_stop_what_would_send_next(
    deployed: Settings, who: Installation, client: SyncPrefectClient
) -> None:
    """NEW-12: the events that runs send, in the running server; receipts and operations go on."""
    for _ in range(2):
        ensure_automations(who, pool=POOL)
    name = f"{REPEATED_HALTS} ({who.label})"
    assert [a.enabled for a in client.read_automations_by_name(name)] == [True]

    def paused() -> dict[str, bool]:
        queues = client.read_work_queues(work_pool_name=POOL)
        return {queue.name: queue.is_paused for queue in queues}

    assert paused() == {"default": False, SENDING_QUEUE: False}
    for again in range(4):  # one campaign, however often it is told
        campaign_halted(1, f"halted-{again}")
    halts_repeat(2)
    wait_for("paused queue", lambda: paused()[SENDING_QUEUE])
    assert paused() == {"default": False, SENDING_QUEUE: True}


def test_all_that_sends_to_patients_is_in_the_queue_that_a_halt_stops() -> None:
    entries = yaml.safe_load((DEPLOYMENTS).read_text())["deployments"]
    queues = {
        entry["name"].partition(" (")[0]: entry["work_pool"]["work_queue_name"] for entry in entries
    }
    assert {name for name, queue in queues.items() if queue == SENDING_QUEUE} == {
        "message", "remind", "send-beside",
    }  # fmt: skip


def test_the_server_that_runs_already_is_used(prefect_server: Settings) -> None:
    before = server_status(prefect_server)
    assert ensure_server(prefect_server) == before.url
    assert server_status(prefect_server) == before
    assert (before.answers, before.ours) == (True, True)


def test_what_prefect_says_of_a_faulty_deployment_is_told(
    prefect_server: Settings, who: Installation, tmp_path: Path
) -> None:
    faulty = tmp_path / "prefect.yaml"
    faulty.write_text("deployments: [{name: x, entrypoint: flows.none.none}]")
    with pytest.raises(MendableError, match="prefect-deploy"):
        deploy_all(prefect_server, who, file=faulty)
