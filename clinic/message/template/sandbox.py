"""
The second wall: a checked template, rewritten and compiled in Jinja's sandbox.

The rewritten tree is one loop over the rows of a batch, in which every variable is a local name
bound to inert text. There are no attributes left to look up, no globals, no tests and five filters.

    {{ patient.given_name }} on {{ appointment.date | date("long") }}
    {% for v0, v1 in rows %}{{ v0 }} on {{ v1 }}<between>{% endfor %}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from clinic.message.template.answers import ANSWERS, answer, folded, unless_no
from clinic.message.template.grammar import variable_name
from clinic.message.template.inert import formatted, inert

# Stands between messages and nowhere else: bodies and literals with it are refused, values lose it
BETWEEN: Final = "\x1e"

_WORD = re.compile(r"(?<!')[^\W\d_]+|(?<=')[^\W\d_]{2,}")


@dataclass(frozen=True)
class Slot:
    """A local name of the compiled template: a variable as text, or as a date in a format."""

    variable: str
    date_format: str | None = None

    def fill(self, values: Iterable[Any]) -> list[str]:
        if self.date_format is None:
            return [inert(value) for value in values]
        return [formatted(value, self.date_format) for value in values]


def parse(body: str) -> nodes.Template:
    """
    The syntax tree of a template. Nothing is compiled or computed yet.

    Raises:
        jinja2.TemplateSyntaxError: it is not Jinja
    """
    return _ENVIRONMENT.parse(body)


def compile_tree(tree: nodes.Template) -> tuple[tuple[Slot, ...], jinja2.Template]:
    """
    A tree that grammar.py has passed, as the slots of a row and a template of `rows`.

    The template prints, for each tuple of slot texts in `rows`, a message and BETWEEN.
    """
    rewriter = _Rewriter()
    inside = [rewriter.statement(node) for node in tree.body]
    inside.append(nodes.Output([nodes.TemplateData(BETWEEN)]))
    names: list[nodes.Expr] = [nodes.Name(name, "store") for name in rewriter.slots.values()]
    target = nodes.Tuple(names, "store") if names else nodes.Name("row", "store")
    loop = nodes.For(target, nodes.Name("rows", "load"), inside, [], None, False)
    whole = nodes.Template([loop])
    whole.set_environment(_ENVIRONMENT)
    whole.set_lineno(1)
    code = _ENVIRONMENT.compile(whole)
    return tuple(rewriter.slots), jinja2.Template.from_code(_ENVIRONMENT, code, {})


class _Rewriter:
    """Swaps every variable for a local name, `is defined` for "has a text", and dates for slots."""

    def __init__(self) -> None:
        self.slots: dict[Slot, str] = {}

    def statement(self, node: nodes.Node) -> nodes.Node:
        if isinstance(node, nodes.Output):
            return nodes.Output([self._expression(part) for part in node.nodes])
        if isinstance(node, nodes.If):
            return nodes.If(
                self._condition(node.test),
                [self.statement(inner) for inner in node.body],
                [self.statement(other) for other in node.elif_],
                [self.statement(inner) for inner in node.else_],
            )
        raise TypeError(type(node).__name__)  # grammar.check let something through

    def _expression(self, node: nodes.Node) -> nodes.Node:
        name = variable_name(node)
        if name is not None:
            return self._slot(Slot(name))
        if isinstance(node, (nodes.TemplateData, nodes.Const)):
            return node
        if isinstance(node, nodes.Filter) and node.node is not None:
            return self._filter(node, node.node)
        raise TypeError(type(node).__name__)

    def _condition(self, node: nodes.Node) -> nodes.Node:
        """What is asked, by the rules of answers.py."""
        if isinstance(node, (nodes.And, nodes.Or)):
            return type(node)(self._condition(node.left), self._condition(node.right))
        if isinstance(node, nodes.Not):
            return nodes.Not(self._condition(node.node))
        if isinstance(node, nodes.Compare):
            return self._comparison(node)
        if isinstance(node, nodes.Test):
            return nodes.Compare(
                self._expression(node.node), [nodes.Operand("ne", nodes.Const(""))]
            )
        asked = self._expression(node)
        name = variable_name(node)
        return _call("_unless_no", asked) if name and name.startswith("list.") else asked

    def _comparison(self, node: nodes.Compare) -> nodes.Node:
        sides = [node.expr, *(one.expr for one in node.ops)]
        texts = [str(side.value) for side in sides if isinstance(side, nodes.Const)]
        way = "_answer" if any(folded(text) in ANSWERS for text in texts) else "_folded"
        first, *others = (_call(way, self._expression(side)) for side in sides)
        pairs = zip(node.ops, others, strict=True)
        return nodes.Compare(first, [nodes.Operand(one.op, side) for one, side in pairs])

    def _filter(self, node: nodes.Filter, inner: nodes.Expr) -> nodes.Node:
        if node.name == "date":
            date_format = node.args[0].as_const()
            return self._slot(Slot(variable_name(inner) or "", date_format))
        return nodes.Filter(self._expression(inner), node.name, node.args, [], None, None)

    def _slot(self, slot: Slot) -> nodes.Name:
        return nodes.Name(self.slots.setdefault(slot, f"v{len(self.slots)}"), "load")


def _call(way: str, node: nodes.Node) -> nodes.Filter:
    """One of our own filters, which no template can name: grammar.py lets only public ones pass."""
    return nodes.Filter(node, way, [], [], None, None)


def _title(text: str) -> str:
    """Ann O'NEILL-JONES → Ann O'Neill-Jones."""
    return _WORD.sub(lambda word: word[0].capitalize(), text.lower())


def _default(text: str, fallback: str) -> str:
    return text or fallback


_FILTERS: Final[dict[str, Callable[..., str]]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": _title,
    "trim": str.strip,
    "default": _default,
    "_answer": answer,
    "_folded": folded,
    "_unless_no": unless_no,
}


def _environment() -> ImmutableSandboxedEnvironment:
    """The second wall: no globals, no tests, five filters, an error for anything undefined."""
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,  # texts and plain-text e-mails: what is not HTML must not be escaped
        undefined=jinja2.StrictUndefined,
        cache_size=0,
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters = dict(_FILTERS)
    return environment


_ENVIRONMENT: Final = _environment()
