"""`cohort operations export|visit` and `cohort notify`, as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.exported import export
from clinic.change.operations import get_operation
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.clock import SystemClock
from clinic.errors import OperationRefused
from clinic.notify.asking import ask_for
from clinic.notify.notices import open_notice
from clinic.notify.request import NoticeRequest
from clinic.record.database import Record
from clinic.record.schema.people import facility
from clinic.settings import Notices, Settings
from tests.cli.office import Office, hire
from tests.cli.operations.test_operations import carried_out
from tests.clinic.change.practice import ASKER, MANAGER, SETTINGS, patients, places
from tests.fakes import FakeClock

FOR = ("--purpose", "administration", "--recipient", "the ICB")


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    """Ann may ask, Mia may approve; six patients, all selected."""
    (tmp_path / "home").mkdir()
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    places(sqlite_record)
    patients(sqlite_record)
    office.run("operations", "select", "--facility", "F1", me="mia")
    return office


def test_the_phi_reminder_is_shown_to_who_asks_and_who_decides(office: Office) -> None:
    """ALC-28, ALC-39: it cannot be undone, and says so."""
    words = (
        "operations",
        "export",
        "1",
        *FOR,
        "--what",
        "full",
        "--reason",
        "r",
        "--yes",
        "--no-run",
    )
    asked = office.run(*words, me="ann")
    assert asked.exit_code == 0, asked.output
    for output in (asked.output, office.run("operations", "show", "1").output):
        said = " ".join(output.split())
        assert "protected health information (PHI)" in said
        assert "never sent by unsecured e-mail" in said
        # Of whatever country the practice is
        assert "your organisation's policy on it (UK GDPR; in the United States HIPAA)" in said
        assert "it cannot be undone (N/A)" in said


def test_an_export_shows_where_its_file_is_and_no_checklist_any_more(
    office: Office, clock: FakeClock
) -> None:
    """ALC-6: once begun, the checklist would tell of the operation's own locks."""
    from clinic.change.review.approve import ask as ask_for_approval

    words = (
        "operations",
        "export",
        "1",
        *FOR,
        "--format",
        "csv",
        "--reason",
        "r",
        "--yes",
        "--no-run",
    )
    assert "Will be exported." in office.run(*words, me="ann").output
    record, settings = office.open(), SETTINGS.model_copy(update={"home": office.home})
    ask_for_approval(record, clock, settings, 1, flow_run_id=None)
    decide(record, clock, 1, operator=MANAGER, decision="approved", note="")
    begin(record, clock, 1)
    for number in chunks_left(record, 1):
        apply_chunk(record, clock, 1, number)
    written = export(record, clock, settings, 1)
    finish(record, clock, settings, 1)
    output = office.run("operations", "show", "1").output
    assert f"{office.home / 'exports' / written.name}\t6\t" in output
    assert written.sha256 in output
    assert "Exported." in output
    assert "No patient is locked" not in output


def test_the_full_record_as_csv_is_refused(office: Office) -> None:
    """ALC-27."""
    words = (
        "operations",
        "export",
        "1",
        *FOR,
        "--what",
        "full",
        "--format",
        "csv",
        "--reason",
        "r",
    )
    result = office.run(*words, "--yes", "--no-run", me="ann")
    assert (result.exit_code, "export-excel-only" in result.output) == (2, True)


def test_visits_are_asked_for_reviewed_by_name_and_time_booked_and_undone(
    office: Office, clock: FakeClock
) -> None:
    """ALC-7, ALC-30, ALC-39."""
    days = ("--from", "2099-03-09", "--to", "10/03/2099")
    words = (
        "operations",
        "visit",
        "1",
        "--type",
        "wellness",
        *days,
        "--reason",
        "r",
        "--yes",
        "--no-run",
    )
    asked = office.run(*words, "--between", "09:00-09:30", "--minutes", "15", me="ann")
    assert asked.exit_code == 0, asked.output
    assert "wellness, 2099-03-09 09:00 GMT, 15 min, P1" in asked.output
    record = office.open()
    carried_out(office, record, clock, 1)
    assert get_operation(record, 1).state == "done"
    back = office.run("operations", "undo", "1", "--reason", "r", "--yes", "--no-run", me="ann")
    assert back.exit_code == 0, back.output
    carried_out(office, record, clock, 2)
    assert get_operation(record, 2).state == "done"


def test_who_would_be_told_is_shown_before_anything_is_asked(
    office: Office, clock: FakeClock
) -> None:
    """ALC-8, ALC-32."""
    record = office.open()
    with record.write() as connection:
        connection.execute(sa.update(facility).values(email="desk@practice.nhs.uk"))
    words = ("--to", "on_hold", "--reason", "r", "--yes", "--no-run")
    office.run("operations", "status", "1", *words, me="ann")
    carried_out(office, record, clock, 1)
    result = office.run("notify", "1", "--to", "facility", "--reason", "r", "--no-run", me="ann")
    assert result.exit_code == 0, result.output
    assert "F1\tNorth\tdesk@practice.nhs.uk\t6" in result.output
    refused = office.run("notify", "1", "--to", "facility", "--reason", "r", me="root")
    assert refused.exit_code == 3


def test_a_notice_that_cannot_be_sent_is_refused_in_the_terminal(
    office: Office, clock: FakeClock
) -> None:
    """ALC-32: non-zero, with what to do, and nothing of it is on the trail."""
    words = ("--reason", "r", "--yes")
    hold = ("operations", "status", "1", "--to", "on_hold", *words, "--no-run")
    assert office.run(*hold, me="ann").exit_code == 0
    for number, to, code in (
        (9, "facility", "operation-unknown"),
        (1, "facility", "notice-too-early"),
    ):
        refused = office.run("notify", str(number), "--to", to, *words, me="ann")
        assert (refused.exit_code > 0, code in refused.output) == (True, True), refused.output
    carried_out(office, office.open(), clock, 1)
    for to, says in (
        ("facility", "cohort places facility F1 --email ADDRESS"),
        ("provider", "cohort places provider P1 --email ADDRESS"),
        ("internal", "set notices.internal"),
    ):
        refused = office.run("notify", "1", "--to", to, *words, me="ann")
        assert refused.exit_code == 2, refused.output
        assert says in " ".join(refused.output.split())
    shown = office.run("operations", "show", "1").output
    assert "Notices" not in shown
    assert "notice" not in office.run("operations", "list").output


def test_a_notice_that_failed_in_its_run_is_shown_with_its_operation_and_in_the_overview(
    office: Office, clock: FakeClock
) -> None:
    record = office.open()
    words = ("--to", "on_hold", "--reason", "r", "--yes", "--no-run")
    office.run("operations", "status", "1", *words, me="ann")
    carried_out(office, record, clock, 1)
    asked = NoticeRequest(
        operation_id=1, audience="internal", reason="r", requested_by="ann", request_key="k"
    )
    team = Settings(outbox=True, notices=Notices(internal=("team@practice.nhs.uk",)))
    ask_for(record, SystemClock(), team, asked, by=ASKER)
    with pytest.raises(OperationRefused):
        open_notice(record, SystemClock(), Settings(outbox=True), asked, gateway="g", batch_limit=1)
    assert "could not be sent: notice-nobody" in office.run("operations", "show", "1").output
    (notice,) = office.rows("operations", "show", "1")["notices"]
    assert (notice["audience"], notice["failed"]) == ("internal", True)
    listed = " ".join(office.run("operations", "list").output.split())
    assert "The notice of operation 1 to internal could not be sent" in listed
    assert "cohort operations show 1" in listed
