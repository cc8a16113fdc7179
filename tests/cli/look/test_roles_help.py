"""`cohort help`: what a role needs."""

from __future__ import annotations

from typing import get_args

import pytest
from typer.testing import CliRunner

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
