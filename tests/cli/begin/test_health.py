"""`cohort health` as scripts and people type it, and the process that looks every minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli.begin.watching import Teller, Watch
from clinic.health.facts import Facts, PrefectFacts, RecordFacts, Unusable
from clinic.health.findings import Finding
from clinic.health.noted import News
from clinic.record.database import Record
from clinic.record.schema.health import health_finding
from clinic.settings import Settings
from tests.ports import free_port


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


@pytest.mark.parametrize("fails", [1, 2])
def test_a_look_that_fails_does_not_end_the_looking(
    capsys: pytest.CaptureFixture[str], fails: int
) -> None:
    stop, looks, told = threading.Event(), [], []

    def look() -> tuple[Facts, list[Finding]]:
        looks.append(len(looks))
        if len(looks) == fails:
            raise ZeroDivisionError("+447700900123")
        if len(looks) == 3:
            stop.set()
        return _facts(), []

    Watch(look, lambda *_: told.append(len(looks))).run(stop, every=0)
    assert told == [number for number in (1, 2, 3) if number != fails]
    said = capsys.readouterr().err
    assert "a look failed: ZeroDivisionError at test_health.py" in said
    assert "447700" not in said


class Post:
    """Keeps the codes of which somebody was written to."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def __call__(self, news: News) -> bool:
        self.codes += [one.code for one in news.begun]
        return True


def test_people_are_told_while_prefect_or_the_record_is_away_and_events_wait(
    installed: Record, tmp_path: Path
) -> None:
    """An event that was noted as told, and that nobody heard, would never be told."""
    settings, post = Settings(home=tmp_path / "home"), Post()
    teller = Teller(settings, post)
    full = Finding("disk-nearly-full", "1 GB left")
    teller.tell(_facts(answers=False), [full, Finding("prefect-unreachable", "")])
    assert post.codes == ["disk-nearly-full"]
    with installed.read() as connection:
        rows = connection.execute(sa.select(health_finding.c.told)).scalars().all()
    assert rows == [False, False]
    for _ in range(2):
        teller.tell(_facts(record=Unusable("record-away", "")), [Finding("record-unusable", "")])
    assert post.codes[1:] == ["record-unusable"]


def test_a_home_without_a_record_is_not_made_by_telling_of_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "nowhere")
    Teller(settings, Post()).tell(_facts(), [Finding("worker-gone", "")])
    assert not (tmp_path / "nowhere" / "record.db").exists()
