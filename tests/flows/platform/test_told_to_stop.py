"""Cancel and Suspend in the Prefect UI stop the campaign, within the part in flight or by the recurring run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Cancelling, Suspended

from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.control import resume
from clinic.record.database import Record
from clinic.settings import Phones, Settings
from tasks.runs.told_to_stop import heed_stops
from tasks.wiring import Wiring, use, wiring
from tests.fakes import FakeClock, FakeGateway
from tests.flows.installation import parts_of, run_flow
from tests.main_job import Practice

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

PEOPLE, AT_ONCE = 12, 4


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Twelve patients in batches of one, of which four are sent at once."""
    settings = Settings(
        home=tmp_path,
        record_url=sqlite_record.engine.url.render_as_string(),
        operator="nia",
        batch_size=1,
        phones=Phones(test_range=True),
    )
    made = Practice(sqlite_record, clock, tmp_path, settings=settings)
    made.patients(PEOPLE)
    return made


@pytest.fixture
def parts(practice: Practice) -> Iterator[Wiring]:
    made = parts_of(practice)
    use(made)
    yield made
    use(None)
    made.worker.close()


class Cancels(FakeGateway):
    """While its first messages are in flight somebody presses Cancel; it answers once that was heard."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        if not wiring().stop.is_set():
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(str(flow_run.get_id()), Cancelling(), force=True)  # type: ignore[arg-type]
            assert wiring().stop.wait(60)
        return super().send(key, messages, per_request=per_request, only=only)


def test_cancel_in_mid_send_pauses_the_campaign_within_the_part_in_flight(
    practice: Practice,
) -> None:
    """Issue 17: what is in flight is sent and saved, nothing more is begun, and the way on is said."""
    practice.gateway = Cancels()
    run = run_flow(practice, practice.request(practice.everybody(PEOPLE)))

    assert run.state == "Cancelled"
    assert "cohort resume 1" in run.says
    assert 1 <= len(practice.gateway.received) <= AT_ONCE
    assert len(practice.items()) == len(practice.gateway.received)
    with practice.record.read() as connection:
        job = get_campaign(connection, 1)
    assert (job.state, job.state_reason) == ("paused", "run-cancelled")


def _run_in_state(parts: Wiring, state: State[Any]) -> None:
    @flow(name="of-a-campaign")
    def of_a_campaign() -> None:
        """Never called: it only has runs."""

    tags = [parts.installation.tag, "campaign-1"]
    with get_client(sync_client=True) as client:
        made = client.create_flow_run(of_a_campaign, tags=tags)
        client.set_flow_run_state(made.id, state, force=True)


@pytest.mark.parametrize(
    ("state", "code"),
    [(Cancelled, "run-cancelled"), (Cancelling, "run-cancelled"), (Suspended, "run-suspended")],
)
def test_a_run_that_could_not_heed_it_is_heeded_by_the_recurring_one_until_somebody_resumes(
    practice: Practice, parts: Wiring, state: Callable[[], State[Any]], code: str
) -> None:
    """Issue 17: killed, or its server away; whoever resumes the campaign is not stopped by the same again."""
    practice.begin(practice.everybody(PEOPLE))
    practice.check(1)
    practice.send(1, 0 * practice.stage(1))
    _run_in_state(parts, state())
    assert heed_stops(parts) == [1]
    with practice.record.read() as connection:
        assert get_campaign(connection, 1).state_reason == code
    assert heed_stops(parts) == []

    practice.clock.sleep(max(0.0, time.time() - practice.clock.now().timestamp()) + 60)
    resume(
        practice.record, practice.clock, 1, by="nia", reason="it was a mistake", timing=parts.timing
    )
    assert heed_stops(parts) == []
