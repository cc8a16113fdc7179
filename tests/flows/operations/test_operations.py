"""Operations as flows: suspended until somebody decides, resumed by the decision, nothing twice."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.events import emit_event
from prefect.states import Crashed, Paused, Pending, Running, Suspended

from clinic.change.operations import get_operation
from clinic.change.review.deciding import decide
from clinic.change.review.next_steps import next_steps
from clinic.errors import CohortError, Incomplete, RecordUnsafe
from clinic.govern.audit.anchor import anchor_of, read_anchor
from clinic.govern.audit.key import unlock
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema.govern import audit_block
from clinic.settings import Operations, Settings
from flows.assign_tags import assign_tags
from flows.reassign_provider import reassign_provider
from flows.settle import settle
from flows.status_change import status_change
from flows.transfer_facility import transfer_facility
from flows.undo import undo
from flows.update_attribute import update_attribute
from tasks import wiring
from tasks.asking.begun import told_of_run
from tasks.guard.decorators import flow
from tasks.processes.identity import Installation
from tasks.processes.workers import start_worker, stop_worker, worker_log
from tasks.runs.going_on import go_on, operation_tag, resumed, runs_of
from tasks.runs.not_begun import stalled
from tasks.runs.runs import resume, start_deployment
from tasks.runs.silent_runs import (
    NONE_AT_ALL,
    NOT_BEGUN,
    SILENCE,
    crash_if_silent,
    crash_silent_runs,
)
from tasks.show.operation import show_waiting
from tests.clinic.change.practice import (
    MANAGER,
    SETTINGS,
    approved,
    asked,
    column,
    practice,
    reviewed,
    update,
)
from tests.clinic.change.run.test_undo import undo_of
from tests.fakes import FakeClock
from tests.flows.installation import state_of
from tests.servers.prefect_server import find_in_prefect, wait_for

pytestmark = pytest.mark.prefect

# The flow, its kind, its parameters, and what patient 1 has then
FLOWS = [
    (status_change, "status", {"to": "on_hold"}, ("status", "on_hold")),
    (reassign_provider, "provider", {"to": ["P2"]}, ("provider_id", 2)),
    (transfer_facility, "facility", {"to": "F2"}, ("facility_id", 2)),
    (assign_tags, "tag", {"add": ["a"]}, ("version", 2)),
    (
        update_attribute,
        "attribute",
        {"field": "insurance_plan", "to": "New"},
        ("insurance_plan", "New"),
    ),
]


@pytest.fixture
def wired(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[Record]:
    """This process works on a small practice."""
    from clinic.message.sending.worker import Worker

    practice(sqlite_record)
    parts = wiring.Wiring(
        settings=SETTINGS.model_copy(update={"home": tmp_path}),
        record=sqlite_record,
        clock=clock,
        worker=Worker(tmp_path / "workers"),
    )
    wiring.use(parts)
    yield sqlite_record
    wiring.use(None)
    parts.worker.close()


@pytest.mark.parametrize(("run", "kind", "parameters", "result"), FLOWS)
def test_each_flow_applies_what_was_approved(
    prefect_server: Settings,
    wired: Record,
    clock: FakeClock,
    run: object,
    kind: str,
    parameters: dict[str, object],
    result: tuple[str, object],
) -> None:
    operation_id = asked(wired, clock, kind, parameters, range(1, 7))
    approved(wired, clock, operation_id)
    summary = run(operation_id)  # type: ignore[operator]
    assert (summary.state, summary.applied) == ("done", 6)
    assert column(wired, result[0])[1] == result[1]
    again = run(operation_id)  # type: ignore[operator]
    assert again == summary
    assert set(column(wired, "version").values()) == {2}


class Failing:
    """The record of a running operation, whose writes fail as `fails` says, by their number."""

    def __init__(self, record: Record, operation_id: int, fails: Callable[[int], str]) -> None:
        self._record, self._operation_id, self._fails = record, operation_id, fails
        self._numbers = itertools.count(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    def write(self) -> Any:
        running = get_operation(self._record, self._operation_id).state == "running"
        if running and (says := self._fails(next(self._numbers))):
            raise sa.exc.OperationalError("UPDATE", None, sqlite3.OperationalError(says))
        return self._record.write()


def test_an_operation_carries_on_where_the_record_is_away_for_a_moment(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    """2.6: a chunk, then the count at the end, fail once each; the run goes on, nobody twice."""
    operation_id = asked(wired, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(wired, clock, operation_id)
    chunks = 3
    fails = {1, chunks + 2}
    wiring.wiring().record = Failing(  # type: ignore[assignment]
        wired, operation_id, lambda n: "database is locked" if n in fails else ""
    )
    summary = status_change(operation_id)
    assert (summary.state, summary.applied) == ("done", 6)
    assert [column(wired, "version")[n] for n in range(1, 7)] == [2] * 6


def test_a_full_disk_stops_an_operation_and_what_is_shown_then_carries_it_on(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    """2.6: not tried again for minutes, told by its code; after room was made nobody is changed twice."""
    operation_id = asked(wired, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(wired, clock, operation_id)
    wiring.wiring().record = Failing(  # type: ignore[assignment]
        wired, operation_id, lambda n: "database or disk is full" if n > 1 else ""
    )
    with pytest.raises(RecordUnsafe, match="no room is left") as stopped:
        status_change(operation_id)
    assert stopped.value.code == "disk-full"
    found = get_operation(wired, operation_id)
    assert found.state == "running"
    assert f"cohort operations resume {operation_id}" in next_steps(wired, found)
    assert sorted(column(wired, "version")[n] for n in range(1, 7)) == [1] * 4 + [2] * 2

    wiring.wiring().record = wired
    summary = status_change(operation_id)
    assert (summary.state, summary.applied) == ("done", 6)
    assert [column(wired, "version")[n] for n in range(1, 7)] == [2] * 6


def test_an_undo_is_a_flow_like_any_other(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    """NEW-2, NEW-10: each end is anchored, so that a trail cut after it would be found at once."""
    first = asked(wired, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(wired, clock, first)
    status_change(first)
    back = undo_of(wired, clock, first)
    approved(wired, clock, back)
    assert undo(back).applied == 6
    assert set(column(wired, "status").values()) == {"active"}
    anchor = read_anchor(anchor_of(wiring.wiring().settings), None)
    with wired.read() as connection:
        stream, last = audit_block.c.stream, sa.func.max(audit_block.c.number)
        ends = connection.execute(sa.select(stream, last).group_by(stream)).tuples()
        assert {name: head.number for name, head in anchor.heads.items()} == dict(ends.all())


def test_a_rejected_operation_changes_nothing_and_its_run_is_cancelled(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    operation_id = asked(wired, clock, "status", {"to": "on_hold"}, [1])
    number = reviewed(wired, clock, operation_id)
    decide(wired, clock, number, operator=MANAGER, decision="rejected", note="not this month")
    ended = status_change(operation_id, return_state=True)
    assert (ended.type, ended.name) == (StateType.CANCELLED, "Rejected")
    why = f"(why: cohort approvals show {number})"  # whose words are on the record, not in Prefect
    assert ended.message == f"Operation {operation_id} was rejected by mia {why}"
    assert set(column(wired, "version").values()) == {1}


def test_the_number_of_another_kind_of_operation_is_refused(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    operation_id = asked(wired, clock, "tag", {"add": ["a"]}, [1])
    with pytest.raises(CohortError, match="operation-other-kind"):
        status_change(operation_id)


def test_conflicts_are_counted_in_what_prefect_shows_and_patients_are_not(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    """ALC-36, rule 10: no patient's value in Prefect."""
    update(wired, 1, insurance_plan="SENTINEL-PLAN", family_name="SENTINEL-NAME")
    parameters = {"field": "insurance_plan", "to": "SENTINEL-NEW", "was": "SENTINEL-PLAN"}
    operation_id = asked(wired, clock, "attribute", parameters, [1, 2])
    approved(wired, clock, operation_id)
    update(wired, 1, insurance_plan="SENTINEL-OTHER")
    flow(name="shown")(show_waiting)(operation_id)
    summary = update_attribute(operation_id)
    assert (summary.state, summary.conflicts) == ("done_with_conflicts", 1)
    wait_for("result", lambda: _artifact(f"result-{operation_id}"))
    told = f"Operation {operation_id} is done_with_conflicts: "
    wait_for("its story", lambda: find_in_prefect(prefect_server.home, [told]))
    ours = FlowRunFilterTags(all_=[operation_tag(operation_id)])
    with get_client(sync_client=True) as client:
        assert client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=ours)), "found by its tag"
    assert find_in_prefect(prefect_server.home, ["SENTINEL"]) == []


