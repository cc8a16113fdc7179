"""What is read from the database is named: no function takes or gives a row of which the types are unknown."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("clinic", "data_checks", "tasks", "flows", "cli", "desk")
# Bare, or of anything: mypy lets every attribute of such a row pass
UNTYPED = r"(?:\[Any\]|\[tuple\[Any, \.\.\.\]\]|(?![\w\[]))"


def annotations(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns


def untyped(source: str) -> list[int]:
    """Lines whose annotation is a row of sqlalchemy's without the types of its columns."""
    tree = ast.parse(source)
    names = [r"\bsa\.Row"]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            names += [rf"(?<!\.)\b{each.name}" for each in node.names if each.name == "Row"]
    bad = re.compile(f"(?:{'|'.join(names)}){UNTYPED}")
    return sorted(each.lineno for each in annotations(tree) if bad.search(ast.unparse(each)))


def test_no_signature_has_a_row_of_unknown_types() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if (lines := untyped(path.read_text()))
    }
    assert found == {}


def test_such_a_row_is_seen_wherever_it_stands() -> None:
    source = (
        "import sqlalchemy as sa\nfrom sqlalchemy import Row\n"
        "def one(row: sa.Row[Any]) -> int: ...\n"
        "def two(*, rows: dict[int, list[Row[Any]]]) -> None: ...\n"
        "async def three() -> sa.Row | None: ...\n"
        "class Four:\n    kept: Row[tuple[Any, ...]]\n"
        "def five(row: sa.Row[tuple[int, str]], other: sa.RowMapping) -> None: ...\n"
    )
    assert untyped(source) == [3, 4, 5, 7]
