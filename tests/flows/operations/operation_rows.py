"""
Operations as people and machines carry them out: commands typed, a Prefect server, and a worker's processes.

An `Installation` is a practice with a worker; a `Row` is one operation on patients of its own, selected,
asked for and decided as its case says. Everything typed and printed is kept with the row.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed

from clinic.change.export.export import folder_of
from clinic.change.exported import find_file
from clinic.change.operations import get_operation
from clinic.clock import SystemClock
from clinic.govern.audit.anchor import anchor_of
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.change import operation_chunk
from clinic.record.schema.people import facility, patient, provider
from clinic.settings import Settings
from tasks.processes import identity
from tasks.processes.environment import prefect_environment
from tasks.runs.going_on import operation_tag, runs_of
from tasks.runs.runs import start_deployment
from tests.cli.office import SECRET, Office, hire
from tests.clinic.change.practice import patients, places
from tests.servers.prefect_server import wait_for

EACH = 10  # patients of a row: a chunk each, enough to be killed between two
LONG = 240  # seconds for a run on a busy machine
KINDS: Mapping[str, tuple[str, ...]] = {
    "status": ("--to", "discharged"),
    "provider": ("--to", "P2"),
    "facility": ("--to", "F2"),
    "tag": ("--add", "a"),
    "attribute": ("--field", "insurance_plan", "--value", "New"),
    "export": (
        "--what",
        "patients",
        "--format",
        "csv",
        "--purpose",
        "care",
        "--recipient",
        "the ICB",
    ),
    "visit": ("--type", "wellness"),
}
WAYS = ("filter", "search", "file", "paste")


@dataclass(frozen=True)
class Case:
    """A row of the table: what is asked for, how its patients are selected, what becomes of it."""

    kind: str
    way: str
    ending: str
    early: bool = False  # decided while its run waits for a worker: one process for it, not two

    def __str__(self) -> str:
        return f"{self.kind}, by {self.way}: {self.ending}"


@dataclass
class Row:
    """One operation on its way to its end."""

    case: Case
    first: int  # of its patients
    operation: int = 0
    operations: list[int] = field(default_factory=list)  # that one, and the one it undoes
    campaign: int = 0  # of a notice
    hints: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The practice's own ids of its patients."""
        return [f"L{n}" for n in range(self.first, self.first + EACH)]