def _artifact(key: str) -> str | None:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        )
    return str(found[0].data) if found else None


@pytest.fixture(scope="module")
def office(prefect_server: Settings, deployed_anew: bool) -> Iterator[tuple[Settings, Record]]:
    """A worker, and the record that its flows open."""
    settings = Settings(home=prefect_server.home, operations=Operations())
    anchor_of(settings).unlink(missing_ok=True)  # of another record, that another module worked on
    record = Record.open(settings.database_url)
    migrate(record)
    unlock(record, settings.home)
    practice(record)
    assert start_worker(prefect_server)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COHORT_HOME", str(prefect_server.home))
        yield prefect_server, record
    stop_worker(prefect_server)
    record.close()
    anchor_of(settings).unlink(missing_ok=True)


def test_a_waiting_flow_is_suspended_and_resumed_by_the_decision(
    office: tuple[Settings, Record],
) -> None:
    """ALC-33: it holds no process, says who decides and how; Resume alone decides nothing."""
    from clinic.clock import SystemClock

    settings, record = office
    clock = SystemClock()
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3])  # type: ignore[arg-type]
    run = start_deployment("status-change/status-change", {"operation_id": operation_id})
    _wait_suspended(run, 1, settings)
    number = get_operation(record, operation_id).approval_id or 0
    says = wait_for("page", lambda: _artifact(f"approval-{operation_id}"))
    assert f"cohort approve {number}" in says
    assert "mia" in says
    resume(run)  # as anybody may press it in the Prefect UI
    _wait_suspended(run, 2, settings)
    assert set(column(record, "version").values()) == {1}
    decide(record, clock, number, operator=MANAGER, decision="approved", note="seen")
    resume(run)
    wait_for("end", lambda: state_of(run) == "Completed")
    assert get_operation(record, operation_id).state == "done"
    assert [column(record, "status")[n] for n in (1, 2, 3, 4)] == [*["on_hold"] * 3, "active"]
    assert verify(record, None).holds


