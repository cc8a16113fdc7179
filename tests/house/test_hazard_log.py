"""
NEW-34: the hazard log and the tests stay together.

Each control names tests that exist, each test of a safety requirement is named, and every rating is what
the plan's matrix makes of it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.house.test_requirements import ids

ROOT = Path(__file__).resolve().parents[2]
SAFETY = ROOT / "docs" / "safety"
REQUIRED = {f"NEW-{number}" for number in range(24, 34)}

_TEST = re.compile(r"`(tests/[\w/]+\.py(?:::test_\w+)?)`")
_RATING = re.compile(r"(\d) × (\d) → (\d), risk (\d) → (\d)")


@dataclass(frozen=True)
class Hazard:
    """A section of the log: its controls, what is open, and `severity × likelihood → likelihood`."""

    number: int
    controls: tuple[str, ...]
    is_open: bool
    rating: tuple[int, ...]


def hazards(text: str) -> list[Hazard]:
    """Every section whose heading is H and a number."""
    found = []
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        points = re.split(r"^- ", section.partition("\n## ")[0], flags=re.MULTILINE)[1:]
        rated = [_RATING.search(point) for point in points if point.startswith("**Rating**")]
        found.append(
            Hazard(
                number=int(section[1 : section.index(" ")]),
                controls=tuple(p for p in points if p.startswith("**Control**")),
                is_open=any(point.startswith("**Open**") for point in points),
                rating=tuple(int(n) for one in rated if one for n in one.groups()),
            )
        )
    return found


def matrix(text: str) -> dict[tuple[int, int], int]:
    """Risk by severity and likelihood, of the plan's table."""
    rows = re.findall(r"^\| (\d) \| (\d) \| (\d) \| (\d) \| (\d) \| (\d) \|$", text, re.MULTILINE)
    return {
        (severity, int(row[0])): int(risk)
        for row in rows
        for severity, risk in enumerate(row[1:], 1)
    }


@cache
def log() -> list[Hazard]:
    """The log as it is."""
    return hazards((SAFETY / "hazard-log.md").read_text(encoding="utf-8"))


@cache
def functions_of(path: str) -> dict[str, str]:
    """The tests of a file, and what names their requirements: their docstring and the module's."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    whole = ast.get_docstring(tree) or ""
    return {
        node.name: f"{whole}\n{ast.get_docstring(node) or ''}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


@cache
def named() -> frozenset[str]:
    """What the log's controls name: a file, or one test of it."""
    return frozenset(
        name for h in log() for control in h.controls for name in _TEST.findall(control)
    )


def test_the_pages_of_the_safety_case_are_there() -> None:
    """NEW-34: and each says who has to confirm it."""
    index = (SAFETY / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in SAFETY.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\((\w[\w-]*\.md)\)", index)) == pages
    assert pages >= {
        "purpose.md",
        "plan.md",
        "hazard-log.md",
        "deploying.md",
        "medical-device.md",
        "report.md",
    }
    for page in ("README.md", "hazard-log.md"):
        said = " ".join((SAFETY / page).read_text(encoding="utf-8").split())
        assert "are proposals" in said
        assert "registered clinician" in said


def test_hazards_are_numbered_and_each_has_a_control_or_says_that_it_is_open() -> None:
    """NEW-34."""
    assert [h.number for h in log()] == list(range(1, len(log()) + 1))
    assert [h.number for h in log() if not (h.controls or h.is_open)] == []


def test_each_control_names_tests_and_they_exist() -> None:
    """NEW-34: a control without a test is none."""
    bare = [
        (h.number, control[:60])
        for h in log()
        for control in h.controls
        if not _TEST.findall(control)
    ]
    assert bare == []
    gone = []
    for name in named():
        path, _, function = name.partition("::")
        if not (ROOT / path).is_file() or (function and function not in functions_of(path)):
            gone.append(name)
    assert sorted(gone) == []


def test_each_test_of_a_safety_requirement_is_in_the_log() -> None:
    """NEW-34: who builds a control writes it down, in the same piece of work."""
    missing = []
    for file in (ROOT / "tests").rglob("test_*.py"):
        path = str(file.relative_to(ROOT))
        if path in named():
            continue
        for name, says in functions_of(path).items():
            safety = path.startswith("tests/clinic/message/safety/") or REQUIRED & set(ids(says))
            if safety and f"{path}::{name}" not in named():
                missing.append(f"{path}::{name}")
    assert sorted(missing) == []


def test_each_rating_is_what_the_plans_matrix_makes_of_it() -> None:
    """NEW-34: severity × likelihood without → with the controls."""
    risks = matrix((SAFETY / "plan.md").read_text(encoding="utf-8"))
    assert len(risks) == 25
    wrong = []
    for h in log():
        severity, before, after, *told = h.rating
        if told != [risks[severity, before], risks[severity, after]] or after > before:
            wrong.append((h.number, h.rating))
        if not h.controls and before != after:
            wrong.append((h.number, h.rating))
    assert wrong == []


def test_the_report_of_this_version_names_what_is_not_acceptable() -> None:
    """NEW-34: every risk of 4 or more, and the version of the program."""
    report = (SAFETY / "report.md").read_text(encoding="utf-8")
    version = re.search(
        r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE
    )
    assert version is not None
    assert f"# Safety report: version {version[1]}\n" in report
    told = {int(number) for number in re.findall(r"^\| \[?H(\d+)", report, re.MULTILINE)}
    assert told == {h.number for h in log() if h.rating[-1] >= 4}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "### H1 A\n- **Open**: x.\n- **Rating**: 4 × 4 → 4, risk 4 → 4\n",
            (0, True, (4, 4, 4, 4, 4)),
        ),
        ("### H1 A\n- **Control**: y.\n  `tests/a.py`\n- **Rating**: none\n## B\n", (1, False, ())),
    ],
)
def test_a_section_is_read_as_it_stands(
    text: str, expected: tuple[int, bool, tuple[int, ...]]
) -> None:
    """NEW-34: what the other tests here rest on."""
    (one,) = hazards(text)
    assert (len(one.controls), one.is_open, one.rating) == expected
