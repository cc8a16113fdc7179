"""
What people name and write may be of a patient: files, sheets, headings, lists, reasons, notes.

None of it may be in what Prefect keeps. It stands on the record, and where a person asks for it. The search
is that of test_no_patient_data.py, which shows that it finds what is there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from clinic.change.review.deciding import decide
from clinic.clock import SystemClock
from clinic.govern.approval_rows import latest
from clinic.govern.people.operators import Operator
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.override import override_of
from clinic.message.safety.accepted import acceptances_of
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.lists import cohort_list
from clinic.record.systems.sync_runs import last_runs, sources_behind
from clinic.settings import Settings
from flows.sync import sync
from tasks.show.today import today_page
from tasks.sync import SyncRequest
from tasks.wiring import use
from tests.fakes import FakeClock
from tests.flows.installation import Shown, parts_of, run_flow, shown
from tests.main_job import Practice, nhs
from tests.servers.prefect_server import find_in_prefect

pytestmark = pytest.mark.prefect


@pytest.fixture
def word() -> str:
    """A name that stands nowhere else."""
    return "smith" + "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:12])


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(3)
    return practice


def _csv(folder: Path, word: str) -> None:
    (folder / f"{word} john.csv").write_text(f"NHS Number,{word}\n{nhs(1)},x\n")


def _workbook(folder: Path, word: str) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = word
    sheet.append([f"{word} heading", "Given"])
    book.save(folder / f"{word}.xlsx")


def _cut_csv(folder: Path, word: str) -> None:
    (folder / f"{word}.csv").write_bytes(b'NHS Number,"' + word.encode() + b"\n\xff\x00")


def _imported(practice: Practice) -> Shown:
    parts = parts_of(practice)
    use(parts)
    try:
        return shown(sync(SyncRequest(), return_state=True))
    finally:
        use(None)
        parts.worker.close()


@pytest.mark.parametrize(
    ("made", "ends"), [(_csv, "Completed"), (_workbook, "Failed"), (_cut_csv, "Failed")]
)
def test_no_name_of_a_file_a_sheet_or_a_heading_of_a_source(
    practice: Practice,
    tmp_path: Path,
    prefect_server: Settings,
    word: str,
    made: Callable[[Path, str], None],
    ends: str,
) -> None:
    """NEW-14: in no state, log, artifact or name of a task; `cohort sources status` has the sentence whole."""
    folder = tmp_path / "in"
    folder.mkdir()
    made(folder, word)
    (path,) = folder.iterdir()
    written = SystemClock().now().timestamp() - 3600
    os.utime(path, (written, written))
    practice.clock = SystemClock()
    sources = {"emis": {"type": "files", "folder": str(folder), "patterns": {"patients": "*.*"}}}
    settings = Settings.model_validate({"sources": sources})
    practice.settings = practice.settings.model_copy(update={"sources": settings.sources})
    run = _imported(practice)
    assert run.state == ends, run.says
    assert ("what to do: cohort sources status" in run.says) is (ends == "Failed")
    with practice.record.read() as connection:
        (last,) = last_runs(connection)
        behind = sources_behind(connection, practice.settings, practice.clock.now())
    assert word in last.says + last.origin
    page = today_page(practice.record, practice.settings, practice.clock.now())
    assert (word in page, word in str(behind)) == (False, False)
    assert find_in_prefect(prefect_server.home, [word]) == []


def test_no_name_of_a_list_and_no_reason_with_which_it_was_let_pass(
    practice: Practice, prefect_server: Settings, word: str
) -> None:
    """NEW-14: neither as a parameter nor in a remark on a column; the record has both."""
    rows = [f"{nhs(n)},,0770090012{n}" for n in (1, 2, 3)]
    path = practice.file(*rows, heading=f"NHS Number,Given,{word}", name=f"{word}.csv")
    request = practice.request(
        path, list_name=f"{word} results", override_gate=f"{word} said so",
        accept={"name_differs": f"{word} has two names"}, requested_by="nia",
    )  # fmt: skip
    alone = run_flow(practice, request)  # nobody proves in a run who they are (decision 0045)
    assert (alone.state, "override-unproven" in alone.says) == ("Failed", True)
    own = {"gateway": practice.gateway.name, "batch_limit": practice.gateway.batch_limit}
    given_here = (practice.record, practice.clock, practice.settings, request)
    begin_campaign(*given_here, request_key="the-request", **own)
    run = run_flow(practice, request)
    assert run.state == "Completed", run.says
    with practice.record.read() as connection:
        given = override_of(connection, 1)
        assert given is not None
        assert given.reason == f"{word} said so"
        assert [one.reason for one in acceptances_of(connection, 1)] == [f"{word} has two names"]
        remarks = connection.scalars(sa.select(cohort_list.c.remarks)).one()
    assert word in str(remarks)  # what looks like a telephone's column, by its heading
    assert any("rows" in str(table) for key, table in run.artifacts.items() if "checks" in key)
    assert find_in_prefect(prefect_server.home, [word]) == []


def test_no_note_of_who_rejected_and_no_lists_name_on_the_page_of_what_waits(
    practice: Practice, prefect_server: Settings, word: str
) -> None:
    """NEW-1: who decides reads the rest where the command shows it."""
    release = practice.settings.release.model_copy(update={"approval_above": 1})
    practice.settings = practice.settings.model_copy(update={"release": release})
    with practice.record.write() as connection:
        for name, role in (("nia", "operator"), ("mia", "manager")):
            who = {"name": name, "role": role, "secret_hash": "-", "created_by": "root"}
            connection.execute(operator.insert().values(created_at=practice.clock.now(), **who))
    request = practice.request(practice.everybody(3), list_name=f"{word} results")
    waits = run_flow(practice, request)
    assert waits.state == "Failed"
    assert "approval-waiting" in waits.says
    page = str(waits.artifacts["campaign-approval-1"])
    assert "cohort review 1" in page
    assert "| messages | 3 |" in page
    with practice.record.read() as connection:
        asked = latest(connection, subject="campaign", subject_id=1)
    assert asked is not None
    assert asked.summary["list"] == f"{word} results"
    decide(
        practice.record, practice.clock, asked.id, operator=Operator("mia", "manager", True),
        decision="rejected", note=f"{word} has died",
    )  # fmt: skip
    ended = run_flow(practice, request)
    assert ended.state == "Rejected"
    assert f"(why: cohort approvals show {asked.id})" in ended.says
    assert find_in_prefect(prefect_server.home, [word]) == []
