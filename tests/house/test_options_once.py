"""Options are said once: what two commands are told alike has one declaration (cli/options.py)."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Said in these modules, for everybody
SHARED = {"--json": "cli/options.py", "--operator": "cli/proof.py", "--password-fd": "cli/proof.py"}


def declarations(source: str) -> Iterator[tuple[int, str]]:
    """Each `typer.Option(…)` and `typer.Argument(…)`: its line, and what it says but for the panel."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("typer."):
            if node.func.attr not in ("Option", "Argument"):  # type: ignore[attr-defined]
                continue
            says = [ast.unparse(each) for each in node.args]
            says += [ast.unparse(k) for k in node.keywords if k.arg != "rich_help_panel"]
            yield node.lineno, ", ".join(sorted(says))


def found() -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "cli").rglob("*.py")):
        for line, says in declarations(path.read_text()):
            places[says].append(f"{path.relative_to(ROOT)}:{line}")
    return places


def test_no_option_is_declared_twice() -> None:
    places = found()
    assert len(places) > 150, "options are not found at all"
    assert {says: at for says, at in places.items() if len(at) > 1} == {}


def test_what_everybody_is_told_stands_in_its_module() -> None:
    strange = {
        f"{flag} in {place}"
        for says, at in found().items()
        for flag, home in SHARED.items()
        for place in at
        if f"'{flag}'" in says.split(", ") and place.partition(":")[0] != home
    }
    assert strange == set()


def test_the_same_option_is_seen_in_another_panel_and_order() -> None:
    source = (
        "a: Annotated[int, typer.Option('--x', help='X.', min=1)]\n"
        "b: Annotated[int, typer.Option('--x', min=1, help='X.', rich_help_panel='How')]\n"
        "c: Annotated[int, typer.Option('--x', help='Y.')]\n"
    )
    says = [each for _, each in declarations(source)]
    assert says[0] == says[1] != says[2]
