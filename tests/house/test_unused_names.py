"""Nothing that only tests use: what is public has a caller in the product, and what is stored is read there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from clinic.record.schema import METADATA

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("clinic", "data_checks", "tasks", "flows", "cli", "desk")
MIGRATIONS: Final = "clinic/record/migrations/"  # callers, but called by Alembic themselves
HANDING: Final = ("command", "callback", "listens_for", "compiles")
SCHEMA: Final = "clinic/record/schema/"

# Without a caller in the product, and why they stay
KEPT: Final = {
    "clinic.cohort.consent_codes.read_consent_codes": "coded consent of a record's export: no command yet",
    "clinic.gateway.outbox.read_outbox": "for people who try out: docs/gateways.md",
    "clinic.gateway.incoming.words.words_table": "writes the table of docs/gateways.md, which a test compares",
    "clinic.gateway.http.rules.rules_table": "as words_table, of each provider's answers",
    "clinic.gateway.voice.outcomes.outcomes_table": "as words_table, of what became of a call",
    "clinic.gateway.voice.sip.statuses.statuses_table": "as words_table, of a SIP trunk's answers",
    "clinic.gateway.smpp.status.status_table": "as words_table, of an SMSC's answers",
    "clinic.gateway.smtp.statuses.statuses_table": "as words_table, of the status codes of e-mail",
    "clinic.govern.audit.tables.DERIVED": "says of every table why it has no seals of its own; a test holds it",
    "clinic.govern.audit.tables.NOT_SEALED": "as DERIVED",
}
# When something was done: for who looks into the database after an incident
WRITTEN_ONLY: Final = {
    "check_result.checked_at",
    "cohort_list.emptied_by",
    "cohort_list.emptied_why",
    "export_file.written_at",
    "field_edit.edited_at",
    "operation.planned_at",
}


@dataclass
class Module:
    """What a module offers, and what it uses: of its own, and of others."""

    public: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    others: set[tuple[str, str]] = field(default_factory=set)  # (module, name)
    read: set[str] = field(default_factory=set)  # as an attribute, or named in a text


def test_what_is_public_has_a_caller_in_the_product() -> None:
    found = modules()
    assert len(found) > 300, "modules are not found at all"
    assert unused(found) - KEPT.keys() == set()


def test_what_is_private_is_used_in_its_module() -> None:
    found = {name: sorted(module.private - module.own) for name, module in modules().items()}
    assert sum(len(module.private) for module in modules().values()) > 1_000, (
        "none are found at all"
    )
    assert {name: unused for name, unused in found.items() if unused} == {}


def test_what_is_kept_all_the_same_is_there_and_has_no_caller() -> None:
    assert KEPT.keys() - unused(modules()) == set()


def test_every_column_is_read_somewhere() -> None:
    """In a statement, or of a row: a column that is only written tells nobody anything."""
    ignored = (dotted_path(MIGRATIONS), dotted_path(SCHEMA))
    read = {
        word for name, m in modules().items() if not name.startswith(ignored) for word in m.read
    }
    columns = {f"{t.name}.{c.name}" for t in METADATA.tables.values() for c in t.columns}
    assert {c for c in columns if c.partition(".")[2] not in read} == WRITTEN_ONLY


def unused(found: dict[str, Module]) -> set[str]:
    used = {pair for module in found.values() for pair in module.others}
    return {
        f"{name}.{public}"
        for name, module in found.items()
        if not name.startswith(dotted_path(MIGRATIONS))
        for public in module.public
        if public not in module.own and (name, public) not in used
    }


@cache
def modules() -> dict[str, Module]:
    found = {dotted_path(path): read_module(path) for path in sources()}
    found["configuration"] = Module(others=set(configured()))
    return found


def sources() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT))


def configured() -> Iterator[tuple[str, str]]:
    """What files name that are no code: `flows/message.py:message`, `(): tasks.processes.log_file.Line`."""
    for path in (
        *(ROOT / "flows").glob("*.yaml"),
        *(ROOT / "tasks").rglob("*.yml"),
        ROOT / "pyproject.toml",
    ):
        for place, name in re.findall(r"([\w/.]+)[:.](\w+)", path.read_text()):
            yield dotted_path(place), name


def dotted_path(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def read_module(path: str) -> Module:
    tree = ast.parse((ROOT / path).read_text())
    names = set(offered(tree))
    public = {name for name in names if not name.startswith("_")}
    module = Module(
        public=public, private={n for n in names - public if n.strip("_") and n[:2] != "__"}
    )
    aliases: dict[str, str] = {}  # a name here: the module that it means
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(source)):
                for alias in node.names:
                    module.others.add((source, alias.name))
                    aliases[alias.asname or alias.name] = f"{source}.{alias.name}"
            case ast.Name(ctx=ast.Load()):
                module.own.add(node.id)
            case ast.Constant(value=str(text)):
                module.read.add(text)
                module.others |= set(
                    re.findall(r"\A([a-z_.]+):(\w+)\Z", text)
                )  # a table of commands
            case ast.Attribute(ctx=ast.Load()):
                module.read.add(node.attr)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                module.others.add((aliases.get(name, ""), attribute))
    return module


def offered(tree: ast.Module) -> Iterator[str]:
    """Names that a module defines, less what a decorator hands to somebody else."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [] if any(map(hands_over, node.decorator_list)) else [node.name]
            case ast.Assign(targets=targets):
                names = [each.id for each in targets if isinstance(each, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from names


def hands_over(decorator: ast.expr) -> bool:
    """`@app.command()`, `@event.listens_for(…)`, `@compiles(…)`: who decorates calls it."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)
    return name in HANDING
