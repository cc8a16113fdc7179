"""`cohort demo`, as a stranger types it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[3]


def _cohort(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli.program import run; run()", *words],
        capture_output=True, text=True, timeout=180, cwd=ROOT,
        env={**os.environ, "COHORT_CONFIG": str(home / "cohort.toml")},
    )  # fmt: skip


@pytest.mark.prefect
def test_the_demo_runs_the_main_job_twice_and_its_next_commands_work(tmp_path: Path) -> None:
    """One command, the whole job; running it again works; ARC-16, ARC-17, ARC-18."""
    home = tmp_path / "demo"
    port = str(free_port())
    words = ("demo", "--home", str(home), "--patients", "2000", "--rows", "300", "--port", port)
    try:
        first, second = _cohort(home, *words), _cohort(home, *words)
        assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
        assert "300\trows in all" in first.stdout
        assert first.stdout.replace("campaign-1", "campaign-2") == second.stdout
        assert "Dear " in first.stderr
        assert f"http://127.0.0.1:{port}" in first.stderr
        patient = first.stderr.split("cohort patient ")[1].split()[0]
        assert (
            "Kept in the outbox, not sent"
            in _cohort(home, "patient", patient, "--reason", "care").stdout
        )
        sent = _cohort(home, "report", "--campaign", "2", "--csv", "-").stdout
        assert f"{len(sent.splitlines()) - 1}\tkept_in_outbox" in second.stdout
        group = next(line for line in first.stderr.splitlines() if "message --group" in line)
        typed = _cohort(home, *shlex.split(group)[1:], "--yes")
        assert typed.returncode == 0, typed.stderr
        assert "kept_in_outbox" in typed.stdout
    finally:
        stopped = _cohort(home, "server", "stop")
    assert "Stopped" in stopped.stderr
