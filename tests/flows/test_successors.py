"""NEW-3: a worker's run that is told to stop in mid-send leaves a successor, which the next worker takes up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType

from clinic.message.campaign.sending_stop import stop_by_person
from clinic.message.sending.deliver import deliver
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.settings import Settings
from tasks.processes.identity import Installation
from tasks.runs.going_on import runs_of
from tasks.runs.stopping import drained
from tasks.wiring import Wiring, stop_sending, use
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("deployed_anew")]


@pytest.fixture
def parts(
    who: Installation, sqlite_record_url: str, clock: FakeClock, tmp_path: Path
) -> Iterator[Wiring]:
    """A record of the installation that is deployed on the server; what is left there is removed."""
    record = Record.open(sqlite_record_url)
    install(record, clock, who.install_id)
    add_patients(record, 20)
    add_campaign(record, clock, 20, batch_size=10)
    parts = Wiring(Settings(home=tmp_path), record, clock, Worker(tmp_path / "workers"))
    use(parts)
    yield parts
    with get_client(sync_client=True) as client:
        for run in waiting():
            client.delete_flow_run(run.id)
    use(None)
    parts.close()


def waiting() -> list[FlowRun]:
    return [run for run in runs_of("campaign-1") if run.state_type is StateType.SCHEDULED]


def send(parts: Wiring, *, told_to_stop: bool) -> None:
    """A run's process, which SIGTERM reaches after the first batch."""
    parts.stop.clear()

    def job() -> None:
        deliver(parts.ledger(), FakeGateway(), 1, 1, 1)
        if told_to_stop:
            stop_sending()
        raise ZeroDivisionError  # as a run with work left ends

    with pytest.raises(ZeroDivisionError):
        drained(job)()


@pytest.mark.parametrize(
    ("worker", "told_to_stop", "stopped", "runs"),
    [
        (True, True, False, 1),
        (False, True, False, 0),  # typed in a terminal: its person knows
        (True, False, False, 0),  # it failed by itself: `settle` has its own pace for that
        (True, True, True, 0),  # all sending is stopped
    ],
)
def test_a_successor_is_asked_for_where_a_worker_was_told_to_stop(
    parts: Wiring,
    monkeypatch: pytest.MonkeyPatch,
    worker: bool,
    told_to_stop: bool,
    stopped: bool,
    runs: int,
) -> None:
    if worker:
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "3491d132-0000-4000-8000-000000000000")
    if stopped:
        stop_by_person(parts.record, parts.clock, by="mia", reason="a wrong text")
    for _ in range(2):  # told twice, and what is left is asked for once
        send(parts, told_to_stop=told_to_stop)
        assert len(waiting()) == runs
