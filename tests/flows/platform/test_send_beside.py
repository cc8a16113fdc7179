"""NEW-3: runs that send one campaign beside its own: who asks for them, and what each of them does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Completed, Crashed

from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.control import pause
from clinic.message.sending.deliver import deliver
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import campaign
from clinic.settings import Settings
from flows.send_campaign import send_beside
from tasks.processes.identity import Installation
from tasks.runs.beside import ask_for, ask_missing, tag_beside
from tasks.runs.going_on import runs_of
from tasks.runs.heeding import heed_stops
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, message_states

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("deployed_anew")]

PEOPLE = 40


@pytest.fixture
def parts(
    who: Installation, sqlite_record_url: str, clock: FakeClock, tmp_path: Path
) -> Iterator[Wiring]:
    """A record of the installation that is deployed on the server, with a campaign for four runs."""
    record = Record.open(sqlite_record_url)
    install(record, clock, who.install_id)
    add_patients(record, PEOPLE)
    add_campaign(record, clock, PEOPLE, batch_size=5, workers=4)
    parts = Wiring(Settings(home=tmp_path), record, clock, Worker(tmp_path / "workers"))
    parts.gateways["sms", False] = FakeGateway()
    use(parts)
    yield parts
    with get_client(sync_client=True) as client:
        for run in runs_of(tag_beside(1)):
            client.delete_flow_run(run.id)
    use(None)
    parts.close()


def waiting() -> list[FlowRun]:
    return [run for run in runs_of(tag_beside(1)) if run.state_type is StateType.SCHEDULED]


def test_what_was_asked_for_is_asked_for_once_and_what_died_again(parts: Wiring) -> None:
    """`--workers 4` is three runs beside the campaign's own, however often it is looked at."""
    own = {run.id for run in runs_of("campaign-1")}  # of other records on this server
    assert ask_for(parts, 1) == 3
    assert ask_for(parts, 1) == ask_missing() == 0
    first = waiting()
    assert len(first) == 3
    assert {run.parameters["campaign_id"] for run in first} == {1}
    assert {
        run.id for run in runs_of("campaign-1")
    } == own  # its own run is found by that, and none of these
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(first[0].id, Crashed(message="killed"), force=True)
    assert ask_missing() == 1
    assert len(waiting()) == 3


def test_a_run_that_was_removed_from_prefect_is_asked_for_again(parts: Wiring) -> None:
    """NEW-3: counted, the next had the key of one that has ended, and none came for ever."""
    assert ask_for(parts, 1) == 3
    crashed, removed, _ = waiting()
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(crashed.id, Crashed(message="killed"), force=True)
        assert ask_missing() == 1
        client.set_flow_run_state(crashed.id, Completed(), force=True)
        client.delete_flow_run(removed.id)
        assert ask_missing() == 1
        assert len(waiting()) == 3
        for run in runs_of(tag_beside(1)):
            client.set_flow_run_state(run.id, Crashed(message="killed"), force=True)
        client.delete_flow_run(runs_of(tag_beside(1))[0].id)
        assert ask_missing() == 3
    assert len(waiting()) == 3


def test_who_asks_at_once_asks_for_the_same_runs_however_far_the_campaign_is(
    parts: Wiring,
) -> None:
    """NEW-3: `settle` and the release may look in the same moment, and batches are closed between."""

    def keys() -> set[str | None]:
        return {run.idempotency_key for run in waiting()}

    assert ask_for(parts, 1) == 3
    first = keys()
    assert len(first) == 3
    with get_client(sync_client=True) as client:
        for run in waiting():
            client.delete_flow_run(run.id)
    deliver(parts.ledger(), parts.gateways["sms", False], 1, 1, 2)
    assert ask_for(parts, 1) == 3
    assert keys() == first


def test_nothing_is_asked_for_while_the_campaign_stands_still(parts: Wiring) -> None:
    """NEW-9."""
    pause(parts.record, parts.clock, 1, by="mia", reason="look")
    assert ask_for(parts, 1) == ask_missing() == 0
    assert waiting() == []


def test_a_run_beside_sends_and_leaves_the_end_to_the_campaigns_own(parts: Wiring) -> None:
    """It neither saves nor closes; one that comes when all is sent says so, and is no failure."""
    gateway = parts.gateways["sms", False]
    assert isinstance(gateway, FakeGateway)
    for says in ("40 messages in 8 batches sent beside campaign 1", "40 messages in 8 batches"):
        state: State[object] = send_beside(1, return_state=True)
        assert state.is_completed()
        assert says in (state.message or "")
        assert set(gateway.received.values()) == {1}
        assert message_states(parts.record, 1) == {"accepted": PEOPLE}
        with parts.record.read() as connection:
            assert connection.scalar(sa.select(campaign.c.state)) == "running"
    assert summarize(parts.record, parts.clock, 1).state == "completed"


def test_a_run_beside_that_comes_too_late_has_nothing_to_do(parts: Wiring) -> None:
    with parts.record.write() as connection:
        connection.execute(sa.update(campaign).values(state="cancelled"))
    state: State[object] = send_beside(1, return_state=True)
    assert state.is_completed()
    assert state.message == "Nothing was left to send of campaign 1"


def test_a_stop_of_one_of_them_stops_the_campaign(parts: Wiring) -> None:
    """NEW-9: whoever cancels a run of a campaign in the Prefect UI means the campaign."""
    assert ask_for(parts, 1) == 3
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(waiting()[0].id, Cancelled(), force=True)
    assert heed_stops(parts) == [1]
    with parts.record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.state)) == "paused"
