"""`cohort places`: facilities and providers are made, changed and closed by a manager, in the trail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clinic.record.database import Record
from tests.cli.office import Office, hire
from tests.clinic.change.practice import patients, places


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    return office


def put(office: Office, *words: str) -> str:
    result = office.run("places", *words, me="mia")
    assert result.exit_code == 0, result.output
    return result.output


def test_an_empty_practice_gets_its_places_and_patients_can_go_there(office: Office) -> None:
    """ALC-4, ALC-22: a facility with its default provider, made in the terminal alone."""
    put(office, "facility", "F9", "--name", "West", "--email", "west@practice.example")
    put(office, "provider", "P9", "--name", "Dr 9", "--facility", "F9", "--capacity", "5")
    assert "is changed" in put(office, "facility", "F9", "--default-provider", "P9")
    assert "was so already" in put(office, "facility", "F9", "--default-provider", "P9")
    patients(office.open(), facility_id=None, provider_id=None)
    office.run("operations", "select", "--status", "active", me="mia")
    words = ("operations", "facility", "1", "--to", "F9", "--provider", "default", "--reason", "r")
    asked = office.run(*words, "--yes", "--no-run", me="ann")
    assert (asked.exit_code, "P9 Dr 9" in asked.output) == (0, True)


def test_what_is_not_given_stays_and_what_is_emptied_is_gone(office: Office) -> None:
    """NEW-10: each change has its act, with what was there before."""
    places(office.open())
    put(office, "facility", "F1", "--email", "north@practice.example", "--closed")
    put(office, "facility", "F1", "--email", "")
    (north,) = [p for p in office.rows("places", "list")["facilities"] if p["code"] == "F1"]
    assert (north["name"], north["email"], north["at"], north["active"]) == (
        "North",
        None,
        "P1",
        False,
    )
    acts = [a for a in office.rows("audit", "list") if a["operation_type"] == "facility.changed"]
    assert acts[0]["old_values"] == '{"code":"F1","email":"north@practice.example"}'
    assert {act["operator"] for act in acts} == {"mia"}


@pytest.mark.parametrize(
    ("words", "me", "code"),
    [
        (("facility", "F1", "--name", "x"), "ann", "places-role"),
        (("facility", "F1", "--name", "x"), "root", "right-missing"),
        (("facility", "F 1", "--name", "x"), "mia", "place-code"),
        (("facility", "F8"), "mia", "place-name"),
        (("facility", "F1", "--name", ""), "mia", "place-name"),
        (("facility", "F1", "--default-provider", "P99"), "mia", "provider-unknown"),
        (("provider", "P1", "--facility", "F99"), "mia", "facility-unknown"),
    ],
)
def test_what_makes_no_sense_or_is_not_ones_to_do_changes_nothing(
    office: Office, words: tuple[str, ...], me: str, code: str
) -> None:
    """ALC-44."""
    places(office.open())
    before: Any = office.rows("places", "list")
    result = office.run("places", *words, me=me)
    assert (result.exit_code != 0, code in result.output) == (True, True)
    assert office.rows("places", "list") == before
