"""What was confirmed is sent by a worker; where Prefect is away it stays, and is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.asking.starting import start_run
from tasks.wiring import Wiring, use
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


def test_where_no_server_answers_it_is_kept_and_said_so(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-3: what was confirmed is in the record, and goes on by itself when Prefect is back."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, state=states.RUNNING)
    settings = Settings(home=tmp_path, prefect_api_url="http://127.0.0.1:9/api")
    parts = Wiring(settings, record, clock, Worker(tmp_path / "workers"))
    use(parts)
    try:
        found = start_run(record, settings, number)
    finally:
        use(None)
    assert (found.went, found.worker) == ("away", False)
    assert "goes on by itself" in found.says
    with record.read() as connection:
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
