"""
What people see: one console for results, one for remarks, and the command to type next.

Results go to standard output, everything else to standard error, so that a pipe gets results alone.
What strangers wrote is made harmless here, for every command (cli/harmless.py).
Not a terminal, or NO_COLOR set: no colours, no boxes, one line a row, tabs between cells.
With --json standard output is one JSON document alone (cli/scripts.py), and results for people are remarks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from cli import scripts
from cli.harmless import Screen, harmless
from cli.scripts import Script
from clinic.errors import CohortError

_script = Script()
_held_back = False  # whether results must wait for the access log (cli/looks/showing.py)
_TAG = re.compile(r"\[/?[a-z ]*\]")  # the styles of our own remarks


def begin(words: Sequence[str]) -> None:
    """A command begins: whether a script reads what it tells, by what was typed."""
    global _script
    _script = Script(words, wanted=scripts.asks_for_json(words))


def refuse(code: str, says: str, exit_code: int, *, do: str = "") -> None:
    """For a script: why the command did not do what it was asked, and what to do."""
    if _script.error is None:
        _script.error = scripts.error_of(code, says, exit_code, _script.words, do=do)


def end(exit_code: int) -> None:
    """The command has ended: a script gets its document."""
    global _script
    ended, _script = _script, Script()
    if not ended.wanted:
        return
    if exit_code and not ended.told and ended.error is None:
        says = " ".join(ended.said) or "it did not do what was asked"
        ended.error = scripts.error_of("failed", says, exit_code, do=says)
    scripts.write(scripts.document(ended))


def hold_back(results: bool) -> None:
    """Whether results wait until it is logged who sees them; what is shown before fails."""
    global _held_back
    _held_back = results


def _require_logged() -> None:
    if _held_back:
        raise AssertionError("patients are shown before it is logged")


def out() -> Screen:
    """For results."""
    _require_logged()
    return _screen(_results())


def _results() -> TextIO:
    return sys.stderr if _script.wanted else sys.stdout


def err() -> Screen:
    """For remarks, progress and errors."""
    return _screen(sys.stderr)


def _screen(file: TextIO) -> Screen:
    # A patient's ":warning:" is no picture
    return Screen(file=file, highlight=False, emoji=False, soft_wrap=not file.isatty())


def show_error(error: CohortError) -> None:
    """The code, the sentence, and where more is said of it."""
    refuse(error.code, error.says, error.exit_code)
    err().print(f"[bold red]{escape(error.code)}[/]: {escape(error.says)}")
    err().print(f"[dim]More: cohort help {escape(error.code)}[/]")


def show_unforeseen(error: Exception, where: str) -> None:
    """An error of ours: its kind and its place, without its text."""
    refuse(
        "unforeseen",
        f"{type(error).__name__} at {where}",
        1,
        do="an internal error: report this line",
    )
    err().print(f"[bold red]unforeseen[/]: {type(error).__name__} at {escape(where)}")
    err().print("[dim]An internal error: report this line. What was done so far is kept.[/]")


def say(text: str) -> None:
    """A remark."""
    if _script.wanted:
        _script.said.append(_TAG.sub("", text))
    err().print(text)


def say_plain(text: str) -> None:
    """The same of a text that may hold brackets, which are no markup."""
    if _script.wanted:
        _script.said.append(text)
    err().print(text, markup=False, highlight=False)


def next_commands(*commands: str) -> None:
    """What one would type next, a line each, ready to be copied."""
    if not commands:
        return
    err().print("\n[dim]Next:[/]")
    for command in commands:
        err().print(f"  [bold]{escape(command)}[/]", soft_wrap=True)  # to be copied: never broken


def show_json(value: Any) -> None:
    """For scripts: one JSON document, times in ISO 8601 and UTC."""
    _require_logged()
    if _script.wanted:
        _script.told.append(value)
    else:
        scripts.write(value)


def show_table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()
) -> None:
    """
    A table for people; tab-separated lines when nobody is looking.

    right: the columns, counted from 0, that hold numbers
    """
    _require_logged()
    if not _results().isatty():
        if not _show_plain(headings, rows) and ":" not in title:
            say_plain(f"{title}: none")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for number, heading in enumerate(headings):
        table.add_column(
            escape(heading),
            justify="right" if number in right else "left",
            overflow="fold",
            no_wrap=number == 0,  # what one types next: in one piece
        )
    for row in rows:
        table.add_row(*(escape(_text(cell)) for cell in row))
    # Not the table's own title, which is broken where the table is narrow
    none = "" if table.row_count or ":" in title else ": none"
    screen = out()
    screen.print(f"[bold]{escape(title)}[/]{none}")
    if table.row_count:
        endless = screen.options.update(max_width=10_000)
        fits = Measurement.get(screen, endless, table).minimum <= screen.width
        screen.print(table if fits else _one_below_the_other(table))


def _one_below_the_other(table: Table) -> Group:
    """A row as lines of heading and cell: where the columns would be narrower than their words."""
    cells = [list(column.cells) for column in table.columns]
    blocks = []
    for number in range(table.row_count):
        block = Table.grid(padding=(0, 2))
        block.add_column(style="dim", no_wrap=True)
        block.add_column(overflow="fold")
        for column, values in zip(table.columns, cells, strict=True):
            if values[number]:
                block.add_row(column.header, values[number])
        blocks.append(Padding(block, (1, 0, 0, 1)))
    return Group(*blocks)


def _show_plain(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """The lines of a script; how many there are below the headings."""
    number = 0
    for number, row in enumerate((headings, *rows)):  # noqa: B007
        cells = (" ".join(_text(cell).split()) for cell in row)
        _results().write("\t".join(cells) + "\n")
    return number


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    number = isinstance(cell, int) and not isinstance(cell, bool)
    return f"{cell:,}" if number else harmless(str(cell))