class Installation:
    """A practice: `cohort` is typed in this process, and a worker runs its flows in others."""

    def __init__(self, settings: Settings, rows: list[Row], folder: Path) -> None:
        with contextlib.closing(Record.open(settings.database_url)) as record:
            self.office = Office(settings.home, record)
        # Prefect was imported long before, and reads the same of `running_prefect`
        self.office.environment |= prefect_environment(settings) | {
            "COHORT_PREFECT_PORT": str(settings.prefect_port),
            "COHORT_OPERATIONS__CHUNK_SIZE": "1",
            "COHORT_OUTBOX": "true",  # of notices
            "COHORT_NOTICES__INTERNAL": '["team@practice.nhs.uk"]',
            "PREFECT_WORKER_QUERY_SECONDS": "1",  # a row waits for the worker two to four times
        }
        self.folder, self.settings = folder, settings
        self.record = self.office.open()
        hire(self.office)
        signed_in = self.office.run("sign-in", "mia", secret=SECRET)
        assert signed_in.exit_code == 0, signed_in.output
        places(self.record)
        for row in rows:
            told = {"registered_on": _day_of(row), "family_name": f"Row{row.first}x"}
            patients(self.record, EACH, first=row.first, **told)
        with self.record.write() as connection:
            connection.execute(
                sa.update(provider).values(capacity=None, email="dr@practice.nhs.uk")
            )
            connection.execute(sa.update(facility).values(email="desk@practice.nhs.uk"))

    def type(
        self,
        row: Row,
        *words: str,
        codes: tuple[int, ...] = (0,),
        me: str | None = None,
        **given: Any,
    ) -> str:
        """Type a command; what it prints under "Next:" is kept with the row."""
        result = self.office.run(*words, me=me, **given)
        row.told.append(f"$ cohort {shlex.join(words)}\n{result.output}")
        assert result.exit_code in codes, "\n".join(row.told)
        _, _, after = result.output.rpartition("Next:")
        row.hints = re.findall(r"^ +(cohort .+)$", after, re.MULTILINE)
        return result.output

    def type_until_done(self, row: Row, *words: str, me: str) -> str:
        """Again where it says so: a server that is busy with many runs answers that it cannot now."""
        for _ in range(5):
            said = self.type(row, *words, codes=(0, 4), me=me)
            if "is busy with other runs" not in " ".join(said.split()):
                break
            time.sleep(5)
        return said

    def select(self, row: Row, *, only: int = EACH) -> int:
        """Select the row's patients, the first of them alone if so told; the selection's number."""
        ids, pasted = row.ids[:only], None
        way = row.case.way if only == EACH else "paste"
        if way == "filter":
            words = ["--from", _day_of(row).isoformat(), "--to", _day_of(row).isoformat()]
        elif way == "search":
            words = ["--search", f"Row{row.first}x", "--pick", "all"]
        elif way == "file":
            path = self.folder / f"ids-{row.first}.csv"
            path.write_text("\n".join(["Patient ID", *ids]), encoding="utf-8")
            words = [str(path)]
        else:
            words, pasted = ["--ids-from", "-"], "\n".join(ids)
        said = self.type(row, "operations", "select", *words, me="ann", typed=pasted)
        return number_in(said, r"cohort operations status (\d+) ")

    def ask(self, row: Row, kind: str, *words: str, me: str = "ann", **given: Any) -> None:
        """Ask for an operation, and let a worker run it; the row is about this one from here on."""
        reason = () if kind == "rerun" else ("--reason", "the table")
        said = self.type(
            row, "operations", kind, *words, *reason, "--yes", me=me, codes=(0, 4), **given
        )
        row.operation = number_in(said, r"(?i)operation (\d+)")
        row.operations.append(row.operation)
        if "run-not-started" in said:  # the server was busy: what is printed then is typed
            self.type_until_done(row, "operations", "resume", str(row.operation), me=me)

    def shown(self, row: Row) -> dict[str, Any]:
        """What `operations show` says of it to a script."""
        found: dict[str, Any] = self.office.rows("operations", "show", str(row.operation))
        return found

    def state(self, row: Row) -> str:
        """The state of the row's operation, in the record."""
        return get_operation(self.record, row.operation).state

    def approval(self, row: Row) -> str:
        """The number of the request for its approval."""
        return str(get_operation(self.record, row.operation).approval_id)

    def is_waiting(self, row: Row) -> bool:
        """Whether the list of what waits for approval has it."""
        return row.operation in {each["subject_id"] for each in self.office.rows("approvals")}

    def run(self, row: Row) -> FlowRun | None:
        """The newest of its runs, as Prefect knows it."""
        tag = f"campaign-{row.campaign}" if row.campaign else operation_tag(row.operation)
        return next(iter(runs_of(tag)), None)

    def require_that_nothing_runs(self, row: Row) -> None:
        """No run of the row's operations is Running, Pending or Suspended in Prefect for ever."""
        tags = [operation_tag(number) for number in row.operations]
        runs = [run for tag in tags for run in runs_of(tag)]
        left = [f"{run.name}: {run.state_name}" for run in runs if not _is_over(run)]
        assert not left, "\n".join([*left, *row.told])
        if row.case.ending == "killed":
            assert [run.state_name for run in runs] == ["Completed", "Crashed"], row.case

    def wait_for_run(self, row: Row, *states: str) -> FlowRun:
        """Until its newest run is in one of these states of Prefect's."""

        def look() -> FlowRun | None:
            found = self.run(row)
            return found if found is not None and found.state_name in states else None

        try:
            # A look costs the server as much as a step of a run: not ten a second
            return wait_for(f"run that is {' or '.join(states)}", look, seconds=LONG, every=1)
        except AssertionError as late:
            found = self.run(row)
            raise AssertionError(
                f"{late}: {found and found.state}\n" + "\n".join(row.told)
            ) from None

    def start(self, name: str) -> None:
        """As the clock does every few minutes."""
        start_deployment(name, {})

    def lose_run(self, row: Row) -> None:
        """Prefect takes its run for crashed, as it does with one whose heartbeats it missed."""
        found = self.run(row)
        assert found is not None
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(found.id, Crashed(message="no heartbeat"), force=True)

    @contextlib.contextmanager
    def no_run_begins(self) -> Iterator[None]:
        """Meanwhile the worker gets nothing to do; inside another such block, to its end."""
        pool = identity.of(self.record, self.settings).pool
        with get_client(sync_client=True) as client:
            before = client.read_work_pool(pool).is_paused
            client.update_work_pool(pool, WorkPoolUpdate(is_paused=True))
            yield
            client.update_work_pool(pool, WorkPoolUpdate(is_paused=before))

    def kill_in_the_middle(self, row: Row) -> None:
        """SIGKILL the process that applies it, between its first chunk and its last."""
        until = time.monotonic() + LONG
        while not self._has_applied(row):
            assert time.monotonic() < until, "\n".join(row.told)
            time.sleep(0.005)
        with self.record.write():  # meanwhile nobody else writes: it comes to no end
            assert self.state(row) == "running", "it was through before it was killed"
            found = self.run(row)
            assert found is not None
            os.kill(int(str(found.infrastructure_pid).rpartition(":")[2]), signal.SIGKILL)
        self.wait_for_run(row, "Crashed")
        assert self.state(row) == "running"

    def _has_applied(self, row: Row) -> bool:
        applied = sa.select(sa.func.count()).where(
            operation_chunk.c.operation_id == row.operation,
            operation_chunk.c.applied_at.is_not(None),
        )
        with self.record.read() as connection:
            return bool(connection.scalar(applied))

    def file_is_as_told(self, row: Row) -> bool:
        """Whether an export's file is in the home, with the rows and the hash that are on the record."""
        told = find_file(self.record, row.operation)
        if told is None or told.rows != EACH:
            return False
        data = (folder_of(self.settings) / told.name).read_bytes()
        return told.sha256 == hashlib.sha256(data).hexdigest()

    def value(self, row: Row, field_name: str) -> list[Any]:
        """A field of the row's patients, by their numbers."""
        column = patient.c[field_name]
        within = patient.c.id.between(row.first, row.first + EACH - 1)
        with self.record.read() as connection:
            return list(connection.scalars(sa.select(column).where(within).order_by(patient.c.id)))


