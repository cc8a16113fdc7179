"""The pool `cohort`, which all installations shared before each had its own: it moves once, in words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow
from prefect.states import Suspended

from clinic.settings import Settings
from flows.message import message
from tasks.prefect.automations import ensure_automations
from tasks.prefect.deploying import ensure_work_pool
from tasks.prefect.earlier_pool import EARLIER, move_from_earlier
from tasks.prefect.sending_queue import SENDING_QUEUE
from tasks.processes.identity import Installation
from tests.flows.installation import state_of
from tests.servers.prefect_server import wait_for

pytestmark = pytest.mark.prefect


@pytest.fixture
def client(prefect_server: Settings) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def new(prefect_server: Settings, client: SyncPrefectClient) -> Installation:
    """An installation that has just deployed into its own pool."""
    new = Installation(str(uuid.uuid4()), "Oakfield")
    ensure_work_pool(prefect_server, new)
    client.create_work_queue(SENDING_QUEUE, work_pool_name=new.pool)
    deploy(client, f"message ({new.label})", new.pool)
    return new


def deploy(client: SyncPrefectClient, name: str, pool: str) -> UUID:
    flow: Flow[..., object] = message
    return client.create_deployment(
        flow_id=client.create_flow(flow), name=name, work_pool_name=pool, enforce_parameter_schema=False
    )  # fmt: skip


@pytest.fixture
def earlier(client: SyncPrefectClient) -> Iterator[UUID]:
    """The pool as an earlier version left it; its deployment."""
    client.create_work_pool(WorkPoolCreate(name=EARLIER, type="process"))
    client.create_work_queue(SENDING_QUEUE, work_pool_name=EARLIER)
    yield deploy(client, "message", EARLIER)
    try:
        client.delete_work_pool(EARLIER)
    except ObjectNotFound:
        pass


def not_slept(seconds: float) -> None:
    """No worker polls meanwhile."""


def test_what_is_in_it_goes_and_what_waits_begins_again_in_the_new_one(
    client: SyncPrefectClient, earlier: UUID, new: Installation
) -> None:
    """A paused queue stays paused: campaigns that halt must not go on since the program was upgraded."""
    waiting = client.create_flow_run_from_deployment(
        earlier, state=Suspended(), tags=["operation-7"]
    )
    due = client.create_flow_run_from_deployment(earlier)
    queue = client.read_work_queue_by_name(SENDING_QUEUE, work_pool_name=EARLIER)
    client.update_work_queue(queue.id, is_paused=True)
    client.pause_deployment(earlier)

    [says] = move_from_earlier(new, sleep=not_slept)

    assert f"The work pool {EARLIER}" in says
    assert new.pool in says
    assert "what waited there (1) begins again" in says
    assert state_of(waiting.id) == "Crashed"  # `settle` starts another, once it is decided
    for gone in (
        lambda: client.read_work_pool(EARLIER),
        lambda: client.read_deployment(earlier),
        lambda: client.read_flow_run(due.id),
    ):
        with pytest.raises(ObjectNotFound):
            gone()
    queue = client.read_work_queue_by_name(SENDING_QUEUE, work_pool_name=new.pool)
    assert queue.is_paused
    assert client.read_deployment_by_name(f"message/message ({new.label})").paused
    assert move_from_earlier(new, sleep=not_slept) == []


def test_one_that_another_installation_still_polls_is_left_and_told(
    client: SyncPrefectClient, earlier: UUID, new: Installation
) -> None:
    def polled() -> bool:
        queues = client.read_work_queues(work_pool_name=EARLIER)
        return any(queue.last_polled is not None for queue in queues)

    def poll() -> None:
        client.request("POST", f"/work_pools/{EARLIER}/get_scheduled_flow_runs", json={})

    poll()
    wait_for("poll", polled)
    seen = [queue.last_polled for queue in client.read_work_queues(work_pool_name=EARLIER)]

    def again(seconds: float) -> None:
        poll()
        wait_for("another poll", lambda: [
            queue.last_polled for queue in client.read_work_queues(work_pool_name=EARLIER)
        ] != seen)  # fmt: skip

    [says] = move_from_earlier(new, sleep=again)
    assert "still polled" in says
    assert "cohort server start" in says
    assert client.read_deployment(earlier).name == "message"


def test_the_automation_of_each_installation_is_its_own(
    client: SyncPrefectClient, new: Installation
) -> None:
    """And follows the practice when it gets another name."""
    ensure_automations(new)
    renamed = Installation(new.install_id, "Oakfield & Hill")
    ensure_automations(renamed)
    mine = [found for found in client.read_automations() if new.key in found.name]
    assert [found.name.rpartition(": ")[2] for found in mine] == [
        f"campaigns halt one after the other (Oakfield Hill, {new.key})"
    ]
