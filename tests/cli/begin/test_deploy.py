"""`cohort deploy` without a server: its files, and a pool that the settings do not say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml


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
