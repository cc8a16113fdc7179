"""
The table of record operations over real processes: kinds × ways of selecting × endings.

Commands are typed; a Prefect server, a worker and a process a run do the rest, some rows at the same time.
The suite has every kind, way and ending at least once, and a notice, most of them decided while the run still
waits for a worker, which is a process less; `make operations-table` has every kind to every ending, each
suspended for its approval, and every audience of a notice.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from clinic.settings import Settings
from tasks.processes.workers import stop_worker
from tests.clinic.change.practice import update
from tests.flows.operations import notice_rows
from tests.flows.operations.operation_rows import (
    EACH,
    KINDS,
    WAYS,
    Case,
    Installation,
    Row,
    nothing_by_the_clock,
    record_of_its_own,
    words_of,
)

WHOLE = bool(os.environ.get("WHOLE_TABLE"))
pytestmark = pytest.mark.prefect
TOGETHER = 4  # rows; Prefect's server answers 503 to many processes that start at once

# Ending → the operation's state at the end, and that of its newest run in Prefect
ENDINGS = {
    "approve": ("done", "Completed"),
    "reject": ("rejected", "Rejected"),
    "withdraw": ("withdrawn", "Withdrawn"),
    "expire": ("expired", "Expired"),
    "lost before": ("done", "Completed"),
    "lost after": ("done", "Completed"),
    "killed": ("done", "Completed"),
    "conflict": ("done_with_conflicts", "Completed"),
    "undo whole": ("done", "Completed"),
    "undo part": ("done", "Completed"),
}
# Two that say it twice are no conflict, an export takes nothing from anybody and cannot be undone
NONE = {
    (kind, ending)
    for kind, endings in {
        "tag": ["conflict"],
        "export": ["conflict", "undo whole", "undo part"],
        "visit": ["conflict"],
    }.items()
    for ending in endings
}
ALL = [
    Case(kind, WAYS[(row + place) % len(WAYS)], ending)
    for row, kind in enumerate(KINDS)
    for place, ending in enumerate(ENDINGS)
    if (kind, ending) not in NONE
]
# What is undone was approved and done before: an ending more
OF_SUITE = [
    Case("status", "filter", "undo whole"),
    Case("export", "search", "lost before"),
    Case("provider", "search", "killed", early=True),
    Case("tag", "file", "undo part", early=True),
    Case("attribute", "paste", "conflict", early=True),
    Case("visit", "file", "lost after", early=True),
    Case("facility", "paste", "reject", early=True),
    Case("status", "search", "expire", early=True),
    Case("attribute", "filter", "withdraw", early=True),
]
CASES = ALL if WHOLE else OF_SUITE
NOTICES = notice_rows.ALL if WHOLE else notice_rows.OF_SUITE
Step = Callable[[Installation, Row], None]


@pytest.fixture(scope="module")
def ended(
    prefect_server: Settings, deployed_anew: bool, migrated_sqlite: Path
) -> Iterator[tuple[Installation, dict[Case, Row]]]:
    """Every row brought to its end, some of them together step by step."""
    home = prefect_server.home
    rows = [Row(case, 1 + place * EACH) for place, case in enumerate(CASES)]
    with (
        record_of_its_own(prefect_server, migrated_sqlite),
        nothing_by_the_clock(),
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("COHORT_HOME", str(home))  # whose runs the rows look for
        office = Installation(prefect_server, rows, home)
        try:
            _bring_to_an_end(office, rows, (_ask, _wait, _decide), (_after_it, _undo, _end))
            done = next(row.operation for row in rows if office.state(row) == "done")
            notices = [Row(case, 0, operation=done) for case in NOTICES]
            steps = (notice_rows.ask, notice_rows.wait, notice_rows.decide)
            _bring_to_an_end(office, notices, steps, (notice_rows.end,))
            yield office, {row.case: row for row in [*rows, *notices]}
        finally:
            stop_worker(prefect_server)
            office.record.close()


def _bring_to_an_end(
    office: Installation, rows: Sequence[Row], asking: Sequence[Step], ending: Sequence[Step]
) -> None:
    early = [row for row in rows if row.case.early]
    early.sort(
        key=lambda row: row.case.ending != "killed"
    )  # looked at first, while it is under way
    late = [row for row in rows if not row.case.early]
    for first in range(0, len(late), TOGETHER):
        for step in (*asking, *ending):
            for row in late[first : first + TOGETHER]:
                step(office, row)
    with office.no_run_begins():
        for row in early:
            for step in asking:
                step(office, row)
    for step in ending:
        for row in early:
            step(office, row)


def _ask(office: Installation, row: Row) -> None:
    selection = office.select(row)
    office.ask(row, row.case.kind, str(selection), *words_of(row), **_patience(row))


def _wait(office: Installation, row: Row) -> None:
    if not row.case.early:
        office.wait_for_run(row, "Suspended", "Expired")


def _patience(row: Row) -> dict[str, dict[str, str]]:
    """A request that is to expire stays open for seconds, until its run is suspended."""
    if row.case.ending != "expire":
        return {}
    seconds = 2 if row.case.early else 10
    return {"environment": {"COHORT_OPERATIONS__APPROVAL_HOURS": str(seconds / 3600)}}


def _decide(office: Installation, row: Row) -> None:
    match row.case.ending:
        case "reject":
            office.type(row, "reject", office.approval(row), "--note", "not now", me="mia")
        case "withdraw":
            office.type(row, "operations", "withdraw", str(row.operation), me="ann")
        case "expire":
            while office.is_waiting(row):
                time.sleep(1)
                office.type(row, "approvals", "stale")
        case ending:
            if ending == "lost before":
                office.lose_run(row)
            if ending == "conflict":
                update(office.record, row.first, insurance_plan="Theirs", status="on_hold",
                       provider_id=4, facility_id=3)  # fmt: skip
            if ending == "lost after":
                with office.no_run_begins():
                    _look_and_approve(office, row)
                    office.lose_run(row)
                return
            _look_and_approve(office, row)
            if ending == "killed" and not row.case.early:
                office.kill_in_the_middle(row)


def _look_and_approve(office: Installation, row: Row) -> None:
    """Mia looks where she is sent to, and approves by the command that is printed there."""
    office.type(row, "operations", "show", str(row.operation))
    assert f"cohort approvals show {office.approval(row)}" in row.hints
    office.type(row, "approvals", "show", office.approval(row))
    approve = next(hint for hint in row.hints if hint.startswith("cohort approve"))
    words, override = [*approve.split()[1:3], "--note", "seen"], []
    if row.case.ending == "conflict":  # one of them was edited: she is told, and answers for it
        said = office.type(row, *words, me="mia", codes=(3,))
        assert f"1 of {EACH} patients were changed since" in said
        override = ["--override", "the others are right"]
    # Exit code 4: its run waits for a worker for a minute, or Prefect's server is busy with others
    said = office.type(row, *words, *override, me="mia", codes=(0, 4))
    if "run-not-resumed" in said:  # Prefect's server was busy: what is printed then is typed
        office.type_until_done(row, "operations", "resume", str(row.operation), me="ann")


def _after_it(office: Installation, row: Row) -> None:
    if row.case.ending == "killed" and row.case.early:
        office.kill_in_the_middle(row)
    if row.case.ending in ("killed", "lost after"):
        office.type(row, "operations", "show", str(row.operation))
        on = f"cohort operations resume {row.operation}"
        assert on in row.hints
        office.type_until_done(row, *on.split()[1:], me="ann")
    if row.case.ending in ("withdraw", "expire") and not row.case.early:
        office.start("settle/settle")  # which ends runs that wait for nothing any more
    if row.case.ending not in ("reject", "withdraw", "expire"):
        office.wait_for_run(row, "Completed")


def _undo(office: Installation, row: Row) -> None:
    if row.case.ending.startswith("undo"):
        _agree(office, Case(row.case.kind, row.case.way, "approve"), row)
        office.type(row, "operations", "show", str(row.operation))
        assert any(hint.startswith(f"cohort operations undo {row.operation}") for hint in row.hints)
        part = []
        if row.case.ending == "undo part":
            part = ["--selection", str(office.select(row, only=2))]
        with contextlib.nullcontext() if WHOLE else office.no_run_begins():
            office.ask(row, "undo", str(row.operation), *part)
            if WHOLE:
                office.wait_for_run(row, "Suspended")
            _look_and_approve(office, row)


def _end(office: Installation, row: Row) -> None:
    office.wait_for_run(row, ENDINGS[row.case.ending][1])
    _follow(office, row)


def _follow(office: Installation, row: Row) -> None:
    """What is printed at the end can be typed as it stands, with a reason where one is to be written."""
    office.type(row, "operations", "show", str(row.operation))
    for hint in row.hints:
        words = shlex.split(hint.replace("…", "the table"))[1:]
        assert words[:2] in (["operations", "rerun"], ["operations", "undo"]), hint
        office.type(row, *words, "--yes", "--no-run", me="ann")
        withdraw = next(each for each in row.hints if "withdraw" in each)
        office.type(row, *withdraw.split()[1:], me="ann")


def test_record_lists_trail_and_prefect_agree_on_how_each_row_ended(
    ended: tuple[Installation, dict[Case, Row]],
) -> None:
    """ALC-9 to ALC-13, ALC-33, ALC-37, ALC-40, NEW-2, NEW-10: whatever became of it on the way."""
    # One test, so that several runners do not each bring all rows to their ends
    office, rows = ended
    for case, row in rows.items():
        if case.kind == "notice":
            notice_rows.agree(office, row)
        else:
            _agree(office, case, row)
    verified = office.office.run("audit", "verify")
    assert verified.exit_code == 0, verified.output


def test_the_rows_of_the_suite_have_every_ending_kind_and_way() -> None:
    assert {"approve", *(case.ending for case in OF_SUITE)} == set(ENDINGS)
    assert {case.kind for case in OF_SUITE} == set(KINDS)
    assert {case.way for case in OF_SUITE} == set(WAYS)
    assert not {(case.kind, case.ending) for case in OF_SUITE} & NONE
    assert {case.way for case in notice_rows.ALL} == set(notice_rows.AUDIENCES)


def _agree(office: Installation, case: Case, row: Row) -> None:
    state, of_run = ENDINGS[case.ending]
    assert office.state(row) == state, "\n".join(row.told)
    shown = office.shown(row)
    assert shown["operation"]["state"] == state
    listed = {each["id"]: each["state"] for each in office.office.rows("operations", "list")}
    assert listed[row.operation] == state
    run = office.run(row)
    assert run is not None
    assert run.state_name == of_run
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run.id).state_name == of_run
    office.require_that_nothing_runs(row)
    assert not office.is_waiting(row)
    if case.kind == "export" and state == "done":
        assert office.file_is_as_told(row)
