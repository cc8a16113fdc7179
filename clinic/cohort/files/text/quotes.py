"""
Quotation marks that swallow patients.

A mark that opens in one row and is never closed, or closes rows later, makes one row of many; the
standard reader says nothing. Two kinds:

    1,"Ann,+44…          the mark is never closed, or text follows its end: no CSV; `bad_cell` says where
    2,Bob,+44…

    1,"Ann,+44…          well-formed: one cell with a line break, or two patients?
    2,Bob",+44…          `swallows` compares the lines with rows
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from stdnum.gb import nhs

_QUOTED = r'"[^"]*(?:""[^"]*)*"'
LINE_BREAK = re.compile(r"\r\n|\r|\n")


def breaks(row: Sequence[str]) -> int:
    """How many line breaks the row's cells hold."""
    return sum(len(LINE_BREAK.findall(cell)) for cell in row if "\n" in cell or "\r" in cell)


def bad_cell(record: str, delimiter: str) -> tuple[int, str]:
    """
    Where a record stops being CSV: the position of the cell, and what is wrong with it.

    "open": a mark is never closed; "stray": text follows the mark that closes; "long": more than the
    parser takes.

    Args:
        record: the file's text from the beginning of the record on, long enough to see the fault
    """
    end = rf"(?={re.escape(delimiter)}|\r|\n|\Z)"
    cell = re.compile(rf'(?:{_QUOTED}|(?!")[^{re.escape(delimiter)}\r\n]*){end}')
    place = position = 0
    while found := cell.match(record, place):
        over = len(found.group()) > csv.field_size_limit()
        if over or record[found.end() : found.end() + 1] != delimiter:
            return position, "long"
        place = found.end() + 1
        position += 1
    return position, "stray" if re.compile(_QUOTED).match(record, place) else "open"


def swallows(row: Sequence[str], *, delimiter: str, width: int, id_at: int) -> bool:
    """
    Whether a row with line breaks in its cells looks like several rows drawn into one.

    It does when it has a wrong number of cells; when one of its further lines has a true NHS number
    where ids stand; or when every line has as many cells as the heading and an id of the same shape.
    """
    if len(row) != width:
        return True
    first, *further = _lines(row, delimiter)
    ids = [line[id_at] if id_at < len(line) else "" for line in further]
    if any(nhs.is_valid(one.strip()) for one in ids):
        return True
    if any(len(line) != width for line in (first, *further)):
        return False
    return all(_alike(first[id_at], one) for one in ids)


def heading_swallows(row: Sequence[str], delimiter: str) -> bool:
    """Whether a heading of several lines holds more than a heading: a delimiter or a long number."""
    return any(
        LINE_BREAK.search(cell) and (delimiter in cell or re.search(r"\d{6}", cell)) for cell in row
    )


def _lines(row: Sequence[str], delimiter: str) -> list[list[str]]:
    """The row's lines, each cut as if it were a row of its own."""
    lines: list[list[str]] = [[]]
    for cell in row:
        first, *more = LINE_BREAK.split(cell)
        lines[-1] += first.split(delimiter) if more else [cell]
        lines += [part.split(delimiter) for part in more]
    return lines


def _alike(one: str, other: str) -> bool:
    first, second = one.replace(" ", ""), other.replace(" ", "")
    return _shape(first) == _shape(second) and abs(len(first) - len(second)) <= 2


def _shape(text: str) -> str:
    return re.sub(r"[^\W\d]+", "a", re.sub(r"\d+", "9", text))
