"""`cohort sending`: what a person sees, stops and allows."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message.sending.restore_guard import hold_as_restored, home_of, notes_of, register
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.settings import Settings
from tests.cli.office import Office
from tests.ledgers import add_campaign, add_patients


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    add_patients(sqlite_record, 3)
    add_campaign(sqlite_record, SystemClock(), 3)
    return Office(tmp_path / "home", sqlite_record)


def test_anybody_stops_everything_and_the_way_on_is_shown(office: Office) -> None:
    """NEW-9."""
    stopped = office.run("sending", "stop", "--reason", "the wrong text")
    assert stopped.exit_code == 0, stopped.output
    assert "Nothing is sent" in stopped.output
    assert "cohort sending allow" in stopped.output
    assert office.rows("sending", "status")["stopped"]["code"] == "stopped-by-person"
    unsaid = office.run("sending", "allow", "--reason", " ")
    assert (unsaid.exit_code, "reason-missing" in unsaid.output) == (3, True)
    allowed = office.run("sending", "allow", "--reason", "the text is mended")
    assert (allowed.exit_code, "Sending is allowed" in allowed.output) == (0, True), allowed.output
    again = office.run("sending", "allow", "--reason", "once more")
    assert (again.exit_code, "sending-not-stopped" in again.output) == (3, True)


def test_whoever_asks_for_the_status_notices_a_record_that_was_set_back(
    office: Office, sqlite_record: Record, tmp_path: Path
) -> None:
    """NEW-10: before anything tries to send, and before a page says that all is well."""
    home = home_of(Settings(home=tmp_path / "home", notes_folder=tmp_path / "notes"))
    assert office.rows("sending", "status")["stopped"] is None
    register(sqlite_record, home)
    notes = notes_of(sqlite_record, home, "another")
    with sqlite_record.read() as connection:
        notes.require_same(connection)
    notes.note(str(uuid.uuid4()), SystemClock().now())  # the record knows of no such
    assert office.rows("sending", "status")["stopped"]["code"] == "database-restored"


def test_after_a_restore_the_held_campaigns_are_named_and_who_allowed_it_is_on_the_trail(
    office: Office, sqlite_record: Record, tmp_path: Path
) -> None:
    """NEW-10, NEW-12."""
    settings = Settings(home=tmp_path / "home", notes_folder=tmp_path / "notes")
    hold_as_restored(sqlite_record, SystemClock(), home_of(settings))
    seen = office.run("sending", "status")
    assert "Held until somebody resumes or cancels each: campaign 1" in seen.output
    refused = office.run("resume", "1")
    assert (refused.exit_code, "sending-stopped" in refused.output) == (3, True), refused.output
    done = office.run(
        "sending", "allow", "--reason", "asked the provider", "--reminded-through", "2026-03-04"
    )
    assert done.exit_code == 0, done.output
    assert "0 appointments are taken as reminded of already" in done.output
    unsaid = office.run("resume", "1")  # the gateway is blind, and nobody said what left
    assert (unsaid.exit_code, "left-unsaid" in unsaid.output) == (3, True), unsaid.output
    assert office.run("resume", "1", "--left", "nothing").exit_code == 0
    with sqlite_record.read() as connection:
        acts = sa.select(audit_act.c.operation_type, audit_act.c.reason).order_by(
            audit_act.c.number
        )
        told = [tuple(row) for row in connection.execute(acts)]
    assert ("sending.allow", "asked the provider") in told
