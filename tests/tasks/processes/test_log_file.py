"""Logs that are dated, rotated, and traceable from campaign to run."""

from __future__ import annotations

import gzip
import logging
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.settings import Settings
from tasks.guard.decorators import safe
from tasks.guard.scrub import PatientDataFilter
from tasks.processes.environment import child_environment, log_path
from tasks.processes.log_file import Line, LogFile, Place, for_campaign, rotate


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """A logger that writes to the log as `logging.yml` has it."""
    monkeypatch.setenv("COHORT_LOG_FILE", str(tmp_path / "logs" / "cohort.log"))
    monkeypatch.setenv("COHORT_LOG_PRACTICE", "Hill Surgery")
    logger, handler = logging.Logger("cohort.test"), LogFile()
    handler.addFilter(PatientDataFilter())
    handler.addFilter(Place())
    handler.setFormatter(Line())
    logger.addHandler(handler)
    yield logger
    handler.close()


def lines(folder: Path) -> list[str]:
    return (folder / "logs" / "cohort.log").read_text().splitlines()


def test_each_line_has_date_practice_campaign_and_run(log: logging.Logger, tmp_path: Path) -> None:
    with for_campaign(12):
        log.info("batch 3 sent", extra={"flow_run_id": "3491d132", "task_run_name": "send-1"})
    log.warning("nobody is here")
    first, second = lines(tmp_path)
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 INFO "Hill Surgery" campaign=12 run=3491d132 '
        "send-1: batch 3 sent",
        first,
    )
    assert "run=-" in second


def test_a_run_of_its_own_process_is_named_by_what_prefect_tells_it(
    log: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "77aa")
    log.info("a library's own line")
    assert "run=77aa" in lines(tmp_path)[0]


def test_what_a_task_logs_is_of_the_campaign_that_it_was_given(
    log: logging.Logger, tmp_path: Path
) -> None:
    @safe
    def send(campaign_id: int) -> None:
        log.info("in")

    @safe
    def settle(other: int) -> None:
        log.info("out %s", other)

    send(41)
    send(campaign_id=42)
    settle(43)
    found = [line.split("campaign=")[1].split()[0] for line in lines(tmp_path)]
    assert found[:2] == ["41", "42"]
    assert found[2] != "43"


def test_no_patients_number_reaches_it_and_it_is_the_owners_alone(
    log: logging.Logger, tmp_path: Path
) -> None:
    log.error("sent to +447700900123")
    assert "447700" not in lines(tmp_path)[0]
    assert stat.S_IMODE((tmp_path / "logs" / "cohort.log").stat().st_mode) == 0o600


def test_a_long_log_is_renamed_and_all_processes_go_on_in_a_new_one(
    log: logging.Logger, tmp_path: Path
) -> None:
    path = tmp_path / "logs" / "cohort.log"
    for number in range(1, 8):
        log.info("%s", number)
        assert rotate(path, most=1, kept=3)
    log.info("last")
    assert sorted(p.name for p in path.parent.glob("cohort*")) == [
        "cohort.log", "cohort.log.1", "cohort.log.2.gz", "cohort.log.3.gz",
    ]  # fmt: skip
    assert lines(tmp_path)[0].endswith("last")
    for number in (2, 3):
        packed = path.with_name(f"cohort.log.{number}.gz")
        assert gzip.decompress(packed.read_bytes()).decode().strip().endswith(f"{8 - number}")
        assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    assert not rotate(path, most=10_000)
    assert not rotate(tmp_path / "none")


def test_a_process_of_an_installation_logs_through_prefect_with_its_practice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker, the server and the runs read `logging.yml`; this is one of them."""
    # A command that sent in this process before has left its own
    monkeypatch.delenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", raising=False)
    settings = Settings(home=tmp_path / "home", organisation={"name": "Dale"})  # type: ignore[arg-type]
    program = (
        "import logging; from prefect.logging.configuration import setup_logging; setup_logging();"
        "from prefect.logging.loggers import get_logger;"
        "get_logger('trial').info('hello'); logging.getLogger('uvicorn').warning('there')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=child_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = log_path(settings).read_text()
    assert 'INFO "Dale" campaign=- run=- prefect.trial: hello' in text
    assert "uvicorn: there" in text
    assert "hello" not in done.stderr
    assert "there" in done.stderr
