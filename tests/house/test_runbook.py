"""The runbook has a heading for every code that the program can raise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from clinic import errors
from clinic.change.review import checklist
from clinic.health.findings import KINDS

ROOT = Path(__file__).parents[2]
PACKAGES = ("clinic", "data_checks", "tasks", "flows", "cli", "desk")
ERRORS = {
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, errors.CohortError)
}


def _texts(node: ast.expr) -> Iterator[str]:
    """The codes that an argument can be, as far as the source spells them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def _codes(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            name = called.id if isinstance(called, ast.Name) else called
            if name in ERRORS:
                yield from _texts(node.args[0])


def _headings() -> set[str]:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    lines = re.findall(r"^### (.+)$", text, re.MULTILINE)
    return {code for line in lines for code in re.findall(r"`([^`]+)`", line)}


def test_every_code_that_can_be_raised_has_a_heading() -> None:
    raised = {
        code
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for code in _codes(path.read_text(encoding="utf-8"))
    }
    assert len(raised) > 50
    assert sorted(raised - _headings()) == []


def test_every_point_of_the_checklist_that_stops_an_operation_has_a_heading() -> None:
    """Their codes are raised by the value, not spelled where they are raised."""
    source = (ROOT / "clinic" / "change" / "review" / "checklist.py").read_text(encoding="utf-8")
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Check"
    ]
    codes = {
        getattr(checklist, call.args[0].id)
        if isinstance(call.args[0], ast.Name)
        else ast.literal_eval(call.args[0])
        for call in calls
        if not any(ast.unparse(word) == "stops=False" for word in call.keywords)
    }
    assert len(codes) >= 6
    assert sorted(codes - {"undo"} - _headings()) == []  # that one always holds, or does not apply


def test_every_finding_of_cohort_health_has_a_heading() -> None:
    assert len(KINDS) >= 16
    assert sorted(KINDS.keys() - _headings()) == []


def test_a_code_without_a_heading_would_be_found() -> None:
    source = (
        "raise NotFound('no-such-heading', 'x')\nraise errors.FenceLost('a' if b else 'c', 'x')"
    )
    assert set(_codes(source)) == {"no-such-heading", "a", "c"}
    assert "no-such-heading" not in _headings()


def test_no_heading_stands_twice() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert len(headings) == len(set(headings))
