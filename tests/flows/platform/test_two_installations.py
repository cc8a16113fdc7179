"""Two installations on one Prefect server, each with a record and a worker of its own: they never meet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
import sqlalchemy as sa
from anyio import run as run_async
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Pending

from clinic.clock import SystemClock
from clinic.errors import NotAllowed
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.lists import template
from clinic.settings import Settings
from tasks.draining import STARTED_BY_NOW, go_on, look_again
from tasks.prefect.deploying import deploy_all, ensure_work_pool
from tasks.prefect.polling import REFUSED, refuse_foreign_pool
from tasks.prefect.sending_queue import SENDING_QUEUE, is_paused
from tasks.prefect.sending_queue import go_on as resume_queue
from tasks.processes import identity
from tasks.processes.environment import api_url, prefect_home
from tasks.processes.identity import Installation
from tasks.processes.login import ensure_login
from tasks.processes.workers import start_worker, stop_worker, worker_log
from tasks.runs.going_on import runs_of
from tasks.runs.runs import is_waiting, start_deployment
from tests.flows.installation import state_of
from tests.servers.prefect_server import wait_for

pytestmark = pytest.mark.prefect

YAML = Path(__file__).with_name("pair.yaml")
MARKED = "marked/nightly"
ENDED = {"Completed", "Failed", "Crashed", "Cancelled", REFUSED}


class Home(NamedTuple):
    """One of the two."""

    settings: Settings
    who: Installation

    def asks(self, number: int, *, turn: int = 0, at: datetime | None = None) -> UUID:
        """Start a run from here. Campaigns, and the keys of their runs, have the same numbers in both homes."""
        return start_deployment(
            MARKED,
            {"mark": f"{self.settings.home.name}-{number}"},
            key=f"wake-{number}-{turn}-0",
            tag=f"campaign-{number}",
            at=at,
        )

    def marks(self) -> list[str]:
        """What runs left in its record."""
        record = Record.open(self.settings.database_url)
        with record.read() as connection:
            found = connection.scalars(sa.select(template.c.key).order_by(template.c.id)).all()
        record.close()
        return list(found)


class here:  # noqa: N801  reads as what it is
    """This process works in that home, for the block."""

    def __init__(self, home: Home) -> None:
        self.home, self.environment = home, pytest.MonkeyPatch()

    def __enter__(self) -> Home:
        self.environment.setenv("COHORT_HOME", str(self.home.settings.home))
        return self.home

    def __exit__(self, *_: object) -> None:
        self.environment.undo()


@pytest.fixture(scope="module")
def homes(
    prefect_server: Settings, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Home, Home]]:
    """Both have the default name of a practice, and deployments of the same flow."""

    def made(name: str) -> Home:
        folder = tmp_path_factory.mktemp(name, numbered=False)
        shutil.copy(migrated_sqlite, folder / "record.db")
        settings = Settings(home=folder, prefect_api_url=api_url(prefect_server))
        record = Record.open(settings.database_url)
        install(record, SystemClock())
        record.close()
        who = identity.read(settings)
        ensure_work_pool(settings, who)
        deploy_all(settings, who, file=YAML)
        return Home(settings, who)

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_API_AUTH_STRING", ensure_login(prefect_home(prefect_server)))
        environment.setenv("COHORT_PREFECT_API_URL", api_url(prefect_server))
        environment.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
        yield made("oakfield"), made("riverside")


@pytest.fixture(scope="module")
def workers(homes: tuple[Home, Home]) -> Iterator[tuple[Home, Home]]:
    for home in homes:
        assert start_worker(home.settings, home.who, file=YAML)
    yield homes
    for home in homes:
        stop_worker(home.settings)


@pytest.fixture
def client(prefect_server: Settings) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def ask_and_wait(workers: tuple[Home, Home], numbers: range, *, seconds: float) -> None:
    """
    Each home asks for runs of these numbers, at the same time; each is done once, in its own record.

    A run that Prefect could not start (its server answers 503 while its database is locked) is asked for again.
    """
    before = {home.who.key: home.marks() for home in workers}
    left = [(home, number) for number in numbers for home in workers]
    for turn in range(4):
        asked = {}
        for home, number in left:
            with here(home):
                asked[home.asks(number, turn=turn)] = (home, number)
        assert len(asked) == len(left)  # the key of one is not the other's
        wait_for(
            "end of all runs", lambda runs=asked: {*map(state_of, runs)} <= ENDED, seconds=seconds
        )
        left = [whose for run, whose in asked.items() if state_of(run) == "Crashed"]
        assert {*map(state_of, asked)} <= {"Completed", "Crashed"}
    logs = [worker_log(home.settings).read_text()[-2000:] for home in workers]
    assert left == [], logs
    for home in workers:
        mine = sorted(f"{home.settings.home.name}-{number}" for number in numbers)
        assert sorted(home.marks()) == sorted([*before[home.who.key], *mine])


def test_each_run_is_done_in_the_record_of_the_installation_that_asked(
    workers: tuple[Home, Home],
) -> None:
    ask_and_wait(workers, range(2), seconds=180)


@pytest.mark.slow
def test_of_a_hundred_runs_none_is_done_in_the_wrong_record(workers: tuple[Home, Home]) -> None:
    for first in range(100, 150, 5):
        ask_and_wait(workers, range(first, first + 5), seconds=600)


def test_a_worker_refuses_a_run_of_another_installation_in_words(
    workers: tuple[Home, Home], client: SyncPrefectClient
) -> None:
    """Whoever put it into the pool: it is not started, and is no crash that its owner would repair."""
    oakfield, riverside = workers
    own = client.read_deployment_by_name(f"{MARKED} ({oakfield.who.label})")
    strayed = client.create_deployment(
        flow_id=own.flow_id, name="strayed", tags=own.tags, entrypoint=own.entrypoint,
        pull_steps=own.pull_steps, work_pool_name=riverside.who.pool,
    )  # fmt: skip
    run = client.create_flow_run_from_deployment(strayed, parameters={"mark": "strayed"}).id
    wait_for("end of the run", lambda: state_of(run) in ENDED)
    state = client.read_flow_run(run).state
    assert state is not None
    assert (state.type, state.name) == (StateType.CANCELLED, REFUSED)
    assert "run-not-ours" in (state.message or "")
    assert riverside.who.label in (state.message or "")
    assert "strayed" not in oakfield.marks() + riverside.marks()
    client.delete_deployment(strayed)


def test_each_sees_the_runs_of_its_own_numbers_alone(homes: tuple[Home, Home]) -> None:
    oakfield, riverside = homes
    with here(oakfield):
        run = oakfield.asks(3, at=datetime.now(UTC) + timedelta(days=1))
        assert is_waiting("campaign-3")
        assert [found.id for found in runs_of("campaign-3")] == [run]
    with here(riverside):
        assert not is_waiting("campaign-3")
        assert runs_of("campaign-3") == []


def test_a_worker_that_starts_takes_away_its_own_installations_dead_runs_alone(
    homes: tuple[Home, Home], client: SyncPrefectClient
) -> None:
    def pending(home: Home) -> FlowRun:
        own = client.read_deployment_by_name(f"{MARKED} ({home.who.label})")
        return client.create_flow_run_from_deployment(
            own.id, parameters={"mark": "x"}, state=Pending()
        )

    dead = [pending(home).id for home in homes]

    async def start(who: Installation) -> None:
        async with get_client() as asynchronous:
            await go_on(asynchronous, who, within=timedelta(0))

    async def a_minute_later(who: Installation, within: timedelta) -> None:
        async with get_client() as asynchronous:
            await look_again(asynchronous, who, within=within)

    run_async(start, homes[0].who)
    assert [state_of(run) for run in dead] == ["Crashed", "Pending"]
    run_async(a_minute_later, homes[1].who, STARTED_BY_NOW)  # it may be starting
    assert [state_of(run) for run in dead] == ["Crashed", "Pending"]
    run_async(a_minute_later, homes[1].who, timedelta(0))
    assert [state_of(run) for run in dead] == ["Crashed", "Crashed"]


def test_a_queue_that_is_paused_is_paused_for_its_own_installation(
    homes: tuple[Home, Home], client: SyncPrefectClient
) -> None:
    oakfield, riverside = (home.settings for home in homes)
    for home in homes:
        client.create_work_queue(SENDING_QUEUE, work_pool_name=home.who.pool)
    queue = client.read_work_queue_by_name(SENDING_QUEUE, work_pool_name=homes[0].who.pool)
    client.update_work_queue(queue.id, is_paused=True)
    assert (is_paused(oakfield), is_paused(riverside)) == (True, False)
    assert not resume_queue(riverside)
    assert is_paused(oakfield)
    assert resume_queue(oakfield)
    assert not is_paused(oakfield)


def test_a_worker_is_kept_out_of_another_installations_pool(homes: tuple[Home, Home]) -> None:
    oakfield, riverside = (home.who for home in homes)
    refuse_foreign_pool(oakfield, oakfield.pool)
    for pool in (riverside.pool, "cohort"):
        with pytest.raises(NotAllowed, match="pool-not-ours") as refused:
            refuse_foreign_pool(oakfield, pool)
        assert oakfield.pool in str(refused.value)
