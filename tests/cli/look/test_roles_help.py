"""`cohort help`: what a role needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.look.pages import pages
from cli.look.roles_help import Reader, needed_by
from cli.program import COMMANDS, app
from clinic.govern.people.roles import PEOPLE


def test_every_command_is_somebodys_and_every_role_has_help() -> None:
    """ALC-44: what a role may not do is not offered."""
    readers = get_args(Reader)
    assert set(PEOPLE) < set(readers)
    assert {name for reader in readers for name in needed_by(reader)} == set(COMMANDS)
    for reader in readers:
        assert len(needed_by(reader)) == len(set(needed_by(reader)))
    for reader, may_not in (("operator", "approve"), ("team_lead", "audit"), ("admin", "message")):
        assert may_not not in needed_by(reader)


@pytest.mark.parametrize("words", [["help"], *(["help", role] for role in get_args(Reader))])
def test_help_needs_no_record_and_says_what_to_type_next(words: list[str]) -> None:
    told = CliRunner().invoke(app, words, env={"COHORT_HOME": "/nowhere", "NO_COLOR": "1"})
    assert told.exit_code == 0, told.output
    following = told.stderr.split("Next:")[1].split("\n")[1].strip()
    led = CliRunner().invoke(app, following.split()[1:], env={"COHORT_HOME": "/nowhere"})
    assert led.exit_code == 0, led.output


def told_of(*words: str) -> Result:
    env = {"COHORT_HOME": "/nowhere", "NO_COLOR": "1"}
    return CliRunner().invoke(app, ["help", *words], env=env)


@pytest.mark.parametrize(
    ("about", "has", "has_not"),
    [
        ("gateway-credit", "Pay in there", "gateway-pretends"),
        ("completed", "Nothing more will happen", "## Lists"),
        ("override-unproven", "--accept CODE", "acceptance-unknown"),
        ("opted_out", "Contact another way", "patient_dead"),  # of a row
        ("run-cancelled", "cohort resume", "0.1.0"),  # of a campaign that stands still
        ("row-edited", "not those that were sealed", "set-back"),  # of the trail
        ("machine_answered", "an answering machine took the message", "number_does_not_exist"),
    ],
)
def test_a_code_is_explained_as_the_runbook_has_it(about: str, has: str, has_not: str) -> None:
    told = told_of(about)
    assert (told.exit_code, has in told.stdout, has_not in told.stdout) == (0, True, False)
    assert "](" not in told.stdout, "a link leads nowhere in a terminal"


def test_every_page_that_a_sentence_names_can_be_read_where_only_the_wheel_is() -> None:
    root = Path(__file__).parents[3]
    named = {
        name
        for folder in ("cli", "clinic", "tasks", "data_checks")
        for path in (root / folder).rglob("*.py")
        for name in re.findall(r"docs/([a-z-]+)\.md", path.read_text(encoding="utf-8"))
    }
    assert named <= set(pages())
    for name in (*pages(), "docs/gateways.md"):
        assert told_of(name).exit_code == 0


def test_what_is_nothing_leads_to_what_is_like_it() -> None:
    told = told_of("gateway-credits")
    assert (told.exit_code, "gateway-credit" in told.stderr) == (2, True)
