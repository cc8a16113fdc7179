"""`cohort settings` as the people of a practice type it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.govern.rules.governed import take_first_values
from clinic.record.database import Record
from clinic.settings import Release, Settings
from tests.cli.office import Office, hire

NAME = "release.approval_above"


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    office = Office(tmp_path / "home", sqlite_record)
    record = office.open()
    first = Settings(release=Release(approval_above=20))
    take_first_values(record, SystemClock(), first, by="installer")
    record.close()
    return office


def row(office: Office, name: str, **environment: str) -> dict[str, str]:
    found = office.rows("settings", environment=environment)
    return next(each for each in found if each["setting"] == name)


def test_two_people_change_what_the_record_governs(office: Office) -> None:
    hire(office)
    own = {"COHORT_RELEASE__APPROVAL_ABOVE": "5000"}
    assert row(office, NAME, **own) == {
        "setting": NAME,
        "value": "20",
        "from": "record",
        "ignored": "5000 (COHORT_RELEASE__APPROVAL_ABOVE)",
    }
    asked = office.run("settings", "ask", NAME, "200", "--reason", "second site", me="ann")
    assert asked.exit_code == 0, asked.output
    assert "cohort approve 1" in asked.output
    assert row(office, NAME)["value"] == "20"
    alone = office.run("approve", "1", me="ann")
    assert alone.exit_code == 3
    approved = office.run("approve", "1", me="mia")
    assert approved.exit_code == 0, approved.output
    assert row(office, NAME)["value"] == "200"


def test_hours_are_asked_for_in_words_and_nothing_is_none(office: Office) -> None:
    hours = office.run("settings", "ask", "hours.text", "mon-tue 08:00-09:00", "--reason", "x")
    assert hours.exit_code == 0, hours.output
    assert row(office, "hours.text")["value"] == '{"mon":["08:00-09:00"],"tue":["08:00-09:00"]}'
    office.run("settings", "ask", NAME, "none", "--reason", "x")
    assert row(office, NAME)["value"] == ""


def test_a_secret_is_told_to_be_there_and_not_shown(office: Office) -> None:
    secret = {"COHORT_SMS__TOKEN": "hunter2"}
    assert row(office, "sms.token", **secret)["value"] == "(set, not shown)"
    shown = office.run("settings", environment=secret)
    assert "hunter2" not in shown.output
    assert row(office, "sms.token") == {
        "setting": "sms.token",
        "value": "",
        "from": "default",
        "ignored": "",
    }


def test_the_place_of_a_value_is_its_file_and_line(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[organisation]\nname = "Llanfair"\n', encoding="utf-8")
    found = row(office, "organisation.name", COHORT_CONFIG=str(path))
    assert (found["value"], found["from"]) == ("Llanfair", f"{path}, line 2")
    assert os.devnull not in found["from"]
