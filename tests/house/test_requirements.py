"""Every requirement that an issue promises has a test whose docstring names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# What each issue promises: "ARC-1 to 7" is ARC-1, ARC-2 … ARC-7
PROMISED = {
    "the main job": (
        "ARC-1 to 7, ARC-9 to 14, ARC-16 to 18, PAT-1, PAT-2, PAT-6 to 10, PAT-12, PAT-13, "
        "PAT-15 to 17, PAT-20, COM-3, COM-4, COM-6 to 11, ACX-1 to 3, ACX-7 to 9, ACX-17 to 28, "
        "ACX-31, ACX-32, NEW-3, NEW-6, NEW-13"
    ),
    "record operations": "ALC-1 to 46, NEW-2, NEW-10",
    "real data": ("NEW-11, NEW-14 to 18, ACX-21, ACX-32, ACX-33, ARC-10, ARC-11, COM-12"),
    "what is known of patients": "NEW-35 to 41",
    "campaigns in time": (
        "ARC-15, ARC-17, ARC-18, PAT-14, PAT-19, PAT-21 to 23, ACX-29, ACX-30, ACX-33 to 36, COM-1 to 3, "
        "COM-5, COM-6, COM-9, COM-12, COM-15, NEW-1, NEW-4, NEW-5, NEW-7 to 9, NEW-11, NEW-12"
    ),
}

_ONE = re.compile(r"\b(ARC|PAT|COM|ACX|ALC|NEW)-(\d+)(?: to (?:\1-)?(\d+))?")


def ids(text: str) -> Iterator[str]:
    """The requirements that a text names, ranges spelled out."""
    for kind, first, last in _ONE.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{kind}-{number}"


@cache
def proven() -> frozenset[str]:
    """What the docstrings of all tests name."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.update(ids(ast.get_docstring(node) or ""))
    return frozenset(found)


@pytest.mark.parametrize("promise", PROMISED)
def test_every_requirement_has_a_test_that_names_it(promise: str) -> None:
    assert sorted(set(ids(PROMISED[promise])) - proven()) == []


def test_a_range_is_every_number_in_it() -> None:
    assert list(ids("PAT-15 to 17, COM-4; ACX-25 to ACX-26")) == [
        "PAT-15", "PAT-16", "PAT-17", "COM-4", "ACX-25", "ACX-26",
    ]  # fmt: skip


def test_a_requirement_that_nobody_tests_would_be_found() -> None:
    assert "ARC-99" not in proven()
