"""Issue 21, §4: `cohort health` as scripts and people type it, and the process that looks every minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from cli.watching import Watch, tell
from clinic.health.facts import Facts, PrefectFacts, RecordFacts, Unusable
from clinic.health.findings import Finding
from clinic.record.database import Record
from clinic.settings import Settings
from tests.prefect_server import free_port


def cohort(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type `cohort health …` on a home and a port of its own: it may not import what this process has."""
    environment = {
        **os.environ,
        "COHORT_HOME": str(folder / "home"),
        "COHORT_PREFECT_PORT": str(free_port()),
        "COHORT_CONFIG": os.devnull,
        "COHORT_HEALTH__DISK_FREE": "0",
    }
    program = str(Path(sys.executable).with_name("cohort"))
    return subprocess.run(
        [program, "health", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_home_without_a_record_is_told_with_the_exit_code_of_the_worst(tmp_path: Path) -> None:
    done = cohort(tmp_path, "--json")
    assert done.returncode == 5, done.stderr
    told = json.loads(done.stdout)
    assert [f["code"] for f in told["findings"]] == ["prefect-unreachable", "record-unusable"]
    assert told["healthy"] is False
    assert told["findings"][0]["do"] == "cohort server start"
    assert told["findings"][0]["runbook"] == "docs/runbook.md#prefect-unreachable"


def test_people_get_a_line_a_finding(installed: Record, tmp_path: Path) -> None:
    del installed
    done = cohort(tmp_path)
    assert done.returncode == 4, done.stderr
    assert done.stdout.splitlines()[1].startswith("prefect-unreachable\talarm\t")


def _facts(*, answers: bool = True, record: RecordFacts | Unusable | None = None) -> Facts:
    return Facts(datetime.now(UTC), record or RecordFacts(), PrefectFacts() if answers else None)


def test_the_watch_tells_each_look_and_serves_the_last() -> None:
    stop, heard = threading.Event(), []
    looks = iter([(_facts(), [Finding("worker-gone", str(n))]) for n in range(3)])

    def hear(facts: Facts, findings: list[Finding]) -> None:
        del facts
        heard.append(findings[0].says)
        if len(heard) == 3:
            stop.set()

    watch = Watch(lambda: next(looks), hear)
    watch.run(stop, every=0)
    assert heard == ["0", "1", "2"]
    assert watch.seen()[1][0].says == "2"


def test_nothing_is_told_while_prefect_or_the_record_is_away(tmp_path: Path) -> None:
    """It would be noted as told, and nobody would have heard: it is told when both are there."""
    settings = Settings(home=tmp_path / "nowhere")
    tell(settings, _facts(answers=False), [Finding("prefect-unreachable", "")])
    tell(settings, _facts(record=Unusable("not-set-up", "")), [Finding("record-unusable", "")])
    assert not (tmp_path / "nowhere").exists()
