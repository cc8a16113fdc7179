"""
What a template may say: an allow-list over Jinja's syntax tree.

    {{ patient.given_name }}                                  a declared variable
    {{ patient.given_name | default("patient") | title }}     with pure filters
    {{ appointment.date | date("long") }}                     `date` first, formats in values.py
    {% if patient.title and not … %} … {% elif a == "x" %} … {% else %} … {% endif %}
    {% if list.Clinic is defined %}                           it has a value

Everything else is refused before any of it is compiled: calls, loops, arithmetic, subscripts,
literals in output. Jinja's sandbox alone lets `{{ 'a' * 2000000000 }}` and method calls through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from jinja2 import nodes

from clinic.errors import TemplateRefused
from clinic.message.template.inert import DATE_FORMATS

PURE_FILTERS: Final = frozenset({"upper", "lower", "title", "trim"})

MOST_PIECES: Final = 400  # outputs and conditions: with capped values this bounds a message
DEEPEST: Final = 12  # conditions inside each other

# What people call what they tried; of a node's classes the nearest counts
_NAMES: Final[dict[type[nodes.Node], str]] = {
    nodes.For: "a loop",
    nodes.Call: "a call",
    nodes.Macro: "a macro",
    nodes.Assign: "an assignment",
    nodes.AssignBlock: "an assignment",
    nodes.Getattr: "more than one dot in a name",
    nodes.Getitem: "a subscript",
    nodes.BinExpr: "arithmetic",
    nodes.UnaryExpr: "arithmetic",
    nodes.Literal: "a literal",
    nodes.CondExpr: "an inline `if`",
    nodes.Include: "an include",
    nodes.Import: "an import",
    nodes.FromImport: "an import",
    nodes.Stmt: "this instruction",
    nodes.Expr: "this expression",
}


# What stands for a column between the brackets: list.1st choice, list["1st choice"]
_OF_LIST: Final = re.compile(r"""\blist\s*[.\[]\s*["']?([^"'\]|}%=!\n]+)""")


@dataclass
class Usage:
    """Which variables a template names, and where. Insertion order is the order in the text."""

    variables: dict[str, None] = field(default_factory=dict)
    printed_always: set[str] = field(default_factory=set)
    printed_sometimes: set[str] = field(default_factory=set)
    tested: set[str] = field(default_factory=set)
    pieces: int = 0

    def required(self) -> tuple[str, ...]:
        """Variables without which a message would have a hole: printed in every case, or never asked for."""
        needed = self.printed_always | (self.printed_sometimes - self.tested)
        return tuple(name for name in self.variables if name in needed)


def check(tree: nodes.Template, allowed: frozenset[str]) -> Usage:
    """
    Walk the whole tree.

    Raises:
        TemplateRefused: `template-not-allowed`, `template-variable` or `template-too-complex`,
            with the line
    """
    usage = Usage()
    walker = _Walker(allowed, usage)
    for node in tree.body:
        walker.statement(node, depth=0)
    return usage


def meant_column(body: str, allowed: frozenset[str]) -> str:
    """A hint where a column's heading was written as it stands, {{ list.1st choice }}; "" where none was."""
    by_case = {one.casefold(): one for one in sorted(allowed)}
    for written in _OF_LIST.findall(body):
        key = re.sub(r"\W+", "_", written).strip("_").casefold()
        found = by_case.get(f"list.{key}") or by_case.get(f"list.column_{key}")
        if found and f"list.{written.strip()}" != found:
            return f"Did you mean {found}?"
    return ""


def variable_name(node: nodes.Node) -> str | None:
    """The name of a variable of at most one dot, or None."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return None


class _Walker:
    def __init__(self, allowed: frozenset[str], usage: Usage) -> None:
        self.allowed = allowed
        self.usage = usage

    def statement(self, node: nodes.Node, *, depth: int) -> None:
        self._bound(node, depth)
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                if not isinstance(part, nodes.TemplateData):
                    self._output(part, depth=depth)
        elif isinstance(node, nodes.If):
            self._condition(node.test, depth=0)
            for inner in [*node.body, *node.else_]:
                self.statement(inner, depth=depth + 1)
            for other in node.elif_:
                self.statement(other, depth=depth)
        else:
            raise _not_allowed(node)

    def _output(self, node: nodes.Node, *, depth: int) -> None:
        self._bound(node, depth)
        filters = list(_filters(node))
        name = self._filtered(node)
        if any(part.name == "default" for part in filters):
            return
        kind = self.usage.printed_sometimes if depth else self.usage.printed_always
        kind.add(name)

    def _condition(self, node: nodes.Node, *, depth: int) -> None:
        self._bound(node, depth)
        if isinstance(node, (nodes.And, nodes.Or)):
            self._condition(node.left, depth=depth + 1)
            self._condition(node.right, depth=depth + 1)
        elif isinstance(node, nodes.Not):
            self._condition(node.node, depth=depth + 1)
        elif isinstance(node, nodes.Compare):
            self._comparison(node)
        elif isinstance(node, nodes.Test):
            if node.name != "defined" or node.args or node.kwargs:
                raise _not_allowed(node, f"the test `{node.name}`")
            self.usage.tested.add(self._variable(node.node))
        else:
            self.usage.tested.add(self._filtered(node))

    def _comparison(self, node: nodes.Compare) -> None:
        if len(node.ops) != 1 or node.ops[0].op not in {"eq", "ne"}:
            raise _not_allowed(node, "a comparison other than == and !=")
        for side in (node.expr, node.ops[0].expr):
            if isinstance(side, nodes.Const):
                _text_literal(side)
            else:
                self.usage.tested.add(self._filtered(side))

    def _filtered(self, node: nodes.Node) -> str:
        """The name of the variable under any filters, each of them checked."""
        filters = list(_filters(node))
        self._bound(node, len(filters))
        for place, part in enumerate(reversed(filters)):
            _check_filter(part, first=place == 0)
        innermost = filters[-1].node if filters else node
        if innermost is None:
            raise _not_allowed(node)
        return self._variable(innermost)

    def _variable(self, node: nodes.Node) -> str:
        name = variable_name(node)
        if name is None:
            raise _not_allowed(node)
        if name not in self.allowed or name.startswith("_") or "._" in name:
            raise _unknown(name, node.lineno, self.allowed)
        self.usage.variables[name] = None
        return name

    def _bound(self, node: nodes.Node, depth: int) -> None:
        self.usage.pieces += 1
        if depth > DEEPEST or self.usage.pieces > MOST_PIECES:
            raise TemplateRefused(
                "template-too-complex",
                f"Line {node.lineno}: too many conditions inside each other, or too many "
                "placeholders. Split the text into several templates.",
            )


def _filters(node: nodes.Node) -> Iterator[nodes.Filter]:
    """The filters around an expression, the last applied first."""
    while isinstance(node, nodes.Filter) and node.node is not None:
        yield node
        node = node.node


def _check_filter(node: nodes.Filter, *, first: bool) -> None:
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise _not_allowed(node, f"a named argument of the filter `{node.name}`")
    if node.name in PURE_FILTERS and not node.args:
        return
    if node.name in {"default", "date"} and len(node.args) == 1:
        literal = _text_literal(node.args[0])
        if node.name == "default" or (first and literal in DATE_FORMATS):
            return
    raise _not_allowed(node, f"the filter `{node.name}` in this form", hint=_filter_hint())


def _filter_hint() -> str:
    formats = ", ".join(f'"{name}"' for name in DATE_FORMATS)
    usable = ", ".join(sorted(PURE_FILTERS))
    return f'Filters are {usable}, default("…") and, as the first, date(…) with one of {formats}.'


def _text_literal(node: nodes.Node) -> str:
    if not isinstance(node, nodes.Const) or not isinstance(node.value, str):
        raise _not_allowed(node, "a value that is not a text in quotes")
    if not node.value.isprintable():  # U+001E is how messages of a batch are kept apart
        raise _not_allowed(node, "a text with a control character")
    return node.value


def _not_allowed(node: nodes.Node, what: str | None = None, *, hint: str = "") -> TemplateRefused:
    what = what or next(_NAMES[kind] for kind in type(node).__mro__ if kind in _NAMES)
    hint = hint or "Templates hold text, {{ variables }} and {% if %}; see docs/templates.md."
    return TemplateRefused(
        "template-not-allowed",
        f"Line {node.lineno or 1}: {what} is not allowed in a template. {hint}",
    )


def _unknown(name: str, line: int, allowed: frozenset[str]) -> TemplateRefused:
    # One name for two columns is neither's: each has its letter (variables.list_variables)
    lettered = re.compile(f"(?i:{re.escape(name)})_[A-Z]{{1,3}}")
    alike = sorted(one for one in allowed if lettered.fullmatch(one))
    close = [" or ".join(alike)] if len(alike) > 1 else []
    by_case = {one.casefold(): one for one in sorted(allowed)}
    near = get_close_matches(name.casefold(), sorted(by_case), n=1)
    close = close or [by_case[one] for one in near]
    hint = f"Did you mean {close[0]}?" if close else "See: cohort templates variables"
    return TemplateRefused("template-variable", f"Line {line}: there is no variable {name}. {hint}")
