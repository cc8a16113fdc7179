"""`cohort init` and secrets at a real terminal: asked, answered, interrupted, and asked again."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from clinic.record.database import Record
from tests.terminal import CTRL_C, CTRL_D, at_terminal

QUESTIONS = [
    ("as patients know it", "Brook Street Surgery"),
    ("telephone number", "01632 960 123"),
    ("Whose exports", "systmone"),
    ("public holidays of which country", "ie"),
    ("When may texts and e-mails be sent", "mon-thu 08:30-17:00"),
]
WRITTEN: dict[str, dict[str, Any]] = {
    "organisation": {
        "name": "Brook Street Surgery", "phone": "01632 960 123", "id_scheme": "systmone",
    },
    "hours": {"country": "IE", "text": {day: ["08:30-17:00"] for day in ("mon", "tue", "wed", "thu")}},
}  # fmt: skip
SECRET = "seven wet otters"


def settings_in(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "cohort.toml").read_text())


def test_init_asks_shows_what_it_wrote_and_a_second_one_changes_what_is_given(
    tmp_path: Path,
) -> None:
    """What makes no sense is asked again at once, and not after the last question."""
    slips = [
        ("Whose exports", "emi"),
        ("When may texts and e-mails be sent", "whenever"),
    ]
    answers = [*QUESTIONS[:2], slips[0], *QUESTIONS[2:4], slips[1], QUESTIONS[4]]
    first = at_terminal(tmp_path, "init", answers=answers)
    assert first.code == 0, first.text
    written = settings_in(tmp_path)
    for section, values in WRITTEN.items():
        assert values.items() <= written[section].items()
    for said in (
        '"Brook Street Surgery"',
        '"01632 960 123"',
        '"systmone"',
        '"IE"',
        "Mon-Thu 08:30-17:00",
    ):
        assert said in first.text
    assert stat.S_IMODE((tmp_path / "cohort.toml").stat().st_mode) == 0o600

    second = at_terminal(tmp_path, "init", "--phone", "01632 960 999")
    assert second.code == 0, second.text
    assert '"01632 960 999" (it was "01632 960 123")' in second.text
    expected = {**WRITTEN["organisation"], "phone": "01632 960 999"}
    assert expected.items() <= settings_in(tmp_path)["organisation"].items()


@pytest.mark.parametrize("question", [0, 2, 4])
def test_interrupted_at_a_question_it_leaves_nothing(tmp_path: Path, question: int) -> None:
    answers = [*QUESTIONS[:question], (QUESTIONS[question][0], CTRL_C)]
    ended = at_terminal(tmp_path, "init", answers=answers)
    assert ended.code not in (0, None), ended.text
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_the_record_is_made_a_second_init_makes_it(tmp_path: Path) -> None:
    """The settings are whole; the record is made by the next one, which asks nothing again."""
    at_terminal(tmp_path, "init", answers=[*QUESTIONS, ("Settings written", CTRL_C)])
    assert WRITTEN["organisation"].items() <= settings_in(tmp_path)["organisation"].items()
    assert not list(tmp_path.glob(".cohort.toml.*"))
    again = at_terminal(tmp_path, "init")
    assert (again.code, "The record is ready" in again.text) == (0, True), again.text


def test_a_secret_is_never_on_the_screen_and_pasting_says_how_to_end(
    tmp_path: Path, config: Path, installed: Record
) -> None:
    twice = [("New password of", SECRET), ("Repeat", SECRET)]
    added = at_terminal(tmp_path, "operators", "add", "root", answers=twice)
    assert (added.code, "root may now work here" in added.text) == (0, True), added.text
    asked = [("Password of root", SECRET), *twice]
    work = ("operators", "add", "ann", "--role", "operator", "--operator", "root")
    assert at_terminal(tmp_path, *work, answers=asked).code == 0
    pasted = at_terminal(
        tmp_path, "groups", "add", "carers", "--name", "Carers", "--ids-from", "-", "--operator", "ann",
        answers=[("Password of ann", SECRET), ("Ctrl-D", "999 000 0018"), ("0018", CTRL_D)],
    )  # fmt: skip
    assert (pasted.code, "1 ids match no patient" in pasted.text) == (0, True), pasted.text
    signed_in = at_terminal(tmp_path, "sign-in", "ann", answers=[("Password of ann", SECRET)])
    assert signed_in.code == 0, signed_in.text
    for screen in (added, pasted, signed_in):
        assert SECRET not in screen.text
    without = at_terminal(tmp_path, "groups", "delete", "carers", answers=[("Delete group", "y")])
    assert (without.code, "Password of" in without.text) == (0, False), without.text
