"""
The table of record operations: kinds of change, ways of selecting, endings; asked and decided by typing.

Rows are five kinds × endings, but a tag's conflict, which there is not. The way of selecting goes round
(kind + ending, of four): every kind meets every way, and so does every ending but a conflict, which lacks
the filter. Exports and visits have tests of their own. No Prefect server answers here: each approval is one
whose run is lost (exit 4), and the steps of a run are taken by this process, or by one that is killed after
its first chunk.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinic.change.operations import get_operation
from clinic.change.review.approve import answer, ask
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.clock import SystemClock
from clinic.govern.approvals.approvals import expire, latest
from clinic.govern.audit.key import unlock
from clinic.record.database import Record
from tests.cli.office import Office, hire
from tests.clinic.change.practice import SETTINGS, applied, column, patients, places, update
from tests.fakes import FakeClock

KINDS = {
    "status": ["--to", "on_hold"],
    "provider": ["--to", "P2"],
    "facility": ["--to", "F2"],
    "tag": ["--add", "a"],
    "attribute": ["--field", "insurance_plan", "--value", "New"],
}
WAYS = ("filter", "search", "file", "paste")
# The ending, and the state of the operation and of its approval (None: it has none any more)
ENDINGS = {
    "approve": ("done", "used"),
    "reject": ("rejected", "rejected"),
    "withdraw": ("withdrawn", "void"),
    "expire": ("expired", "expired"),
    "killed": ("done", "used"),
    "conflict": ("done_with_conflicts", "used"),
    "undo whole": ("done", "used"),
    "undo part": ("done", "used"),
}
# A tag that somebody gave meanwhile is given: no conflict. One kill is enough for every day: each takes a
# process of its own, and the others are `make operations-table`
TABLE = [
    pytest.param(
        kind,
        WAYS[(row + place) % len(WAYS)],
        ending,
        marks=[pytest.mark.slow] if ending == "killed" and kind != "status" else [],
    )
    for row, kind in enumerate(KINDS)
    for place, ending in enumerate(ENDINGS)
    if (kind, ending) != ("tag", "conflict")
]
CLOCK = SystemClock()


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    """Ann asks, Mia approves; four patients, in two chunks."""
    (tmp_path / "home").mkdir()
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    places(sqlite_record)
    patients(sqlite_record, 4)
    return office


def select(office: Office, way: str, folder: Path) -> None:
    """All four patients, selected this way."""
    ids = folder / "ids.csv"
    ids.write_text("Patient ID\nL1\nL2\nL3\nL4\n", encoding="utf-8")
    words, pasted = {
        "filter": (["--facility", "F1"], None),
        "search": (["--search", "family", "--pick", "all"], None),
        "file": ([str(ids)], None),
        "paste": (["--ids-from", "-"], "L1 L2\nL3,L4"),
    }[way]
    result = office.run("operations", "select", *words, typed=pasted, me="mia")
    assert result.exit_code == 0, result.output


def requested(office: Office, record: Record, *words: str) -> tuple[int, int]:
    """Ann asks by typing, and it waits: the operation's number and its approval's."""
    reason = ["--reason", "the table", "--yes", "--no-run"]
    result = office.run("operations", *words, *reason, me="ann")
    assert result.exit_code == 0, result.output
    number = office.rows("operations", "list")[0]["id"]
    ask(record, CLOCK, SETTINGS, number, flow_run_id=None)
    return number, get_operation(record, number).approval_id or 0


def approve(office: Office, approval: int, operation: int) -> None:
    """Mia approves; what is printed names what leads on, since its run does not."""
    result = office.run("approve", str(approval), me="mia")
    assert result.exit_code == 4, result.output
    assert f"cohort operations resume {operation}" in " ".join(result.output.split())


def first_chunk_and_die(url: str, home: Path, operation: int) -> None:
    """Begin, apply one chunk, and be killed."""
    record = unlock(Record.open(url), home)
    begin(record, CLOCK, operation)
    apply_chunk(record, CLOCK, operation, chunks_left(record, operation)[0])
    os.kill(os.getpid(), signal.SIGKILL)


def end(office: Office, record: Record, operation: int, approval: int, ending: str) -> None:
    """Bring what waits to this end."""
    if ending == "reject":
        result = office.run("reject", str(approval), "--note", "not now", me="mia")
        assert result.exit_code in (0, 4), result.output
    elif ending == "withdraw":
        result = office.run("operations", "withdraw", str(operation), me="ann")
        assert result.exit_code == 0, result.output
    elif ending == "expire":
        later = FakeClock(datetime.now(UTC) + timedelta(hours=73))
        expire(record, later)
        answer(record, later, operation)
    else:
        approve(office, approval, operation)
        if ending == "killed":
            spawn = multiprocessing.get_context("spawn")
            process = spawn.Process(
                target=first_chunk_and_die, args=(office.url, office.home, operation)
            )
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            assert get_operation(record, operation).state == "running"
        if ending == "conflict":
            theirs = {"provider_id": 4, "facility_id": 3, "insurance_plan": "Theirs"}
            update(record, 1, status="discharged", **theirs)
        applied(record, CLOCK, operation)


@pytest.mark.parametrize(("kind", "way", "ending"), TABLE)
def test_every_kind_selected_every_way_comes_to_every_end(
    office: Office, tmp_path: Path, kind: str, way: str, ending: str
) -> None:
    """ALC-9 to ALC-13, ALC-33, ALC-37, ALC-40, NEW-2: operation, approval and trail agree."""
    record = office.open()
    select(office, way, tmp_path)
    operation, approval = requested(office, record, kind, "1", *KINDS[kind])
    end(office, record, operation, approval, ending)
    if ending.startswith("undo"):
        part = []
        if ending == "undo part":
            office.run("operations", "select", "--ids-from", "-", typed="L1 L2", me="mia")
            part = ["--selection", "2"]
        before = operation
        operation, approval = requested(office, record, "undo", str(before), *part)
        end(office, record, operation, approval, "approve")
    agreed(office, record, operation, ending)
    changed = {"approve": 4, "killed": 4, "conflict": 3, "undo whole": 4, "undo part": 2}
    assert get_operation(record, operation).will_change == (2 if ending == "undo part" else 4)
    shown = office.rows("operations", "show", str(operation))["summary"]
    assert shown["applied"] == changed.get(ending, 0)
    if ending not in changed:
        assert set(column(record, "version").values()) == {1}
    record.close()


def agreed(office: Office, record: Record, operation: int, ending: str) -> None:
    """What the record, the lists and the trail say of it."""
    state, of_approval = ENDINGS[ending]
    assert get_operation(record, operation).state == state
    assert office.rows("operations", "list")[0]["state"] == state
    assert office.rows("approvals") == []
    with record.read() as connection:
        found = latest(connection, subject="operation", subject_id=operation)
    assert found is not None
    assert found.state == of_approval
    verified = office.run("audit", "verify")
    assert verified.exit_code == 0, verified.output
