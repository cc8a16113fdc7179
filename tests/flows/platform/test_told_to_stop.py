"""Cancel and Suspend in the Prefect UI stop the campaign, within the part in flight or by the recurring run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State
from prefect.client.schemas.sorting import ArtifactSort
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelled, Cancelling, Suspended

from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.prepare.control import pause, resume
from clinic.message.reminders.remind import SOURCE
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.settings import Phones, Settings
from tasks.runs import told_to_stop
from tasks.runs.heeding import heed_stops, wanted_campaigns
from tasks.wiring import Wiring, stop_sending, use, wiring
from tests.fakes import FakeClock, FakeGateway
from tests.flows.installation import log_of, parts_of, run_flow
from tests.main_job import Practice
from tests.servers.prefect_server import wait_for

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

PEOPLE, AT_ONCE = 12, 4
LOG = logging.getLogger(__name__)


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


class Signalled(FakeGateway):
    """Somebody presses Cancel, and the worker's signal is here before this process has asked."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(str(flow_run.get_id()), Cancelling(), force=True)  # type: ignore[arg-type]
        assert stop_sending()
        return super().send(key, messages, per_request=per_request, only=only)


def test_what_is_said_at_the_end_of_a_cancelled_run_is_that_its_campaign_stands_still(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 17: neither its log nor its page promises a recurring run that will not come."""
    monkeypatch.setattr(told_to_stop, "EVERY_SECONDS", 3_600.0)
    practice.gateway = Signalled()
    run = run_flow(practice, practice.request(practice.everybody(PEOPLE)))

    told = "\n".join(log_of(run.run_id))
    assert (run.state, "recurring run" in told) == ("Cancelled", False), told
    assert "It stands still. run-cancelled" in told
    assert "cohort resume 1" in told
    key = ArtifactFilter(key=ArtifactFilterKey(any_=["campaign-1"]))
    with get_client(sync_client=True) as client:
        page, *_ = client.read_artifacts(
            artifact_filter=key, sort=ArtifactSort.CREATED_DESC, limit=1
        )
    assert "# Campaign 1: paused" in str(page.data)


class Resumes(Cancels):
    """The same; and before the run has ended somebody resumes the campaign that it paused."""

    def __init__(self, practice: Practice) -> None:
        super().__init__()
        self._practice, self._one = practice, threading.Lock()

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        answer = super().send(key, messages, per_request=per_request, only=only)
        with self._one:
            if job_of(self._practice).resumed_at is None:
                wait_for("pause", lambda: job_of(self._practice).state == "paused")
                _later(self._practice)
                _resume(self._practice)
        return answer


def test_a_run_that_takes_its_time_to_end_does_not_pause_again_what_was_resumed(
    practice: Practice,
) -> None:
    """Issue 17: the stop is heeded once, though its run is read again as it ends."""
    practice.gateway = Resumes(practice)
    run = run_flow(practice, practice.request(practice.everybody(PEOPLE)))

    assert run.state == "Cancelled"
    job = job_of(practice)
    assert (job.state, job.state_reason) == ("running", None)


def job_of(practice: Practice) -> Campaign:
    with practice.record.read() as connection:
        return get_campaign(connection, 1)


def _later(practice: Practice, *, seconds: float = 60) -> None:
    """Prefect's server has the machine's clock: ours is so much later than that now."""
    practice.clock.sleep(max(0.0, time.time() - practice.clock.now().timestamp()) + seconds)


def _resume(practice: Practice) -> None:
    timing = timing_of(practice.settings)
    resume(practice.record, practice.clock, 1, by="nia", reason="it was a mistake", timing=timing)


def _run_in_state(parts: Wiring, state: State[Any]) -> UUID:
    @flow(name="of-a-campaign")
    def of_a_campaign() -> None:
        """Never called: it only has runs."""

    tags = [parts.installation.tag, "campaign-1"]
    with get_client(sync_client=True) as client:
        made = client.create_flow_run(of_a_campaign, tags=tags)
        client.set_flow_run_state(made.id, state, force=True)
    return made.id


@pytest.mark.parametrize(
    ("state", "code"),
    [(Cancelled, "run-cancelled"), (Cancelling, "run-cancelled"), (Suspended, "run-suspended")],
)
def test_a_run_that_could_not_heed_it_is_heeded_by_the_recurring_one_until_somebody_resumes(
    practice: Practice, parts: Wiring, state: Callable[[], State[Any]], code: str
) -> None:
    """Issue 17: killed, or its server away; whoever resumes the campaign is not stopped by the same again."""
    _sends(practice)
    _run_in_state(parts, state())
    assert heed_stops(parts) == [1]
    with practice.record.read() as connection:
        assert get_campaign(connection, 1).state_reason == code
    assert heed_stops(parts) == []

    _later(practice)
    _resume(practice)
    assert heed_stops(parts) == []


def test_a_run_that_a_worker_ends_after_the_campaign_was_resumed_pauses_it_no_second_time(
    practice: Practice, parts: Wiring
) -> None:
    """Issue 17: Cancelling until a worker is there again; what that makes of it is no new stop."""
    _sends(practice)
    run = _run_in_state(parts, Cancelling())
    assert heed_stops(parts) == [1]
    _later(practice, seconds=0.1)
    _resume(practice)
    wait_for("time", lambda: time.time() > practice.clock.now().timestamp())

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Cancelled(), force=True)
    assert heed_stops(parts) == []

    _run_in_state(parts, Cancelled())  # another run of it, and a person who presses Cancel again
    assert heed_stops(parts) == [1]


def test_nobody_is_asked_where_nothing_could_be_sent(practice: Practice, parts: Wiring) -> None:
    """Issue 17: a paused campaign needs no stop; a server that is away fails no idle night."""
    _sends(practice)
    _run_in_state(parts, Cancelled())
    pause(practice.record, practice.clock, 1, by="nia", reason="wait")
    with temporary_settings(
        {PREFECT_API_URL: "http://127.0.0.1:1/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    ):
        assert heed_stops(parts) == []
        _later(practice)
        _resume(practice)
        with pytest.raises(httpx.ConnectError):  # now it would be asked
            heed_stops(parts)
    assert heed_stops(parts) == []


def test_cancelled_while_it_is_checked_is_paused_also_where_its_own_run_released_it(
    practice: Practice, parts: Wiring
) -> None:
    """Issue 17: killed between the release and the pause, it is not sent on."""
    practice.begin(practice.everybody(PEOPLE))
    practice.check(1)
    _run_in_state(parts, Cancelled())
    assert heed_stops(parts) == []  # nothing could be sent yet
    _later(practice)
    practice.send(1, 0 * practice.stage(1))
    assert heed_stops(parts) == [1]


def test_reminders_that_were_stopped_while_they_were_checked_are_not_begun_again(
    practice: Practice, parts: Wiring
) -> None:
    """Issue 17: nobody looks at a run by night, but somebody did at this one."""
    practice.begin(practice.everybody(PEOPLE))
    with practice.record.write() as connection:
        connection.execute(sa.update(cohort_list).values(source=SOURCE))
    _later(practice)
    assert wanted_campaigns(parts, LOG) == [1]
    _run_in_state(parts, Cancelled())
    assert wanted_campaigns(parts, LOG) == []


def _sends(practice: Practice) -> None:
    practice.begin(practice.everybody(PEOPLE))
    practice.check(1)
    practice.send(1, 0 * practice.stage(1))
