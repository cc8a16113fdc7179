"""`cohort deploy` without a server: its files, and a pool that the settings do not say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tasks.deploy.files import deployment_files

_LISTENS = """
import json
from clinic.settings import load_settings
from tasks.processes.environment import prefect_environment, runs_address
from prefect.settings import get_current_settings
settings = load_settings()
server = get_current_settings().server
print(json.dumps({
    "server": [server.api.host, server.api.port],
    "watch": [settings.health.host, settings.health.port],
    "receipts": [settings.receipts.host, settings.receipts.port],
    "browser": [server.ui.api_url, runs_address(settings, 7)],
}))
"""


def deploy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli.program import run; run()", "deploy", *words],
        cwd=folder, env={**os.environ, "COHORT_HOME": str(folder / "home")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_its_files_are_written_once_and_never_over_what_somebody_changed(tmp_path: Path) -> None:
    done = deploy(tmp_path, "--files", "deploy")
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_text() for path in (tmp_path / "deploy").iterdir()}
    units = {name for name in written if name.endswith("@.service")}
    assert set(written) == units | {"Containerfile", "compose.yaml"}
    assert units == {
        f"cohort-{part}@.service" for part in ("prefect", "worker", "health", "receipts")
    }
    assert all(
        f"ExecStart={sys.executable} -P -m tasks.processes.within " in written[u] for u in units
    )
    services = yaml.safe_load(written["compose.yaml"])["services"]
    assert {"server", "worker", "watch", "receipts"} == set(services)

    assert deploy(tmp_path, "--files", "deploy").returncode == 0
    (tmp_path / "deploy" / "compose.yaml").write_text("ours: true\n")
    again = deploy(tmp_path, "--files", "deploy")
    assert (again.returncode, "file-exists" in again.stderr) == (2, True)
    assert (tmp_path / "deploy" / "compose.yaml").read_text() == "ours: true\n"


def test_a_pool_that_the_settings_do_not_say_is_refused(tmp_path: Path) -> None:
    refused = deploy(tmp_path, "--pool", "docker")
    assert (refused.returncode, "pool-otherwise" in refused.stderr) == (2, True)


def test_what_the_compose_file_publishes_is_listened_for_and_a_browser_is_told_where(
    tmp_path: Path,
) -> None:
    """A port that a container has on its own loopback is reached by nobody; nor is a name inside."""
    services = yaml.safe_load(deployment_files()["compose.yaml"])["services"]
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    for name, text in (("record_url", "postgresql://u@h/d"), ("login", "user:word")):
        (secrets / name).write_text(text)
        (secrets / name).chmod(0o600)
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert set(published) == {"server", "watch", "receipts"}
    for name, ports in published.items():
        given = {
            key: str(value).replace("/run/secrets", str(secrets)).replace("/srv", str(tmp_path))
            for key, value in services[name]["environment"].items()
        }
        done = subprocess.run(
            [sys.executable, "-m", "tasks.processes.within", sys.executable, "-c", _LISTENS],
            cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **given},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        host, port = seen[name]
        assert host == "0.0.0.0", name
        assert [one.rpartition(":")[2] for one in ports] == [str(port)]
        outside = "http://" + published["server"][0].rpartition(":")[0]
        assert seen["browser"][1] == f"{outside}/runs?tag=campaign-7"
        if name == "server":
            assert seen["browser"][0] == f"{outside}/api"
