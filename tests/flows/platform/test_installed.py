"""As a wheel in an environment of its own Cohort is whole, and runs its own code wherever it is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from clinic.settings import Settings, load_settings
from tasks.prefect.deploying import ensure_work_pool
from tasks.processes import identity
from tasks.processes.environment import ROOT, api_url, prefect_home
from tasks.processes.login import ensure_login
from tasks.processes.workers import stop_worker, worker_log
from tests.flows.installation import state_of
from tests.ports import free_port
from tests.servers.prefect_server import wait_for

PACKAGES = ("cli", "clinic", "data_checks", "flows", "tasks")
# Whoever imports it leaves a trace and comes no further
HOSTILE = (
    "open({trace!r}, 'a').write(__file__ + '\\n')\nraise SystemExit('not ours: ' + __file__)\n"
)
START = (
    "from clinic.settings import load_settings\n"
    "from tasks.processes.workers import start_worker\n"
    "assert start_worker(load_settings())"
)


@dataclass(frozen=True)
class Program:
    """A wheel in an environment of its own, and a folder with packages of the same names."""

    bin: Path
    code: Path
    folder: Path

    @property
    def trace(self) -> Path:
        """What the folder's packages leave when they are imported."""
        return self.folder / "trace"

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Type a command of that environment, in that folder."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "PREFECT_"))}
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder, env={**kept, "NO_COLOR": "1", "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of the sources as they are."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    _uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", "out", ".",
        folder=source)  # fmt: skip
    (made,) = (source / "out").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """What the lock names is taken from this environment; its editable install of the clone is not."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "env"], check=True)
    python = place / "env" / "bin" / "python"
    (code,) = (place / "env" / "lib").glob("python*/site-packages")
    (code / "lock.pth").write_text(sysconfig.get_path("purelib"))
    _uv("pip", "install", "--no-deps", "--python", str(python), str(wheel), folder=place)
    made = Program(python.parent, code.resolve(), tmp_path_factory.mktemp("practice"))
    for package in PACKAGES:
        (made.folder / package).mkdir()
        (made.folder / package / "__init__.py").write_text(HOSTILE.format(trace=str(made.trace)))
    return made


def _uv(*words: str, folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, *words, "--quiet", "--offline"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_has_every_file_of_the_packages(program: Program) -> None:
    """Deployments, templates and settings among them, which are no code."""
    for package in PACKAGES:
        here, there = (
            {
                str(path.relative_to(place))
                for path in (place / package).rglob("*")
                if path.is_file() and path.suffix != ".pyc"
            }
            for place in (ROOT, program.code)
        )
        if package == "cli":  # there by a link, which rglob does not follow
            here |= {f"cli/pages/{page.name}" for page in (ROOT / "docs").glob("*.md")}
            here.discard("cli/pages")
        assert there == here
    assert (program.code / "flows" / "prefect.yaml").is_file()


def test_the_folder_would_be_taken_for_ours(program: Program) -> None:
    """Else the other tests would show nothing."""
    for package in PACKAGES:
        taken = program.run("python", "-m", package)
        assert "not ours" in taken.stderr
    program.trace.unlink()


@pytest.fixture
def home(
    program: Program, prefect_server: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """The environment of an installation that was set up by the installed program."""
    places = {
        "COHORT_HOME": str(tmp_path / "home"),
        "COHORT_PREFECT_API_URL": api_url(prefect_server),
        "PREFECT_API_AUTH_STRING": ensure_login(prefect_home(prefect_server)),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    done = program.run("cohort", "init", "--yes", "--name", "Hill Surgery", **places)
    assert done.returncode == 0, done.stderr
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    yield places
    stop_worker(load_settings())


@pytest.mark.prefect
def test_commands_worker_and_runs_are_its_own_in_a_folder_with_the_same_names(
    program: Program, home: dict[str, str]
) -> None:
    """Help and init by themselves, a worker that polls, and the process of a run it starts."""
    help_ = program.run("cohort", "--help")
    assert (help_.returncode, "Message a cohort" in help_.stdout) == (0, True)
    where = program.run("python", "-P", "-c", "import tasks; print(tasks.__file__)").stdout
    assert where.strip() == str(program.code / "tasks" / "__init__.py")

    settings = load_settings()
    who = identity.read(settings)
    ensure_work_pool(settings, who)
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            client.create_flow_from_name("settle"),
            f"settle ({who.label})",
            entrypoint="flows.settle.settle",
            work_pool_name=who.pool,
            tags=[who.tag],
        )
        run = client.create_flow_run_from_deployment(deployment, tags=[who.tag]).id
    started = program.run("python", "-P", "-c", START, **home)
    assert started.returncode == 0, started.stderr
    ended = {"Idle", "Completed", "Failed", "Crashed", "Cancelled"}
    wait_for("end", lambda: program.trace.exists() or state_of(run) in ended)
    assert not program.trace.exists(), program.trace.read_text()
    assert state_of(run) == "Idle", worker_log(settings).read_text()[-2000:]


@pytest.mark.slow
@pytest.mark.prefect
def test_the_wheel_alone_runs_demo_server_worker_and_deployments(
    program: Program, tmp_path: Path
) -> None:
    """Issue 17: in an empty folder, from nothing to a run that Prefect's own command asks a worker for."""
    empty = tmp_path / "empty"
    empty.mkdir()
    alone, port = replace(program, folder=empty), free_port()
    where = {"COHORT_CONFIG": str(empty / "demo" / "cohort.toml")}

    def cohort(*words: str) -> str:
        done = alone.run("cohort", *words, **where)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    try:
        cohort("demo", "--home", "demo", "--port", str(port), "--patients", "2000", "--rows", "100")
        cohort("server", "start")
        status = json.loads(cohort("server", "status", "--json"))
        assert status["polls"]

        lists = json.loads(cohort("list", "ls", "--json"))
        request = {"cohort": {"list_id": lists[0]["id"]}, "template": "clinic-invite"}
        asked = alone.run(
            "python", "-P", "-m", "prefect", "deployment", "run",
            f"message/message ({status['installation']})", "--watch",
            "--params", json.dumps({"request": {**request, "more": {"again": True}}}),
            PREFECT_API_URL=f"http://127.0.0.1:{port}/api",
            PREFECT_API_AUTH_STRING=(empty / "demo/prefect/login").read_text().strip(),
        )  # fmt: skip
        assert asked.returncode == 0, (asked.stdout, asked.stderr)
        runs = json.loads(cohort("campaigns", "--json"))
        assert [run["state"] for run in runs] == ["completed", "completed"]
        for log in (empty / "demo" / "prefect").glob("*.log"):
            assert str(ROOT) not in log.read_text()
    finally:
        alone.run("cohort", "server", "stop", **where)
