"""What was confirmed is sent by a worker; where Prefect is away it stays, and is told so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.asking.starting import start_run
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


@pytest.mark.parametrize(
    ("state", "went"),
    [(states.AWAITING_APPROVAL, "approval"), (states.SCHEDULED, "start")],
)
def test_what_waits_for_a_person_or_its_time_needs_no_run_now(
    record: Record, clock: FakeClock, state: str, went: str
) -> None:
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, state=state)
    assert start_run(record, Settings(), number).went == went


_START = """
import sys
from pathlib import Path
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.asking.starting import start_run
settings = Settings(home=Path(sys.argv[1]), prefect_api_url="http://127.0.0.1:9/api")
found = start_run(Record.open(settings.database_url), settings, 1)
print(found.went, found.worker, "goes on by itself" in found.says)
"""


def test_where_no_server_answers_it_is_kept_and_said_so(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-3: what was confirmed is in the record, and goes on by itself when Prefect is back."""
    add_patients(sqlite_record, 3)
    number = add_campaign(sqlite_record, clock, 3, state=states.RUNNING)
    # By itself: prefect reads its environment once in a process
    done = subprocess.run(
        [sys.executable, "-c", _START, str(Path(str(sqlite_record.engine.url.database)).parent)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["away", "False", "True"], done.stderr[-500:]
    with sqlite_record.read() as connection:
        assert get_campaign(connection, number).state == states.RUNNING


@pytest.mark.parametrize(
    ("state", "code"),
    [(states.CHECKING, "not-confirmed"), (states.COMPLETED, "campaign-ended")],
)
def test_nothing_runs_that_nobody_confirmed_or_that_has_ended(
    record: Record, clock: FakeClock, tmp_path: Path, state: str, code: str
) -> None:
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, state=state)
    with pytest.raises(NotAllowed, match=code):
        start_run(record, Settings(home=tmp_path), number)
