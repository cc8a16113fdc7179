"""After a set-back: what a gateway's own list says was sent, and what a manager must say of reminders."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message.sending.restore_guard import hold_as_restored, home_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import appointment
from clinic.settings import Settings
from tests.cli.office import Office
from tests.ledgers import add_campaign, add_patients
from tests.references import message_id

CLOCK = SystemClock()
HERE = {"COHORT_SMS__URL": "http://127.0.0.1:9", "COHORT_SMS__GATEWAY_CLASS": "B"}


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    """A record that was set back, with a campaign to three people."""
    add_patients(sqlite_record, 3)
    add_campaign(sqlite_record, CLOCK, 3, gateway="http-sms")
    settings = Settings(home=tmp_path / "home", notes_folder=tmp_path / "notes")
    hold_as_restored(sqlite_record, CLOCK, home_of(settings))
    return Office(tmp_path / "home", sqlite_record)


def test_a_list_as_a_file_ends_the_doubt_and_names_what_is_not_known(
    office: Office, sqlite_record: Record, tmp_path: Path
) -> None:
    listed = tmp_path / "sent.csv"
    strange = message_id(77, 5)
    listed.write_text(f"reference,status\n{message_id(1, 2)},delivered\n{strange},sent\n")
    assert office.run("sending", "allow", "--reason", "restored").exit_code == 0
    assert "left-unsaid" in office.run("resume", "1", environment=HERE).output
    cannot = office.run("sending", "ask", environment=HERE)
    assert (cannot.exit_code, "gateway-not-askable" in cannot.output) == (3, True), cannot.output
    asked = office.run("sending", "ask", "--file", str(listed), environment=HERE)
    assert asked.exit_code == 0, asked.output
    said = " ".join(asked.output.split())
    assert "took 2 messages; 1 of them" in said
    assert "1 message is of 1 campaign that this record does not know" in said
    (named,) = office.home.glob("sent-unknown-*.csv")
    assert str(strange) in named.read_text()
    assert named.stat().st_mode & 0o077 == 0
    assert office.run("resume", "1", environment=HERE).exit_code == 0
    with sqlite_record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.state)) == "running"


def test_who_allows_sending_says_which_reminders_were_given(
    office: Office, sqlite_record: Record
) -> None:
    """COM-5: a visit that the lost evening reminded of is not reminded of again, and none is forgotten."""
    with sqlite_record.write() as connection:
        at = CLOCK.now() + timedelta(days=1)
        connection.execute(
            sa.insert(appointment).values(patient_id=1, starts_at=at, status="booked")
        )
    allow = ("sending", "allow", "--reason", "restored")
    unsaid = office.run(*allow)
    assert (unsaid.exit_code, "reminded-unsaid" in unsaid.output) == (3, True), unsaid.output
    assert office.run(*allow, "--no-reminders-lost").exit_code == 0
