"""Which columns of a list are kept, as it is typed and told: --keep, what is asked, what is not kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from cli import console

if TYPE_CHECKING:
    from clinic.cohort.keeping import Kept

_WAY = (
    "--keep takes a column's heading, = and why it is needed: "
    '--keep "Last seen=reception asks when they were here"'
)


def reasons_of(typed: Sequence[str], says: str) -> dict[str, str]:
    """
    What was typed as NAME=REASON: name → reason.

    Raises:
        CohortRefused: it is no such pair, and how it is
    """
    from clinic.errors import CohortRefused

    pairs = [one.partition("=") for one in typed]
    if any(not (name.strip() and reason.strip()) for name, _, reason in pairs):
        raise CohortRefused("request-invalid", says)
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def asked_for(typed: Sequence[str], *, yes: bool) -> dict[str, str]:
    """
    The columns that are kept besides, with the reasons; a person is asked about those that look delicate.

    Raises:
        NotAllowed: nobody said yes to one that looks clinical or like free text
    """
    from clinic.cohort.keeping import looks_delicate
    from clinic.errors import NotAllowed

    asked = reasons_of(typed, _WAY)
    for heading in asked:
        kind = looks_delicate(heading)
        if not kind or yes:
            continue
        question = f"The column {heading!r} looks {kind}. Keep it with the list, for all who may see lists?"
        if not (sys.stdin.isatty() and typer.confirm(question, default=False, err=True)):
            raise NotAllowed(
                "keep-not-confirmed",
                f"the column {heading!r} looks {kind}: nothing was imported. Leave it out, and join the file "
                "when you need it (cohort outcomes --with FILE); or say yes to it: --yes",
            )
    return asked


def say_not_kept(columns: Sequence[str], kept: Kept | None) -> None:
    """What of the file is not kept, with names and counts; and what is kept because somebody asked."""
    if kept is None:
        return
    if kept.left:
        _say("[bold]Not kept[/] of the file", {columns[n]: f"{c:,}" for n, c in kept.left.items()})
    if kept.reasons:
        _say("[bold]Kept because you asked[/]", kept.reasons)


def _say(what: str, columns: Mapping[str, str]) -> None:
    named = ", ".join(f"{escape(name)} ({escape(says)})" for name, says in columns.items())
    console.say(f"{what}: {named}")
