"""2.6: the record goes away, or its disk is full, under an operation: it goes on, or is gone on with."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Crashed, Failed

from clinic.change.operations import get_operation
from clinic.change.review.next_steps import next_steps
from clinic.errors import Incomplete, RecordUnsafe
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.settings import Settings
from flows.status_change import status_change
from tasks import wiring
from tasks.runs.going_on import operation_tag
from tasks.settle_operations import find_lost_operations
from tests.clinic.change.practice import SETTINGS, approved, asked, column, practice
from tests.fakes import FakeClock
from tests.servers.postgres import Server, running_server

pytestmark = pytest.mark.prefect

AWAY = (
    "Flow run encountered an exception: RecordUnsafe: record-away: the record database does not …"
)
FULL = (
    "Flow run encountered an exception: RecordUnsafe: disk-full: no room is left on the disk of …"
)
LEFT = (
    "Flow run encountered an exception: Incomplete: operation-incomplete: operation 1 is running …"
)
OURS = "Flow run encountered an exception: Unforeseen: unforeseen: KeyError at plan.py:40"


@contextlib.contextmanager
def working_on(record: Any, clock: FakeClock, folder: Path) -> Iterator[None]:
    """This process's tasks work on this record."""
    parts = wiring.Wiring(
        settings=SETTINGS.model_copy(update={"home": folder}),
        record=record,
        clock=clock,
        worker=Worker(folder / "workers"),
    )
    wiring.use(parts)
    yield
    wiring.use(None)
    parts.worker.close()


class Stopping:
    """A record whose server is stopped once so many writes are done, and started again a moment later."""

    def __init__(self, record: Record, server: Server, *after: int) -> None:
        self._record, self._server, self.after = record, server, set(after)
        self._done = 0
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self._lock:
            if self._done in self.after:
                self.after.remove(self._done)
                self._server.control("stop")
                threading.Timer(0.2, self._server.control, ["start"]).start()
            with self._record.write() as connection:
                yield connection
            self._done += 1


def test_an_operation_goes_on_where_postgresql_is_stopped_and_started_under_it(
    prefect_server: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    """While it is planned, begun, applied and counted; nobody is changed twice."""
    with running_server() as server:
        record = Record.open(server.url)
        migrate(record)
        practice(record)
        operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
        approved(record, clock, operation_id)
        # Eleven writes plan, ask, begin, change three chunks, and count
        stopping = Stopping(record, server, 0, 2, 4, 6, 8)
        with working_on(stopping, clock, tmp_path):
            summary = status_change(operation_id)
        assert stopping.after == set()
        assert (summary.state, summary.applied) == ("done", 6)
        assert [column(record, "version")[n] for n in range(1, 7)] == [2] * 6
        record.close()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Filling:
    """A record whose disk is filled before one of its writes."""

    def __init__(self, record: Record, stuffing: Path, before: int) -> None:
        self._record, self._stuffing, self._before = record, stuffing, before
        self._numbers = itertools.count(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    def write(self) -> Any:
        if next(self._numbers) == self._before:
            with self._stuffing.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
        return self._record.write()


@pytest.mark.parametrize("before", [5, 8])  # it begins; its second chunk
def test_an_operation_whose_disk_is_full_says_so_and_is_gone_on_with_as_shown(
    prefect_server: Settings, clock: FakeClock, tmp_path: Path, before: int
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        record = Record.open(f"sqlite:///{disk / 'record.db'}")
        migrate(record)
        practice(record)
        operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
        approved(record, clock, operation_id)
        filling = Filling(record, disk / "stuffing", before)
        with (
            working_on(filling, clock, tmp_path),
            pytest.raises((RecordUnsafe, Incomplete)) as stopped,
        ):
            status_change(operation_id)
        # Small writes may still find room: then one chunk fails, and the count says what is left
        assert stopped.value.code in ("disk-full", "operation-incomplete")
        if stopped.value.code == "disk-full":
            assert str(disk / "record.db") in stopped.value.says

        os.remove(disk / "stuffing")
        found = get_operation(record, operation_id)
        assert f"cohort operations resume {operation_id}" in next_steps(record, found)
        with working_on(record, clock, tmp_path):
            summary = status_change(operation_id)
        assert (summary.state, summary.applied) == ("done", 6)
        assert [column(record, "version")[n] for n in range(1, 7)] == [2] * 6
        record.close()


@pytest.mark.parametrize(
    ("ended", "goes_on"),
    [
        ([Crashed()], True),
        ([Crashed()] * 5, False),
        ([Failed(message=AWAY)], True),
        ([Failed(message=FULL)] * 4, True),
        ([Failed(message=FULL)] * 5, False),
        ([Failed(message=LEFT)], True),
        ([Failed(message=LEFT), Crashed()] * 3, False),
        ([Failed(message=OURS)], False),
        ([Failed(message=AWAY), Failed(message=OURS)], False),
        ([Failed(message=AWAY), Completed()], False),
        ([], False),  # asked for, and never begun: whoever asked said so
    ],
    ids=lambda value: "-".join(state.name for state in value) if isinstance(value, list) else "",
)
def test_what_an_outage_left_behind_is_begun_again_and_what_a_person_must_see_is_not(
    prefect_server: Settings,
    sqlite_record: Record,
    clock: FakeClock,
    tmp_path: Path,
    ended: list[State[Any]],
    goes_on: bool,
) -> None:
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, range(1, 7))
    with working_on(sqlite_record, clock, tmp_path), get_client(sync_client=True) as client:
        tags = [wiring.installation().tag, operation_tag(operation_id)]
        for state in ended:
            parameters = {"operation_id": operation_id}
            client.create_flow_run(status_change, parameters=parameters, state=state, tags=tags)
        assert find_lost_operations() == ([operation_id] if goes_on else [])