def test_only_a_running_run_that_fell_silent_is_crashed(
    prefect_server: Settings, who: Installation
) -> None:
    """
    And of this installation's alone: another's is its own to judge. A suspended one waits for a person,
    however long it sent nothing.
    """
    with get_client(sync_client=True) as client:
        runs = [
            client.create_flow_run(settle, state=state, tags=[tag])
            for tag, state in (
                (who.tag, Running()),
                (who.tag, Running()),
                ("installation-0ther000", Running()),
                (who.tag, Suspended(timeout_seconds=7200)),
            )
        ]
        silent, young, others, suspended = (run.id for run in runs)
        emit_heartbeat_of(suspended)
        emit_heartbeat_of(silent)
        emit_heartbeat_of(others)
        now = datetime.now(UTC)

        def look() -> bool:
            return silent in crash_silent_runs(
                client, who.tag, now=now + SILENCE + timedelta(seconds=5)
            )

        wait_for("the silent one", look)
        # Without a heartbeat it may be one that has just begun
        assert (state_of(silent), state_of(young)) == ("Crashed", "Running")
        # One of which none ever came was killed as it began, or together with its server
        late = now + NONE_AT_ALL + timedelta(seconds=5)
        assert young in crash_silent_runs(client, who.tag, now=late)
        assert (state_of(young), state_of(others)) == ("Crashed", "Running")
        assert state_of(suspended) == "Suspended"
        client.set_flow_run_state(others, Crashed(), force=True)


def test_a_run_that_its_worker_took_and_never_began_is_crashed(
    prefect_server: Settings, who: Installation
) -> None:
    """Else it would be taken for under way for ever, and what was approved never started."""
    with get_client(sync_client=True) as client:
        taken = client.create_flow_run(settle, state=Pending(), tags=[who.tag]).id
        soon, late = (datetime.now(UTC) + NOT_BEGUN + timedelta(seconds=s) for s in (-60, 5))
        assert taken not in crash_silent_runs(client, who.tag, now=soon)
        assert state_of(taken) == "Pending"
        assert taken in crash_silent_runs(client, who.tag, now=late)
        assert state_of(taken) == "Crashed"


def test_of_a_run_that_never_began_it_is_said_for_how_long_and_then_another_is_started(
    office: tuple[Settings, Record], who: Installation
) -> None:
    """Whoever wants it to go on is not told that it is under way, while nothing happens."""
    tag, now = "operation-900001", datetime.now(UTC)
    with get_client(sync_client=True) as client:
        taken = client.create_flow_run(settle, state=Pending(), tags=[who.tag, tag]).id
    went = partial(go_on, "settle/settle", {}, tag=tag, flow_run_id=None)
    assert went() == "not begun"
    found = stalled(tag, None, now=now + timedelta(seconds=200))
    assert found is not None
    assert (found.code, found.says) == (
        "run-not-begun", "was taken by a worker 3 minutes ago and has not begun",
    )  # fmt: skip
    assert found.lost_at is not None
    assert went(now=found.lost_at + timedelta(seconds=1)) == "started"
    assert state_of(taken) == "Crashed"
    assert went() in ("not begun", "under way")  # asked for twice it is one
    assert len(runs_of(tag)) == 2


