"""
Templates: Jinja2, of which only a small and harmless part is allowed.

    body ─► parse ─► check (grammar.py) ─► compile in Jinja's sandbox (sandbox.py) ─► render 1000 rows

Values are made inert text first (inert.py); Jinja never sees an object. One call renders a whole
batch, at a quarter of the cost of a call a row.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import jinja2
import pandas as pd

from clinic.errors import TemplateRefused
from clinic.message.template.grammar import check, meant_column
from clinic.message.template.inert import inert
from clinic.message.template.sandbox import BETWEEN, Slot, compile_tree, parse

LONGEST_BODY: Final = 20_000  # characters

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class CompiledTemplate:
    """
    A template fit to be rendered; made by `compile_template`.

    variables: every name it may use, dotted ("patient.given_name"), in the order of the text
    required: those without which a message would have a hole: printed outside any `if` and without
        `default`, or printed inside one without ever being asked about
    """

    body: str
    variables: tuple[str, ...]
    required: tuple[str, ...]
    _slots: tuple[Slot, ...] = field(repr=False, compare=False)
    _compiled: jinja2.Template = field(repr=False, compare=False)

    def render(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """
        One message a row.

        Args:
            rows: values by dotted name; a name that is not there, None, NaN and "" all mean "none"
        """
        columns = {name: [row.get(name) for row in rows] for name in self.variables}
        return self._render(columns, len(rows))

    def render_frame(self, frame: pd.DataFrame) -> list[str]:
        """One message a row of a frame whose columns have dotted names; quicker than `render`."""
        columns = {name: frame[name].tolist() for name in self.variables if name in frame}
        return self._render(columns, len(frame))

    def _render(self, columns: Mapping[str, list[Any]], count: int) -> list[str]:
        filled = [slot.fill(columns.get(slot.variable, [None] * count)) for slot in self._slots]
        rows: Iterable[Any] = zip(*filled, strict=True) if filled else range(count)
        messages = self._compiled.render(rows=rows).split(BETWEEN)[:-1]
        if len(messages) != count:
            raise RuntimeError("a batch was not rendered to one message a row")
        return messages


@functools.lru_cache(maxsize=64)
def compile_template(body: str, *, allowed: frozenset[str]) -> CompiledTemplate:
    """
    Check a template and compile it; the same text again is not, since each step of a campaign asks.

    Args:
        allowed: the variables there are: patient.*, appointment.*, organisation.*, facility.*,
            provider.* and list.* (clinic/message/template/variables.py has them)

    Raises:
        TemplateRefused: `template-empty`, `template-too-long`, `template-control-character`,
            `template-syntax`, `template-not-allowed`, `template-variable`, `template-too-complex`;
            with the line
    """
    _check_text(body)
    try:
        tree = parse(body)
        usage = check(tree, allowed)
        slots, compiled = compile_tree(tree)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateRefused(
            "template-syntax",
            f"Line {error.lineno}: {(error.message or '').rstrip('.')}. "
            + (meant_column(body, allowed) or "Check brackets and endif."),
        ) from None
    except TemplateRefused as refused:
        hint = meant_column(body, allowed) if refused.code == "template-not-allowed" else ""
        raise TemplateRefused(refused.code, f"{refused.says} {hint}".strip()) from None
    except (RecursionError, ValueError, OverflowError, MemoryError, SyntaxError):
        raise TemplateRefused(
            "template-too-complex", "Something in it is nested too deep or too long. Simplify."
        ) from None
    return CompiledTemplate(body, tuple(usage.variables), usage.required(), slots, compiled)


class Requires(Protocol):
    """One compiled text, or several that go together."""

    @property
    def required(self) -> tuple[str, ...]:
        """The variables without which a message would have a hole."""


def missing_variables(template: Requires, frame: pd.DataFrame) -> pd.Series[str]:
    """The first required variable that each row of the frame lacks, or "" (ARC-9). Same index."""
    missing = pd.Series("", index=frame.index, dtype="str")
    for name in reversed(template.required):
        if name not in frame:
            missing[:] = name
            continue
        column = frame[name]
        lacks = column.isna() | (column.astype("str").str.strip() == "")
        missing = missing.mask(lacks, name)
    return missing


def values_too_long(frame: pd.DataFrame, longest: int) -> pd.Series[str]:
    """
    The first variable of each row whose value is longer than allowed, with both lengths, or "". Same index.

    A value is never cut: half a sentence says something else.
    """
    found = pd.Series("", index=frame.index, dtype="str")
    for name in reversed(list(frame)):
        lengths = [
            len(inert(v)) if isinstance(v, str) and len(v) > longest else 0 for v in frame[name]
        ]
        for row, length in zip(frame.index, lengths, strict=True):
            if length > longest:
                found.at[row] = f"{name}: {length:,} characters, {longest:,} allowed"
    return found


def _check_text(body: str) -> None:
    if not body.strip():
        raise TemplateRefused("template-empty", "The template has no text. Write the message.")
    if len(body) > LONGEST_BODY:
        raise TemplateRefused(
            "template-too-long",
            f"The template has {len(body):,} characters; {LONGEST_BODY:,} are allowed. Shorten it.",
        )
    if found := _CONTROL.search(body):
        line = body.count("\n", 0, found.start()) + 1
        raise TemplateRefused(
            "template-control-character",
            f"Line {line}: a control character that cannot be printed. Type that line again.",
        )
