"""`cohort demo`, as a stranger types it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[3]


def _cohort(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli.program import run; run()", *words],
        capture_output=True, text=True, timeout=180, cwd=ROOT,
        env={**os.environ, "COHORT_CONFIG": str(home / "cohort.toml")},
    )  # fmt: skip


def _sign_in(said: str) -> str:
    """Where the desk leads whoever signs in with the login that was printed."""
    said = " ".join(said.split())  # lines end where the terminal does
    address = said.split("does not type commands: ")[1].split()[0]
    password = said.split("password: ")[1].split(".")[0]
    with httpx2.Client(base_url=address, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        page = browser.get("/sign-in")
        cookie = {"Cookie": page.headers["set-cookie"].split(";")[0]}  # Secure, and this is http
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "name": "nia", "password": password}
        return str(browser.post("/sign-in", data=form, headers=cookie).headers["location"])


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
        assert _sign_in(first.stderr) == "/"
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
