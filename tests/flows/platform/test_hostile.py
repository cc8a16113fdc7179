"""
Others against the local Prefect server: another account, a page of another origin, a forged run.

The server is the one that `ensure_server` starts, the worker the one that `start_worker` starts; requests
are made with the standard library alone, as an attacker would make them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError

from clinic.errors import MendableError, NotAllowed
from clinic.settings import Settings
from tasks.prefect.deploying import deploy_all, ensure_work_pool
from tasks.prefect.polling import entrypoints, refuse_strange
from tasks.processes.environment import DEPLOYMENTS, ROOT, api_url, prefect_home
from tasks.processes.identity import Installation
from tasks.processes.login import authorization, ensure_login, login_file
from tasks.processes.workers import start_worker, stop_worker, worker_log
from tests.flows.installation import state_of
from tests.servers.prefect_server import wait_for

YAML = Path(__file__).with_name("scheduled.yaml")
NIGHTLY = "scheduled/nightly"
POOL = "tests-of-cohort"
SET_FOLDER = "prefect.deployments.steps.set_working_directory"

# As another account would: no file of ours is read, no module of ours imported
ASK = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    print(opener.open(sys.argv[1], timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code)
try:
    print(open(sys.argv[2]).read())
except PermissionError:
    print("cannot read")
"""


@pytest.fixture(scope="module")
def worker(prefect_server: Settings, who: Installation) -> Iterator[Settings]:
    ensure_work_pool(prefect_server, who, name=POOL)
    deploy_all(prefect_server, who, file=YAML)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
        assert start_worker(prefect_server, pool=POOL, file=YAML)
    yield prefect_server
    stop_worker(prefect_server)


def answer(url: str, headers: Mapping[str, str], body: Any = None) -> int:
    """The status with which the server answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, headers={"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.prefect
@pytest.mark.parametrize(
    "path", ["/admin/settings", "/csrf-token?client=x", "/flow_runs/filter", "/logs/filter"]
)
def test_without_the_login_nothing_is_told_and_nothing_is_taken(
    prefect_server: Settings, path: str
) -> None:
    url = f"{api_url(prefect_server)}{path}"
    read = path.startswith("/admin") or "csrf" in path
    for shown in ({}, authorization("cohort:guess"), {"Prefect-Csrf-Token": "x"}):
        # 403: a write without the token of `/csrf-token`, which asks for the login in its turn
        assert answer(url, shown, None if read else {}) in ({401} if read else {401, 403})


@pytest.mark.prefect
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_of_the_machine_gets_neither_an_answer_nor_the_login(
    prefect_server: Settings,
) -> None:
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    login = login_file(prefect_home(prefect_server))
    for folder in [login.parent, *login.parents][
        :2
    ]:  # what shuts others out is the file's own mode
        assert folder.stat().st_mode & 0o077 == 0 or folder != login.parent
    done = subprocess.run(
        [python, "-c", ASK, f"{api_url(prefect_server)}/admin/settings", str(login)],
        user="nobody", group="nogroup", extra_groups=[], cwd="/",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["401", "cannot read"], done.stderr


@pytest.mark.prefect
def test_a_page_of_another_origin_may_neither_read_nor_write(prefect_server: Settings) -> None:
    """A browser that knows the login (it is kept for the server's own pages) asks first: preflight and CSRF."""
    url = f"{api_url(prefect_server)}/flow_runs/filter"
    port = prefect_server.prefect_port

    def allowed(origin: str) -> str | None:
        request = urllib.request.Request(
            url, method="OPTIONS",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return str(response.headers.get("Access-Control-Allow-Origin"))
        except urllib.error.HTTPError as error:
            return error.headers.get("Access-Control-Allow-Origin")

    for origin in ("https://evil.example", f"http://127.0.0.1:{port + 1}", "null"):
        assert allowed(origin) is None, origin
    assert allowed(f"http://127.0.0.1:{port}") == f"http://127.0.0.1:{port}"
    known = authorization(ensure_login(prefect_home(prefect_server)))
    assert answer(url, known, {}) == 403  # no CSRF token


@pytest.mark.prefect
@pytest.mark.parametrize(
    "forged",
    [
        {"command": "touch {mark}"},
        {"env": {"COHORT_HOME": "{mark}", "PYTHONPATH": "/tmp"}},
        {"env.PYTHONSTARTUP": "{mark}"},
        {"working_dir": "/tmp"},
    ],
    ids=["command", "env", "dotted-env", "working-dir"],
)
def test_a_run_may_not_choose_its_process(
    worker: Settings, client: SyncPrefectClient, tmp_path: Path, forged: dict[str, Any]
) -> None:
    """With the login, by Prefect's own client: the server refuses what the pool does not take."""
    mark = tmp_path / "mark"
    variables = json.loads(json.dumps(forged).replace("{mark}", str(mark)))
    deployment = client.read_deployment_by_name(NIGHTLY)
    with pytest.raises(PrefectHTTPStatusError) as refused:
        client.create_flow_run_from_deployment(deployment.id, job_variables=variables)
    assert refused.value.response.status_code in {409, 422}


@pytest.mark.prefect
def test_whoever_loosens_the_pool_still_runs_no_command(
    worker: Settings, who: Installation, client: SyncPrefectClient, tmp_path: Path
) -> None:
    """The pool's template is on the server; what a process becomes is the worker's own affair."""
    from prefect.client.schemas.actions import WorkPoolUpdate
    from prefect.workers.process import ProcessWorker

    mark = tmp_path / "mark"
    loose = ProcessWorker.get_default_base_job_template()
    client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=loose))
    deployment = client.read_deployment_by_name(NIGHTLY)
    run = client.create_flow_run_from_deployment(
        deployment.id,
        job_variables={"command": f"touch {mark}", "env": {"COHORT_HOME": "/nowhere"}},
    )
    ended = wait_for("end of the run", lambda: end_of(run.id))
    assert ended == "Completed", worker_log(worker).read_text()
    assert not mark.exists()
    ensure_work_pool(worker, who, name=POOL)
    assert client.read_work_pool(POOL).base_job_template["variables"]["properties"] == {}


