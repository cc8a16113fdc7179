"""Where the headings are and what parts them: the delimiter is the one that makes most sense of them."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clinic.cohort.columns import column_letter, recognised
from clinic.cohort.files.limits import Limits
from clinic.cohort.files.pages import is_blank
from clinic.cohort.files.text.quotes import heading_swallows
from clinic.cohort.files.text.scan import Scan
from clinic.cohort.files.text.table import TextTable, bad_quotes, open_text
from clinic.cohort.files.titles import Row, heading_among
from clinic.errors import ListRefused
from clinic.values.formula import plain_cell

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
# Excel's own first line, which names the delimiter
_SEP = re.compile(r"sep=([,;\t|])\s*\Z", re.IGNORECASE)
# A heading stands within this many lines, however many of them are blank
_LINES = 100
# Cells that no heading has: long numbers, dates, e-mail addresses
_OF_A_PATIENT = re.compile(r"\+?[\d ]{9,}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class _Guess:
    delimiter: str
    row: int
    cells: list[str]
    spaced: bool = False  # "NHS Number", "Mobile": a space before the quotation mark
    titles: tuple[int, ...] = ()  # rows above it that are no heading

    @property
    def sense(self) -> tuple[int, int]:
        return recognised(self.cells), len(self.cells)


def find_table(path: Path, scan: Scan, limits: Limits) -> TextTable:
    """
    The file as a table, its headings read.

    Raises:
        ListRefused: no headings, or quotation marks that are no CSV among them
    """
    with open_text(path, scan.encoding) as text:
        lines = list(itertools.islice(text, _LINES))
    named = _SEP.match(lines[0]) if lines else None
    if named:
        del lines[0]
    delimiters = [named.group(1).lower()] if named else list(DELIMITERS)
    guesses = [guess for delimiter in delimiters if (guess := _guess(lines, delimiter))]
    if not guesses:
        raise ListRefused(
            "list-empty", f"{path.name} holds no headings and no rows. Export the list again."
        )
    best = max(guesses, key=lambda guess: guess.sense)
    _refuse_bad_quotes(path.name, lines, best)
    if heading_swallows(best.cells, best.delimiter):
        raise ListRefused(
            "list-rows-swallowed",
            f"{path.name}: row {best.row}: a quotation mark makes one heading of several lines with "
            "more than a heading in them. Delete the mark, or the line break.",
        )
    columns = tidy_headings(best.cells, file_name=path.name, row=best.row, limits=limits)
    return TextTable(
        path,
        scan,
        limits,
        best.delimiter,
        columns,
        best.row,
        named is not None,
        spaced=best.spaced,
        titles=best.titles,
    )


def _guess(lines: list[str], delimiter: str) -> _Guess | None:
    """The heading, read leniently: its marks are judged once the delimiter is known."""
    try:
        found = heading_among(_filled_rows(lines, delimiter, spaced=False))
        if not found:
            return None
        (number, cells), titles = found
        spaced = any(cell.startswith(" ") and cell.lstrip(" ")[:1] == '"' for cell in cells)
        if spaced and (again := heading_among(_filled_rows(lines, delimiter, spaced=True))):
            (number, cells), titles = again
    except csv.Error:  # a cell beyond the reader's own limit
        return _Guess(delimiter, 1, [])
    return _Guess(delimiter, number, cells, spaced, titles)


def _filled_rows(lines: list[str], delimiter: str, *, spaced: bool) -> Iterator[Row]:
    """Up to the first that is no CSV; that one is refused in its place, if it is not the very first."""
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced)
    first = True
    try:
        for number, cells in enumerate(rows, 1):
            if not is_blank(cells):
                first = False
                yield number, cells
    except csv.Error:
        if first:
            raise


def _refuse_bad_quotes(name: str, lines: list[str], guess: _Guess) -> None:
    rows = csv.reader(lines, delimiter=guess.delimiter, strict=True, skipinitialspace=guess.spaced)
    try:
        next(itertools.islice(rows, guess.row - 1, None))
    except csv.Error:
        # Blank lines and titles, one each, are above
        record = "".join(lines[guess.row - 1 :])
        raise bad_quotes(
            record, guess.delimiter, row=guess.row, columns=(), file_name=name
        ) from None


def tidy_headings(
    cells: Sequence[str], *, file_name: str, row: int, limits: Limits
) -> tuple[str, ...]:
    """
    The headings without space around them and without empty ones at the end.

    An empty one in between is named after its column, "(column C)"; so is each of several that are
    equal, "Note (column C)", so that none can be taken for another.

    Raises:
        ListRefused: too many columns, or the row is a patient and not headings
    """
    headings = [plain_cell(cell).strip() for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > limits.columns:
        raise ListRefused(
            "list-too-many-columns",
            f"{file_name}: row {row} has {len(headings):,} columns; the most that is read is "
            f"{limits.columns}. Leave out those that are not needed.",
        )
    for position, heading in enumerate(headings):
        if _OF_A_PATIENT.fullmatch(heading):
            raise ListRefused(
                "list-no-heading",
                f"{file_name}: row {row}, column {column_letter(position)} holds a number, a date or "
                "an e-mail address where a heading should be. "
                "Put a row with headings, such as 'NHS Number', on top.",
            )
    often = Counter(headings)
    return tuple(
        f"{heading} (column {column_letter(position)})".strip()
        if often[heading] > 1 or not heading
        else heading
        for position, heading in enumerate(headings)
    )