def _is_over(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


@contextlib.contextmanager
def record_of_its_own(settings: Settings, template: Path) -> Iterator[None]:
    """
    An empty record in the place of this home's, with the same name, so that its deployments serve.

    Those who share the server left patients and operations in theirs, and find them again.
    """
    who, path = identity.read(settings), settings.home / "record.db"
    aside = path.rename(path.with_name("record-aside.db"))
    anchor_of(settings).unlink(missing_ok=True)
    shutil.copy(template, path)
    with contextlib.closing(Record.open(settings.database_url)) as record:
        install(record, SystemClock(), who.install_id)
    try:
        yield
    finally:
        for left in settings.home.glob("record.db*"):
            left.unlink()
        anchor_of(settings).unlink(missing_ok=True)
        aside.rename(path)


@contextlib.contextmanager
def nothing_by_the_clock() -> Iterator[None]:
    """Meanwhile no run starts by its schedule, each of which is a process."""
    with get_client(sync_client=True) as client:
        ids = [each.id for each in client.read_deployments()]
        for one in ids:
            client.pause_deployment(one)
        yield
        for one in ids:
            client.resume_deployment(one)


def number_in(text: str, pattern: str) -> int:
    """The number that a command printed."""
    found = re.search(pattern, text)
    assert found is not None, text
    return int(found[1])


def words_of(row: Row) -> tuple[str, ...]:
    """What is typed to ask for it; visits have a fortnight of their own: none takes another's time."""
    if row.case.kind != "visit":
        return KINDS[row.case.kind]
    monday = date(2099, 3, 9) + timedelta(weeks=2 * (row.first // EACH))
    friday = monday + timedelta(days=11)
    return *KINDS["visit"], "--from", monday.isoformat(), "--to", friday.isoformat()


def _day_of(row: Row) -> date:
    """The day on which the row's patients, and nobody else, registered."""
    return date(2020, 1, 1) + timedelta(days=row.first)
