"""NEW-26: safe contact as it is typed: number and reason are asked for, and only a manager is shown them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.people import patient
from tests.cli.office import Office, hire
from tests.main_job import nhs

WHO = nhs(1)


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    """Somebody of each role, and a patient."""
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    with sqlite_record.write() as connection:
        connection.execute(sa.insert(patient).values(id=1, nhs_number=WHO, mobile="07700900001"))
    return office


def test_it_is_set_seen_and_lifted_by_who_may(office: Office) -> None:
    command = ("patients", "safe-contact")
    words = {"COHORT_PHONES__TEST_RANGE": "true"}
    made = office.run(
        *command, "set", WHO, "--number", me="ann", typed="07700 900444\nher brother reads them\n",
        environment=words,
    )  # fmt: skip
    assert (made.exit_code, "obeyed from the next message" in made.output) == (0, True)
    loosened = office.run(*command, "set", WHO, "--channel", "email", "--reason", "so", me="ann")
    assert (loosened.exit_code != 0, "safe-contact-reason" in loosened.output) == (True, True)
    for refused in (
        ("set", WHO, "--channel", "email", "--reason", "why not"),
        ("show", WHO, "--reason", "care"),
    ):
        result = office.run(*command, *refused, me="ann")
        assert (result.exit_code != 0, "safe-contact-role" in result.output) == (True, True)
        assert "900444" not in result.output
    seen = office.run(*command, "show", WHO, "--reason", "care", me="mia")
    assert [
        w for w in ("sms, voice", "+447700900444", "her brother", "ann") if w not in seen.output
    ] == []
    lifted = office.run(*command, "lift", WHO, "--reason", "moved out", me="mia")
    assert lifted.exit_code == 0
    again = office.run(*command, "lift", WHO, "--reason", "moved out", me="mia")
    assert "safe-contact-none" in again.output
    assert (
        "by mia: moved out"
        in office.run(*command, "show", WHO, "--reason", "care", me="mia").output
    )
    trail = office.run("audit", "list", "--json", me="mia").output
    assert trail.count('"safe-contact.') == 4
    assert [word for word in ("900444", "brother", WHO, "moved out") if word in trail] == []