@pytest.mark.prefect
def test_a_deployment_with_steps_of_its_own_is_not_started(
    worker: Settings, client: SyncPrefectClient, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    deployment = client.read_deployment_by_name(NIGHTLY)
    forged = client.create_deployment(
        flow_id=deployment.flow_id,
        name="forged",
        tags=deployment.tags,
        work_pool_name=POOL,
        entrypoint=deployment.entrypoint,
        pull_steps=[{"prefect.deployments.steps.run_shell_script": {"script": f"touch {mark}"}}],
    )
    run = client.create_flow_run_from_deployment(forged)
    assert wait_for("end of the run", lambda: end_of(run.id)) == "Crashed"
    assert "run-not-ours" in (client.read_flow_run(run.id).state.message or "")  # type: ignore[union-attr]
    assert not mark.exists()


def end_of(run: UUID) -> str | None:
    state = state_of(run)
    return state if state in {"Completed", "Failed", "Crashed", "Cancelled"} else None


@pytest.mark.prefect
@pytest.mark.parametrize(
    ("entrypoint", "steps", "ours", "code"),
    [
        ("flows.settle.settle", False, True, 0),
        ("tests.flows.platform.scheduled.scheduled", False, True, 3),
        ("flows.settle.settle", True, True, 3),
        ("flows.settle.settle", False, False, 3),
    ],
    ids=["ours", "another flow", "one that fetches code", "another installation's"],
)
def test_a_container_begins_what_this_installation_deployed_and_nothing_else(
    prefect_server: Settings, who: Installation, client: SyncPrefectClient, tmp_path: Path,
    entrypoint: str, steps: bool, ours: bool, code: int,
) -> None:  # fmt: skip
    """Prefect's own worker starts whatever is in the pool: the container itself looks first."""
    tags = [who.tag if ours else "installation-00000000"]
    mark = tmp_path / "mark"
    touch = {"prefect.deployments.steps.run_shell_script": {"script": f"touch {mark}"}}
    made = client.create_deployment(
        client.create_flow_from_name("settle"), f"in a container {tmp_path.name}", entrypoint=entrypoint,
        pull_steps=[touch] if steps else [], tags=tags,
    )  # fmt: skip
    run = client.create_flow_run_from_deployment(made, tags=tags)
    environment = {
        "COHORT_HOME": str(prefect_server.home), "COHORT_PREFECT_API_URL": api_url(prefect_server),
        "COHORT_PREFECT_LOGIN_FILE": str(login_file(prefect_home(prefect_server))),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tasks.deploy.one_run"], cwd=tmp_path,
        env={**kept, **environment, "PREFECT__FLOW_RUN_ID": str(run.id)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    state = client.read_flow_run(run.id).state
    client.delete_deployment(made)
    assert done.returncode == code, done.stderr
    assert ("run-not-ours" in done.stderr) == (code == 3)
    assert not mark.exists()
    assert state is not None
    assert (state.is_completed(), state.is_scheduled()) == (code == 0, code == 3)


class Deployment:
    """As much of a deployment as the worker judges."""

    def __init__(self, **other: Any) -> None:
        self.entrypoint = "flows.message.message"
        self.pull_steps: Any = []
        self.storage_document_id = None
        self.__dict__.update(other)


def test_what_this_clone_deploys_is_started() -> None:
    ours = entrypoints(DEPLOYMENTS)
    refuse_strange(Deployment(), ours)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "strange",
    [
        None,
        Deployment(entrypoint="/tmp/evil.py:message"),
        Deployment(entrypoint="flows/message.py:message"),  # from the folder that it is started in
        Deployment(entrypoint="evil.message"),
        Deployment(entrypoint=None),
        Deployment(pull_steps=[{SET_FOLDER: {"directory": "/tmp"}}]),
        Deployment(pull_steps=[{SET_FOLDER: {"directory": str(ROOT), "requires": "evil"}}]),
        Deployment(storage_document_id=UUID(int=7)),
    ],
)
def test_whatever_else_is_not(strange: Any) -> None:
    with pytest.raises(NotAllowed, match="run-not-ours"):
        refuse_strange(strange, entrypoints(DEPLOYMENTS))


def test_the_login_is_the_owners_alone_and_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "prefect"
    login = ensure_login(folder)
    assert login == ensure_login(folder) != ensure_login(tmp_path / "other")
    assert login_file(folder).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["login"]


@pytest.mark.parametrize(
    ("mode", "text"), [(0o640, "cohort:x"), (0o604, "cohort:x"), (0o600, " \n")]
)
def test_a_login_that_others_can_read_or_that_is_empty_is_told(
    tmp_path: Path, mode: int, text: str
) -> None:
    login_file(tmp_path).write_text(text)
    login_file(tmp_path).chmod(mode)
    with pytest.raises(MendableError, match="prefect-login"):
        ensure_login(tmp_path)


@pytest.fixture
def client(prefect_server: Settings) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client
