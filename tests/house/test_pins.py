"""What is installed is used and says why: the product's pins by the product, the tests' in their group."""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "pyproject.toml"
PRODUCT = ("clinic", "data_checks", "tasks", "flows", "cli", "desk")
# Not imported by name: a bound on what Prefect brings, what is loaded only where it is needed, what Starlette
# and Jinja load by themselves
BOUNDS = {"fastapi", "pysqlite3", "python-multipart", "nhsuk-frontend-jinja"}


def pins(group: str) -> set[str]:
    """The names of one group, as PyPI writes them."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    found = project["project"]["dependencies"] if not group else project["dependency-groups"][group]
    return _names(found)


def extras() -> set[str]:
    """The names of what only some installations have; the product says which extra is missing."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    return _names(itertools.chain(*project["project"]["optional-dependencies"].values()))


def _names(found: Iterable[str]) -> set[str]:
    return {re.split(r"[\[<>=!; ]", pin)[0].lower() for pin in found}


@cache
def imported(folders: tuple[str, ...]) -> set[str]:
    """The distributions that these folders import, inside functions too."""
    brings = packages_distributions()
    tops = {
        name for folder in folders for path in (ROOT / folder).rglob("*.py") for name in _tops(path)
    }
    return {name.lower().replace("_", "-") for top in tops for name in brings.get(top, ())}


def _tops(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_every_pin_of_the_product_is_imported_by_the_product() -> None:
    assert pins("") - imported(PRODUCT) == BOUNDS


def test_no_pin_of_the_tests_is_imported_by_the_product() -> None:
    """It would be missing where only the product is installed; of an extra, the product says so."""
    assert pins("dev") & imported(PRODUCT) <= extras()
    assert {"pexpect", "hypothesis"} <= imported(("tests",)), "imports are not found at all"


def test_every_pin_says_why_it_is_there() -> None:
    lines = PROJECT.read_text(encoding="utf-8").splitlines()
    silent = [
        line.strip()
        for before, line in itertools.pairwise(lines)
        if re.match(r'    "[a-z0-9-]+(\[\w+\])?[<>=]', line)
        and "#" not in line
        and not before.startswith("    # ")
    ]
    assert silent == []
