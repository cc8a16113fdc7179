"""NEW-3: a worker starts what its own code deployed, so one of another version is ended in good order."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.environment import prefect_home
from tasks.processes.home import code
from tasks.processes.identity import Installation
from tasks.processes.workers import end_outdated, worker_runs

WHO = Installation("3f2a9c1b-7d10-4a5e-9c1e-0123456789ab", "Oakfield")


@pytest.mark.parametrize(
    ("note", "ended"),
    [
        (f"{WHO.install_id} {code()}", False),
        (f"{WHO.install_id} of-another-version", True),
        (WHO.install_id, True),  # earlier versions noted no more
        (f"another-record {code()}", True),
        (None, True),
    ],
    ids=["ours", "another version", "an earlier version", "another record", "no note"],
)
def test_a_worker_of_another_version_or_record_is_ended(
    tmp_path: Path, note: str | None, ended: bool
) -> None:
    settings = Settings(home=tmp_path)
    worker = Background("cohort-worker", prefect_home(settings))
    assert worker.start(["-c", "import time; time.sleep(60)"], os.environ)
    if note is not None:
        (prefect_home(settings) / "cohort-worker.polls-for").write_text(note)
    try:
        assert end_outdated(settings, WHO) is ended
        deadline = time.monotonic() + 60
        while worker_runs(settings) is ended and time.monotonic() < deadline:
            time.sleep(0.02)
        assert worker_runs(settings) is not ended
    finally:
        worker.stop(seconds=5)


def test_the_code_is_the_same_until_a_source_changes() -> None:
    assert code() == code()
    assert len(code()) == 64
