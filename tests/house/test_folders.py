"""The house stays in order: no folder is so full that one looks for a module in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("clinic", "data_checks", "tasks", "flows", "cli", "desk", "tests", "benchmarks")
MOST = 15
# One after the other, by number: nobody looks for anything in it
SERIES = {"clinic/record/migrations/versions"}


def modules_by_folder() -> Counter[str]:
    found: Counter[str] = Counter()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if path.name not in ("__init__.py", "conftest.py"):
                found[str(path.parent.relative_to(ROOT))] += 1
    return found


def test_no_folder_has_more_modules_than_one_looks_through() -> None:
    found = modules_by_folder()
    assert found["clinic/record/schema"] > 5, "modules are not found at all"
    assert {name: n for name, n in found.items() if n > MOST and name not in SERIES} == {}
