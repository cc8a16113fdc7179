"""`cohort resend` as a person types it, on a Prefect server: what failed is sent again, and only that."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.sending.restore_guard import home_of, register
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient
from clinic.settings import Settings
from tasks.processes.environment import api_url, prefect_environment
from tests.cli.office import Office
from tests.main_job import ADDRESSES_KEPT, Practice, nhs

pytestmark = pytest.mark.prefect
ACTS = ("cohort message --resume", "cohort resend", "cohort sending allow")


@pytest.fixture
def office(
    prefect_server: Settings, sqlite_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """Of four messages one was delivered, two failed, of one nobody knows; the tests' own server runs."""
    practice = Practice(sqlite_record, SystemClock(), tmp_path)
    practice.patients(4)
    practice.run(practice.everybody(4))
    fates = (states.DELIVERED, states.REJECTED, states.UNDELIVERED, states.UNKNOWN)
    with sqlite_record.write() as connection:
        for n, state in enumerate(fates, start=1):
            connection.execute(
                sa.update(message).where(message.c.patient_id == n).values(state=state)
            )
        # Corrected since: this is where it goes now
        connection.execute(sa.update(patient).where(patient.c.id == 2).values(mobile="07700900777"))
    url = api_url(prefect_server)
    home = tmp_path / "home"
    # What `apply_environment` would set, had Prefect not been imported long before
    environment = prefect_environment(Settings(home=home, prefect_api_url=url)) | {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
        "COHORT_PREFECT_API_URL": url,
        "COHORT_PHONES__TEST_RANGE": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)  # what is typed there writes files beside it
    register(
        sqlite_record, home_of(Settings(home=home))
    )  # the practice has sent by another process
    return Office(home, sqlite_record)


def test_only_what_failed_is_sent_again_once_and_to_the_number_of_now(
    office: Office, sqlite_record: Record
) -> None:
    """PAT-22, PAT-23: from the command to the gateway; a second time there is nothing to send."""
    unsure = office.run("resend", "1", "--rows", "3")
    assert (unsure.exit_code, "not-confirmed" in unsure.output) == (3, True), unsure.output

    done = office.run("resend", "1", "--yes", "--json")
    assert done.exit_code == 0, done.output
    with sqlite_record.read() as connection:
        sent = sorted(connection.scalars(ADDRESSES_KEPT))
    assert sent == ["+447700900003", "+447700900777"]
    assert office.rows("show", "3")["counts"] == {"kept_in_outbox": 2}

    again = office.run("resend", "1", "--yes")
    assert (again.exit_code, "resend-nothing" in again.output) == (3, True), again.output
    assert nhs(1) not in done.output


def type_until_the_end(office: Office, first: str) -> list[str]:
    """Type what is printed, what acts before what looks, until nothing that acts is printed any more."""
    typed, command = list[str](), first
    while command:
        typed.append(command)
        words = shlex.split(command.replace("…", "my own words"))[1:]
        told = office.run(*words, *(["--yes"] if words[0] == "resend" else []))
        stopped = "cohort sending status" if "sending-stopped" in told.output else ""
        assert told.exit_code == 0 or stopped, (command, told.output)
        printed = [one.strip() for one in told.stderr.splitlines() if one.startswith("  cohort ")]
        acts = [one for one in printed if one.startswith(ACTS) and one not in typed]
        command = stopped or next(iter(acts), "")
    for last in printed:  # only looks
        assert office.run(*shlex.split(last)[1:]).exit_code == 0, last
    return typed


def state_of(record: Record, number: int) -> str:
    with record.read() as connection:
        return str(connection.scalar(sa.select(campaign.c.state).where(campaign.c.id == number)))


def test_what_is_printed_while_sending_is_stopped_is_typed_until_what_failed_is_sent_again(
    office: Office, sqlite_record: Record
) -> None:
    """`sending status`, `sending allow`; then `resend`, and of the campaign that it makes nothing is left."""
    assert office.run("sending", "stop", "--reason", "the wrong text").exit_code == 0
    typed = type_until_the_end(office, "cohort resend 1")
    assert typed[1:] == ["cohort sending status", 'cohort sending allow --reason "…"']
    again = type_until_the_end(office, "cohort show 1")
    assert again[1:] == ["cohort resend 1"]
    assert state_of(sqlite_record, 2) == states.COMPLETED
