"""`cohort server` as people type it: one command brings up all that runs flows, another ends it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.installation import install
from tests.ports import free_port
from tests.servers.prefect_server import wait_for
from tests.servers.proxy import counting_proxy

pytestmark = pytest.mark.prefect

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment() -> dict[str, str]:
    """Of each command: a home in the folder it is typed in, and a port of its own."""
    return {**os.environ, "COHORT_HOME": "home", "COHORT_PREFECT_PORT": str(free_port())}


@pytest.fixture
def cohort(tmp_path: Path, migrated_sqlite: Path, environment: dict[str, str]) -> Iterator[Run]:
    """The program, on a home with a record and a port of its own."""
    (tmp_path / "home").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "home" / "record.db")
    record = Record.open(f"sqlite:///{tmp_path / 'home' / 'record.db'}")
    install(record, SystemClock())
    record.close()

    def run(
        *arguments: str, before: Sequence[str] = (), group: str = "server", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, str(Path(sys.executable).with_name("cohort")), *group.split(), *arguments],
            cwd=tmp_path,
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("stop")


def test_one_command_brings_up_server_deployments_and_worker_and_another_ends_them(
    cohort: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    """
    The run form, schedules and progress are in a browser after one command.

    Whatever proxies the environment names, nothing on this machine is asked for through one:
    not by a command, the server, the worker, or the run of `settle` that a worker begins with.
    """
    with counting_proxy() as proxy:
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy"), proxy.url)
        # Of a kind that Prefect's client does not know: it would not start
        proxies |= {"ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "intranet.example"}
        assert cohort("status", **proxies).returncode == 1
        started = cohort("start", **proxies)
        assert started.returncode == 0, started.stdout + started.stderr
        log = tmp_path / "home" / "logs" / "cohort.log"
        wait_for("end of the run", lambda: "Finished in state" in log.read_text())
        said = cohort("status", "--json", **proxies)
        assert proxy.asked == []
    status = json.loads(said.stdout)
    assert (status["answers"], status["ours"], status["worker"]) == (True, True, True)
    assert (said.returncode, status["polls"]) == (0, True)
    assert status["seconds_since_poll"] < 60
    assert status["watch"] is True
    assert status["pool"] in started.stdout + started.stderr

    # Whatever is printed of a server that runs, and of a queue that is paused, is typed as it stands
    assert hints(started) == ["cohort message --help", "cohort server stop"]
    assert cohort("message", "--help", group="").returncode == 0
    pause_queue(tmp_path, environment)
    paused = cohort("status")
    assert (paused.returncode, "queue of messages is paused" in paused.stderr) == (0, True)
    assert hints(paused) == ["cohort campaigns", "cohort server resume"]
    today = cohort("today", group="")
    assert "cohort server resume" in hints(today)
    assert "queue of messages is paused" in " ".join((today.stdout + today.stderr).split())
    assert cohort("campaigns", group="").returncode == 0
    resumed = cohort("resume")
    assert (resumed.returncode, "is resumed" in resumed.stderr) == (0, True)
    assert hints(resumed) == ["cohort campaigns", "cohort server status"]
    goes_on = cohort("status")
    assert (goes_on.returncode, hints(goes_on)) == (0, ["cohort server stop"])
    assert "cohort server resume" not in hints(cohort("today", group=""))

    assert "Stopped." in cohort("stop").stderr
    assert cohort("status").returncode == 1
    assert "No server of this installation runs." in cohort("stop").stderr
    ended = cohort("status", "--json")
    assert json.loads(ended.stdout)["watch"] is False


@pytest.mark.parametrize("version", ["0056", "9041"])
def test_a_record_of_another_version_starts_nothing(
    cohort: Run, tmp_path: Path, version: str
) -> None:
    """An earlier program would start a worker whose every run fails."""
    record = Record.open(f"sqlite:///{tmp_path / 'home' / 'record.db'}")
    with record.write() as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{version}'"))  # noqa: S608
    record.close()
    refused = cohort("start")
    assert refused.returncode == 5
    assert f"version {version}" in refused.stderr
    assert not (tmp_path / "home" / "prefect" / "prefect.db").exists()


def test_another_accounts_folder_is_in_nobodys_way_and_a_worker_that_dies_is_told(
    cohort: Run, tmp_path: Path
) -> None:
    """Two accounts on one machine; status is what polls."""
    shared = tmp_path / "shared"
    (shared / "runner_storage").mkdir(parents=True)
    (shared / "runner_storage").chmod(0)
    if os.getuid() == 0:
        os.chown(shared / "runner_storage", 65534, 65534)
    # Root may write everywhere: here without that right, as the second account
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    second = plain if os.getuid() == 0 else []
    tried = subprocess.run(
        [*second, "touch", str(shared / "runner_storage" / "x")], capture_output=True, check=False
    )
    assert tried.returncode != 0  # it is in the way indeed
    # Nobody starts the worker again
    started = cohort("start", before=second, TMPDIR=str(shared), COHORT_HEALTH__WATCH="false")
    assert started.returncode == 0, started.stdout + started.stderr
    assert json.loads(cohort("status", "--json").stdout)["polls"]

    end_worker(tmp_path / "home")
    dead = cohort("status")
    assert dead.returncode == 1
    assert "no worker runs here" in dead.stderr
    assert hints(dead) == ["cohort server start"]
    assert hints(cohort("today", group="")) == ["cohort server status"]
    status = json.loads(cohort("status", "--json").stdout)
    assert (status["answers"], status["worker"], status["polls"]) == (True, False, False)

    storage = tmp_path / "home" / "prefect" / "tmp" / "runner_storage"
    shutil.rmtree(storage, ignore_errors=True)
    storage.write_text("in the way")
    failed = cohort("start", COHORT_HEALTH__WATCH="false")
    assert failed.returncode == 2
    assert "worker-start" in failed.stderr
    assert "runner_storage" in " ".join(failed.stderr.split())
    assert cohort("status").returncode == 1


def hints(said: subprocess.CompletedProcess[str]) -> list[str]:
    """The commands that it says to type next."""
    _, _, after = said.stderr.partition("Next:")
    return [line.strip() for line in after.splitlines() if line.startswith("  cohort ")]


_PAUSE = """
from cli.wiring import get_settings
from tasks.processes import identity
from tasks.processes.environment import apply_environment

settings = get_settings()
apply_environment(settings)
from prefect.client.orchestration import get_client

with get_client(sync_client=True) as client:
    pool = identity.read(settings).pool
    queue = client.read_work_queue_by_name("messages", work_pool_name=pool)
    client.update_work_queue(queue.id, is_paused=True)
"""


def pause_queue(folder: Path, variables: Mapping[str, str]) -> None:
    """As a person does in Prefect's pages, or the automation after campaigns that halted."""
    subprocess.run(
        [sys.executable, "-c", _PAUSE],
        cwd=folder,
        env=dict(variables),
        check=True,
        capture_output=True,
    )


def end_worker(home: Path) -> None:
    """As a fault would: the server lives on."""
    os.kill(int((home / "prefect" / "cohort-worker.pid").read_text()), signal.SIGKILL)