def test_what_another_resumed_in_the_same_moment_goes_on_once(
    office: tuple[Settings, Record], who: Installation
) -> None:
    """`settle` and a decision read the same waiting run: the later finds it under way, and does not fail."""
    tag = "operation-900005"
    waiting = Paused(timeout_seconds=7200, reschedule=False)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(settle, state=waiting, tags=[who.tag, tag]).id

        def after_settle(key: UUID) -> None:
            resume(key)
            resume(key)

        went = go_on("settle/settle", {}, tag=tag, flow_run_id=None, resume=after_settle)
        assert (went, state_of(run), len(runs_of(tag))) == ("under way", "Running", 1)
        assert not resumed(run)  # as whoever rejects what it waits for would find it
        client.set_flow_run_state(run, Crashed(), force=True)


def test_a_run_whose_wait_prefect_ended_is_not_taken_for_under_way(
    office: tuple[Settings, Record], who: Installation
) -> None:
    """Prefect fails a run that is resumed after its longest wait: what was approved is started anew."""
    tag = "operation-900006"
    over = Paused(pause_expiration_time=datetime.now(UTC) - timedelta(hours=1), reschedule=False)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(settle, state=over, tags=[who.tag, tag]).id
    assert go_on("settle/settle", {}, tag=tag, flow_run_id=None) == "started"
    assert (state_of(run), len(runs_of(tag))) == ("Failed", 2)


def test_who_decides_where_no_worker_is_there_is_told_so(
    prefect_server: Settings, who: Installation, tmp_path: Path
) -> None:
    """A run that a worker took before it died is not "about to begin", in its first minute neither."""
    shutil.copy(prefect_server.home / "record.db", tmp_path / "record.db")
    here, tag = prefect_server.model_copy(update={"home": tmp_path}), "operation-900003"
    with get_client(sync_client=True) as client:
        client.create_flow_run(settle, state=Pending(), tags=[who.tag, tag])
    with pytest.raises(Incomplete) as told:
        told_of_run(here, tag, None, then="cohort operations resume 7")
    assert (told.value.code, told.value.exit_code) == ("run-not-begun", 4)
    for says in ("decision stands", "no worker runs here", "server start", "operations resume 7"):
        assert says in told.value.says


def test_of_a_run_that_fell_silent_it_is_said_since_when(
    prefect_server: Settings, who: Installation
) -> None:
    tag = "operation-900002"
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(settle, state=Running(), tags=[who.tag, tag]).id
        now = datetime.now(UTC)
        assert stalled(tag, None, now=now + SILENCE) is None  # none came yet: it has just begun
        emit_heartbeat_of(run)
        found = wait_for("it", lambda: stalled(tag, None, now=now + timedelta(seconds=70)))
        assert (found.code, found.says.startswith("was last heard of ")) == ("run-silent", True)
        assert stalled(tag, None, now=now + timedelta(seconds=10)) is None
        # One that a person let go on has a heartbeat of before: it says nothing of this process
        begun = Running(timestamp=now + timedelta(hours=1))
        resumed = client.read_flow_run(run).model_copy(update={"state": begun})
        soon = begun.timestamp + timedelta(seconds=5)
        assert not crash_if_silent(client, resumed, now=soon)
        assert crash_if_silent(client, resumed, now=soon + NONE_AT_ALL)


def emit_heartbeat_of(flow_run_id: UUID) -> None:
    """What a run sends every half minute."""
    emit_event(
        "prefect.flow-run.heartbeat", {"prefect.resource.id": f"prefect.flow-run.{flow_run_id}"}
    )


def _wait_suspended(run: UUID, times: int, settings: Settings) -> None:
    def look() -> bool:
        with get_client(sync_client=True) as client:
            names = [state.name for state in client.read_flow_run_states(run)]
        assert not {"Failed", "Crashed"} & set(names), worker_log(settings).read_text()[-3000:]
        return names.count("Suspended") == times

    wait_for(f"suspension {times}", look)


def test_a_run_that_could_apply_nothing_has_failed_and_frees_its_patients(
    prefect_server: Settings, wired: Record, clock: FakeClock
) -> None:
    """ALC-37: nothing processed; show the error, put it right, ask again."""
    operation_id = asked(wired, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(wired, clock, operation_id)
    with wired.write() as connection:
        connection.exec_driver_sql("ALTER TABLE field_edit RENAME TO field_edit_away")
    with pytest.raises(CohortError, match="operation-not-done"):
        status_change(operation_id)
    assert set(column(wired, "version").values()) == {1}
    assert get_operation(wired, operation_id).state == "failed"
