"""An installation whose flows report to the tests' Prefect server, and what Prefect shows of a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from logging import getLevelName
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import State
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter

from clinic.clock import SystemClock
from clinic.gateway.outbox import Outbox
from clinic.govern.audit.anchor import ANCHOR_FILE, KEY_FILE
from clinic.message.campaign.request import MessageRequest
from clinic.message.sending.restore_guard import home_of, register
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.record.private import close_folder
from clinic.record.schema.messages import installation
from clinic.settings import Settings
from flows.message import message
from tasks.prefect.deploying import deploy_all, ensure_work_pool
from tasks.processes import identity
from tasks.processes.environment import ROOT, child_environment, prefect_home
from tasks.processes.login import ensure_login, login_file
from tasks.processes.workers import start_worker, stop_worker
from tasks.wiring import Wiring, use
from tests.main_job import Practice
from tests.servers.prefect_server import wait_for


@contextmanager
def running_office(
    server: Settings, migrated: Path, folder: Path, *, approval_above: int
) -> Iterator[Practice]:
    """An installation with the project's own deployments and a worker; all three use this record."""
    (folder / "record.db").write_bytes(migrated.read_bytes())
    record = Record.open(f"sqlite:///{folder / 'record.db'}")
    practice = Practice(record, SystemClock(), folder)
    practice.gateway = Outbox(record, "sms")
    with pytest.MonkeyPatch.context() as environment, _as_new(server, record):
        environment.setenv("COHORT_RECORD_URL", f"sqlite:///{folder / 'record.db'}")
        environment.setenv("COHORT_PHONES__TEST_RANGE", "true")
        environment.setenv("COHORT_CONFIG", os.devnull)
        environment.setenv("COHORT_RELEASE__APPROVAL_ABOVE", str(approval_above))
        environment.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
        environment.setenv("COHORT_HOME", str(server.home))
        who = identity.of(record, practice.settings)
        ensure_work_pool(server, who)
        deploy_all(server, who)
        register(record, home_of(server))  # the tests' home served other records before
        assert start_worker(server, who)
        try:
            yield practice
        finally:
            stop_worker(server)
    record.close()


@contextmanager
def _as_new(server: Settings, record: Record) -> Iterator[None]:
    """
    The home as if it had never worked with another record: without its key and witness of the trail, and
    without notes of what was sent. Every copy of the template has the same name, so notes outside go too.
    """
    remembered = (KEY_FILE, ANCHOR_FILE, "installation.json", "witness")
    aside = [(server.home / name, server.home / f"{name}.aside") for name in remembered]
    for path, other in aside:
        if path.exists():
            path.rename(other)
    with record.read() as connection:
        name = connection.execute(sa.select(installation.c.install_id)).scalar_one()
    shutil.rmtree(server.notes_folder / name, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(server.notes_folder / name, ignore_errors=True)
        for path, other in aside:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            if other.exists():
                other.rename(path)


def deployed_by(practice: Practice) -> str:
    """The practice's own deployment, as people type it."""
    return f"message/message ({identity.of(practice.record, practice.settings).label})"


def state_of(flow_run_id: UUID) -> str:
    """The name of the run's state, as Prefect shows it: `Running`, `Suspended`, `Completed` …"""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(flow_run_id).state_name or "Unknown"


def log_of(run_id: UUID) -> list[str]:
    """The lines of the run's log, as the Prefect UI shows them: `INFO …`."""
    lines = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        return [f"{getLevelName(line.level)} {line.message}" for line in client.read_logs(lines)]


@dataclass(frozen=True)
class Shown:
    """What the Prefect UI shows of a run: its artifacts by their keys, and how it ended."""

    run_id: UUID
    state: str
    says: str
    artifacts: Mapping[str, Any]

    def table(self, key: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        rows: list[dict[str, Any]] = json.loads(self.artifacts[key])
        return rows


def parts_of(practice: Practice) -> Wiring:
    """The practice's parts, as a process of its own would make them."""
    gateways = {(channel, False): practice.gateway for channel in ("sms", "email")}
    return Wiring(
        settings=practice.settings,
        record=practice.record,
        clock=practice.clock,
        worker=Worker(practice.folder / "workers"),
        gateways=gateways,
    )


def run_flow(practice: Practice, request: MessageRequest) -> Shown:
    """Run the flow in this process, and wait until Prefect has recorded all of it."""
    parts = parts_of(practice)
    use(parts)
    try:
        state = message(request, return_state=True)
    finally:
        use(None)
        parts.worker.close()
    return shown(state)


def shown(state: State[Any]) -> Shown:
    """What Prefect shows of the run that ended in this state."""
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    wait_until_recorded(run_id, state.name or "")
    return Shown(run_id, state.name or "", state.message or "", artifacts_of(run_id))


def artifacts_of(run_id: UUID) -> dict[str, Any]:
    """A run's artifacts by key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return {str(artifact.key): artifact.data for artifact in found}


def wait_until_recorded(run_id: UUID, name: str) -> None:
    """Until the end of the run is among the events, and the last line of its log has come."""
    event = EventFilter(
        event=EventNameFilter(name=[f"prefect.flow-run.{name}"]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run_id}"]),
    )
    lines = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:

        def events() -> int:
            body = {"filter": event.model_dump(mode="json")}
            return int(client.request("POST", "/events/filter", json=body).json()["total"])

        def last_line() -> bool:
            return any("Finished in state" in line.message for line in client.read_logs(lines))

        wait_for("event of the run's end", events)
        wait_for("last line of the run's log", last_line)


def run_apart(
    practice: Practice, server: Settings, request: MessageRequest, *plug: str
) -> subprocess.CompletedProcess[str]:
    """Run the flow in a process of its own; `plug`: the point at which it is killed, and which time."""
    path = practice.folder / "request.json"
    known = practice.by_number(request) if request.cohort.file else request
    path.write_text(known.model_dump_json())
    settings = server.model_copy(update={"home": practice.folder})
    # A further process of the same installation, with a home of its own
    register(practice.record, home_of(settings))
    own = prefect_home(settings)
    close_folder(own)
    shutil.copy(login_file(prefect_home(server)), login_file(own))
    environment = {
        **child_environment(settings),
        "PREFECT_API_URL": f"http://127.0.0.1:{server.prefect_port}/api",
        "PREFECT_API_AUTH_STRING": ensure_login(prefect_home(server)),
        "COHORT_RECORD_URL": practice.settings.record_url,
        "COHORT_PREFECT_PORT": str(server.prefect_port),
        "COHORT_PHONES__TEST_RANGE": "true",
        "COHORT_BATCH_SIZE": str(practice.settings.batch_size),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("COHORT_CONFIG", None)
    return subprocess.run(
        [sys.executable, "-m", "tests.flows.run_message", str(path), *plug],
        cwd=practice.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
