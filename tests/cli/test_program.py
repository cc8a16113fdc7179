"""The program as a whole: its help, its errors, what it loads."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.lazy import Lazy, LazyGroup
from cli.program import COMMANDS
from tests.cli.conftest import Type

HEAVY = {"pandas", "numpy", "prefect", "great_expectations", "sqlalchemy", "aiohttp", "pydantic"}


def test_help_loads_nothing_heavy() -> None:
    """It answers at once: what a command needs is imported when the command is called."""
    says = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from cli.program import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "from clinic.later import Later\n"
        "print(' '.join(n for n, m in sys.modules.items() if not isinstance(m, Later)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", says], capture_output=True, text=True, check=True, cwd=_root()
    )
    assert not HEAVY & set(done.stdout.split())


def test_a_traceback_never_shows_the_values_of_variables() -> None:
    """Rich's tracebacks print local variables, and those are patients."""
    from cli.program import app

    assert app.pretty_exceptions_enable is False


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_help_of_its_own(typed: Type, name: str) -> None:
    told = typed(name, "--help")
    assert told.code == 0
    assert "Usage" in told.out
    assert "completion" not in told.out, "only the program as a whole could offer that"


def test_the_help_lists_every_command_and_the_exit_codes(typed: Type) -> None:
    told = typed("--help").out
    assert [name for name in COMMANDS if name not in told] == []
    assert "Exit codes" in told


def test_the_version_is_told(typed: Type) -> None:
    assert typed("--version").out.strip()[0].isdigit()


def test_an_error_that_can_be_mended_is_a_sentence_a_code_and_an_exit_code(
    typed: Type, installed: object
) -> None:
    told = typed("show", "7")
    assert told.code == 2
    assert "campaign-unknown" in told.err
    assert "cohort campaigns" in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_a_record_that_is_not_set_up_is_told_with_the_command_that_does(typed: Type) -> None:
    told = typed("campaigns")
    assert told.code == 2
    assert "cohort init" in told.err


def test_nothing_is_coloured_or_boxed_when_nobody_is_looking() -> None:
    """Plain when not a terminal; NO_COLOR respected."""
    done = subprocess.run(
        [sys.executable, "-c", "from cli.console import show_table, say\n"
         "say('[bold]remark[/]')\nshow_table('T', ['A', 'B'], [(1000, None), ('x\\ny', True)])\n"
         "show_table('Tasks', ['C'], [])\nshow_table('Of whom: ', ['D'], [])"],
        capture_output=True, text=True, check=True, cwd=_root(),
        env={**os.environ, "FORCE_COLOR": "", "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.stdout == "A\tB\n1,000\t\nx y\tTrue\nC\nD\n"
    # A heading alone says nothing: that there is none is said beside what a script reads
    assert done.stderr == "remark\nTasks: none\n"


def _root() -> Path:
    return Path(__file__).parents[2]


class _Sentinel(LazyGroup):
    TABLE = {"fail": Lazy("tests.cli.test_program:fail", "Fails.", "Tests")}  # noqa: RUF012


def fail() -> None:
    """Fails, as a mistake of ours would, with a patient in its text."""
    raise ValueError("could not convert 'Siân Llwyd, 999 000 0018'")


def test_an_error_that_nobody_foresaw_says_where_it_was_and_not_what() -> None:
    group = typer.Typer(cls=_Sentinel)
    group.callback()(lambda: None)
    told = CliRunner().invoke(group, ["fail"])
    assert told.exit_code == 1
    assert "ValueError at" in told.stderr
    assert "test_program.py" in told.stderr
    assert "Siân" not in told.output + told.stderr


def _named_commands() -> set[tuple[str, ...]]:
    """Every `cohort WORD WORD` that a sentence of the program, the README or the runbook names."""
    texts = [(_root() / "README.md").read_text(encoding="utf-8")]
    texts += [path.read_text(encoding="utf-8") for path in (_root() / "docs").glob("*.md")]
    for package in ("clinic", "data_checks", "tasks", "flows", "cli"):
        for path in (_root() / package).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            values = [node.value for node in nodes if isinstance(node, ast.Constant)]
            texts += [value for value in values if isinstance(value, str)]
    pattern = r"(?:see: |run: |`|^ *|with: |by )cohort ([a-z][a-z-]*)(?: ([a-z][a-z-]*)\b(?![.=]))?"
    return {found for text in texts for found in re.findall(pattern, text, re.MULTILINE)}


def test_every_command_that_a_sentence_names_exists() -> None:
    """What a person is told to type, they can type."""
    named = _named_commands()
    assert len(named) > 15
    for word, second in sorted(named):
        assert word in COMMANDS, f"cohort {word} {second}"
        command = COMMANDS[word].load(word)
        if second and isinstance(command, TyperGroup):
            assert second in command.commands, f"cohort {word} {second}"
