"""What Prefect knows of how it goes, and the events that automations act on: a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.flows import Flow
from prefect.states import Crashed, Scheduled

from clinic.clock import SystemClock
from clinic.health.facts import PrefectFacts
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.settings import Settings
from flows.remind import remind
from tasks.prefect.health_events import HEALTH_BEGUN
from tasks.prefect.prefect_facts import read_prefect
from tasks.processes.identity import Installation
from tasks.settle import check_health
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock
from tests.ledgers import add_campaign
from tests.servers.prefect_server import wait_for

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def pool() -> str:
    """A work pool with a queue of messages, which no worker polls."""
    name = f"pool-{uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        client.create_work_queue("messages", work_pool_name=name)
    return name


WHO = Installation("0ak0f1e1-7d10-4a5e-9c1e-0123456789ab", "Oakfield")


def _read(pool: str) -> PrefectFacts:
    found = read_prefect(SystemClock(), WHO, pool=pool)
    assert found is not None
    return found


def test_a_pool_that_no_worker_polls_and_one_that_a_worker_polled(pool: str) -> None:
    assert _read(pool).polled_at is None
    with get_client(sync_client=True) as client:
        client.request("POST", f"/work_pools/{pool}/get_scheduled_flow_runs", json={})

    def polled() -> datetime | None:
        return _read(pool).polled_at

    at = wait_for("poll", polled)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


def test_a_pool_that_is_not_there_is_one_that_no_worker_polls() -> None:
    assert _read("no-such-pool").polled_at is None


def test_a_queue_of_messages_that_is_paused_is_seen(pool: str) -> None:
    assert not _read(pool).paused
    with get_client(sync_client=True) as client:
        queue = client.read_work_queue_by_name("messages", work_pool_name=pool)
        client.update_work_queue(queue.id, is_paused=True)
    assert _read(pool).paused


def test_the_clock_of_the_server_is_compared(pool: str) -> None:
    ahead = read_prefect(FakeClock(datetime.now(UTC) + timedelta(hours=3)), WHO, pool=pool)
    assert ahead is not None
    assert ahead.ahead is not None
    assert 10_000 < ahead.ahead < 11_500


@pytest.mark.parametrize("crashed", [False, True])
def test_the_last_reminders_that_were_due_are_found_with_what_became_of_them(
    pool: str, crashed: bool
) -> None:
    flow: Flow[..., object] = remind
    due = datetime.now(UTC) - timedelta(minutes=1, seconds=30 if crashed else 60)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(flow, state=Scheduled(scheduled_time=due), tags=[WHO.tag])
        client.create_flow_run(
            flow, state=Scheduled(scheduled_time=due + timedelta(hours=1)), tags=[WHO.tag]
        )  # not due yet
        client.create_flow_run(  # later, and another installation's on the same server
            flow, state=Scheduled(scheduled_time=due + timedelta(seconds=20)),
            tags=["installation-r1ver51d"],
        )  # fmt: skip
        if crashed:
            client.set_flow_run_state(run.id, Crashed(), force=True)
    found = _read(pool)
    assert found.reminders_due is not None
    assert abs(found.reminders_due - due) < timedelta(seconds=1)
    assert found.reminders_state == ("CRASHED" if crashed else "SCHEDULED")


@pytest.fixture
def parts(sqlite_record: Record, tmp_path: Path) -> Iterator[Wiring]:
    clock = SystemClock()
    add_campaign(sqlite_record, clock, 0)
    settings = Settings(home=tmp_path, prefect_port=1)  # where nothing answers
    made = Wiring(settings, sqlite_record, clock, Worker(tmp_path / "workers"))
    use(made)
    yield made
    use(None)


def test_what_begins_is_an_event_with_what_to_do_once(parts: Wiring) -> None:
    from prefect import flow

    @flow
    def twice() -> list[int]:
        return [check_health(), check_health()]

    before = _begun()
    assert twice() == [1, 1]
    wait_for("event", lambda: _begun() > before)
    assert _begun() == before + 1


def _begun() -> int:
    wanted = EventFilter(event=EventNameFilter(name=[HEALTH_BEGUN]))
    with get_client(sync_client=True) as client:
        body = {"filter": wanted.model_dump(mode="json")}
        return int(client.request("POST", "/events/filter", json=body).json()["total"])
