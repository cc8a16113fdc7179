"""NEW-39: what is due goes at night or by two people's decision, as a manager types it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.message import states
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign, put_patient
from tests.cli.looks.test_by_hand import everything
from tests.cli.office import Office, hire
from tests.fakes import FakeClock

NUMBER = "9990000018"
COUNTS = {"delivered": 1, "phone_missing": 1}
GONE, KEPT, OLD = "Zerubbabel", "Philomena", "Bartholomew"


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A campaign of a hundred days ago, one of nine years ago and one of today."""
    monkeypatch.chdir(tmp_path)
    put_patient(sqlite_record, 5, nhs_number=NUMBER, local_id="L5")
    for days, name in ((100, GONE), (0, KEPT), (9 * 366, OLD)):
        clock = FakeClock(SystemClock().now() - timedelta(days=days))
        sent = Fate(state=states.DELIVERED, patient_id=5, cells=(NUMBER, name), body=f"{name}!")
        put_campaign(sqlite_record, clock, [sent, Fate(outcome="phone_missing", patient_id=5)])
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    office.looks = True
    return office


def due(office: Office) -> dict[str, int]:
    """Rows that are due, by class, as the plan says."""
    rows = office.rows("retention", "plan")
    return {row["what"]: row["rows"] for row in rows if row["rows"]}


def names_in(office: Office) -> list[str]:
    text = everything(office)
    return [name for name in (GONE, KEPT, OLD) if f'"{name}"' in text or f"{name}!" in text]


def test_what_is_due_goes_by_itself_or_by_two_people_and_the_trail_verifies(office: Office) -> None:
    """NEW-39: cells of lists after 90 days; texts after their years, when another manager says so."""
    assert due(office) == {"lists": 4, "messages": 1}
    assert office.run("retention", "run").exit_code == 0
    assert due(office) == {"messages": 1}
    assert f'"{GONE}"' not in everything(office)
    assert f'"{KEPT}"' in everything(office)
    assert [row["what"] for row in office.rows("retention", "stubs")] == ["lists", "lists"]

    asked = office.run("retention", "ask", "messages", "--reason", "their time is over", me="mia")
    assert asked.exit_code == 0, asked.output
    own = office.run("approve", "1", "--note", "mine", me="mia")
    assert own.exit_code == 3, own.output
    assert f"{OLD}!" in everything(office)
    done = office.run("approve", "1", "--note", "looked at the plan", me="max")
    assert done.exit_code == 0, done.output
    assert names_in(office) == [GONE, KEPT]  # the text of a hundred days ago is kept two years
    assert due(office) == {}
    assert [office.rows("show", str(n))["counts"] for n in (1, 2, 3)] == [COUNTS] * 3
    assert office.run("audit", "verify").exit_code == 0


def test_what_is_held_stays_until_it_is_lifted(office: Office) -> None:
    """NEW-39: a legal hold on a patient keeps their cells and texts, whatever their age."""
    held = office.run("retention", "hold", "patient", NUMBER, "--reason", "inquest", me="mia")
    assert held.exit_code == 0, held.output
    assert office.run("retention", "run").exit_code == 0
    assert names_in(office) == [GONE, KEPT, OLD]
    number = str(office.rows("retention", "holds")[0]["id"])
    assert office.run("retention", "lift", number, me="mia").exit_code == 0
    assert office.run("retention", "run").exit_code == 0
    assert f'"{GONE}"' not in everything(office)
