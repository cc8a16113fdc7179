"""
The checks of a list as one web page: to be opened from a disk, mailed to a colleague, or printed.

It holds counts, sentences of ours and the title it is given: no patient, no row's values. It is whole
in itself: no script, no font, no link to anywhere, and its content policy forbids the browser to
fetch anything. Why not the Data Docs of Great Expectations: docs/decisions/0005-no-data-docs.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from clinic.cohort.outcomes import OUTCOMES
from data_checks.gate.checks import percent
from data_checks.gate.verdict import Check, Verdict

_PAGE: Final = Path(__file__).with_name("report.html.j2")

# What a person is told of a verdict: a word, and what follows from it. The word is never left to colour
HEADLINES = {
    "pass": ("Passed", "Nothing speaks against using this list."),
    "warn": ("Look first", "The list can be used; read the remarks below before you do."),
    "stop": (
        "Stopped",
        "Nothing is sent. Do what the failed checks say, and import the list again.",
    ),
}
_KINDS = {"ready": "Ready", "left_out": "Left out", "error": "To fix", "sent": "Sent"}
_ORDER = ("stop", "warn", "pass")


@dataclass(frozen=True)
class Remark:
    """Something noticed in a list; `where` names rows or columns, never a value."""

    says: str
    count: int
    where: str = ""


@dataclass(frozen=True)
class Facts:
    """A further table, of what a file is: texts and counts, never a row's values."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def render_html(
    title: str,
    verdicts: Mapping[str, Verdict],
    counts: Mapping[str, int],
    *,
    counted: str = "Rows by outcome",
    sentences: Mapping[str, str] | None = None,
    remarks: Iterable[Remark] | None = None,
    facts: Iterable[Facts] = (),
) -> str:
    """
    The page.

    Args:
        title: what was checked: a list's or a file's name
        verdicts: heading → verdict, in the order in which they were given
        counts: code of clinic.cohort.outcomes → rows
        counted: what `counts` counts
        sentences: code → what to say of it here instead of what the vocabulary says
        remarks: what was noticed while the list was read; none given: not looked for
        facts: further tables, below all others
    """
    outcomes = {verdict.outcome for verdict in verdicts.values()}
    overall = next((outcome for outcome in _ORDER if outcome in outcomes), "warn")
    total = sum(counts.values())
    return _template().render(
        title=title,
        overall=overall,
        headline=HEADLINES[overall],
        verdicts=verdicts,
        result=_result,
        rows=[_count_row(code, rows, total, sentences or {}) for code, rows in counts.items()],
        total=total,
        counted=counted,
        remarks=None if remarks is None else list(remarks),
        facts=list(facts),
        percent=percent,
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_PAGE.read_text(encoding="utf-8"))


def _result(check: Check) -> tuple[str, str]:
    """A check's mark: the class of its colour, and the word."""
    if check.stops:
        return "stop", "could not run" if check.errored else "failed"
    return ("pass", "passed") if check.passed else ("warn", "look first")


def _count_row(
    code: str, rows: int, total: int, sentences: Mapping[str, str]
) -> dict[str, str | int | float]:
    outcome = OUTCOMES.get(code)
    return {
        "code": code,
        "rows": rows,
        "kind": _KINDS.get(outcome.kind, "Open") if outcome else "",
        "says": sentences.get(code, outcome.says if outcome else ""),
        "part": rows / (total or 1),
    }
