"""`cohort tags`: made by a proven operator, once, and written to the trail."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.record.database import Record
from tests.cli.office import Office, hire
from tests.clinic.change.practice import patients, places


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    return office


def test_a_tag_is_made_once_and_can_then_be_given(office: Office) -> None:
    """ALC-5, ALC-40."""
    places(office.open())  # which has the tags a and b
    for said in ("can be given now", "was there already"):
        result = office.run("tags", "add", "Housebound", "--name", "Cannot leave home", me="ann")
        assert (result.exit_code, said in result.output) == (0, True)
    assert office.rows("tags", "list")[2:] == [
        {"code": "housebound", "name": "Cannot leave home", "patients": 0}
    ]
    made = [a for a in office.rows("audit", "list") if a["operation_type"] == "tag.added"]
    assert [act["operator"] for act in made] == ["ann"]
    patients(office.open())
    office.run("operations", "select", "--facility", "F1", me="mia")
    words = ("operations", "tag", "1", "--add", "housebound", "--reason", "r", "--yes", "--no-run")
    asked = office.run(*words, me="ann")
    assert (asked.exit_code, "tag housebound Cannot leave home" in asked.output) == (0, True)


@pytest.mark.parametrize(
    ("words", "me", "code"),
    [
        (("No spaces",), "ann", "tag-code"),
        (("x" * 61,), "ann", "tag-code"),
        (("x", "--name", "n" * 81), "ann", "tag-code"),
        (("welsh", "--name", "Something else"), "ann", "tag-exists"),
        (("x",), "root", "right-missing"),
    ],
)
def test_what_is_no_tag_or_not_ones_to_make_is_refused(
    office: Office, words: tuple[str, ...], me: str, code: str
) -> None:
    """ALC-44."""
    office.run("tags", "add", "welsh", me="ann")
    result = office.run("tags", "add", *words, me=me)
    assert (result.exit_code != 0, code in result.output) == (True, True)
    if code == "right-missing":
        assert "an operator, a team lead or a manager may" in " ".join(result.output.split())
    assert [tag["code"] for tag in office.rows("tags", "list")] == ["welsh"]
