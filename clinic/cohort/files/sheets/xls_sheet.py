"""The first visible sheet of an .xls: its cells, what of it is hidden, and how its numbers are shown."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlrd.biffh import (
    XL_CELL_BLANK,
    XL_CELL_BOOLEAN,
    XL_CELL_DATE,
    XL_CELL_EMPTY,
    XL_CELL_ERROR,
    XL_CELL_NUMBER,
    XL_CELL_TEXT,
    error_text_from_code,
)
from xlrd.xldate import xldate_as_datetime

from clinic.cohort.files.limits import Limits
from clinic.cohort.files.notices import Notices
from clinic.cohort.files.sheets.extent import Extent
from clinic.cohort.files.sheets.sheet import SheetTable, no_sheet, refuse_extent, table_of
from clinic.cohort.files.sheets.shown import is_date, is_elapsed, is_known
from clinic.cohort.files.sheets.workbook import damaged
from clinic.cohort.files.sheets.xls_book import CellsOnly, SheetsOnly, open_book, open_cells
from clinic.errors import ListRefused

_DAYS = 2_957_003  # dates before the year 10,000, whichever day is the first
_HALF_A_SECOND = datetime.timedelta(milliseconds=500)


@dataclass
class Grid:
    """Rows of values, of equal width, from the sheet's first row and column."""

    rows: list[list[Any]] = field(default_factory=list)
    width: int = 0

    @property
    def start(self) -> tuple[int, int] | None:
        """The first row and column."""
        return (0, 0) if self.rows else None

    @property
    def end(self) -> tuple[int, int] | None:
        """The last row and column."""
        return (len(self.rows) - 1, self.width - 1) if self.rows else None

    def iter_rows(self) -> Iterator[list[Any]]:
        """Every row down to the last that is filled."""
        for row in self.rows:
            yield row + [""] * (self.width - len(row))


def open_xls(path: Path, limits: Limits, notices: Notices, *, headings: bool = True) -> SheetTable:
    """
    The first visible sheet, without hidden rows and columns; how many those are is noted.

    Raises:
        ListRefused: no sheet, damaged, encrypted, too old or no workbook at all, too large
    """
    name, book = path.name, open_book(path)
    number = book.first_visible()
    if number is None:
        raise no_sheet(name)
    notices.add("other_sheets", count=book.sheets - 1)
    reader = _Reader(book, open_cells(name, book, number))
    try:
        reader.read()
    except (LookupError, ValueError, OverflowError):
        raise damaged(name) from None
    _refuse_characters(name, reader.characters, limits)
    refuse_extent(name, reader.extent, limits)
    notices.add("format_unknown", count=reader.extent.unknown_formats)
    notices.add("empty_formula", reader.empty)
    return table_of(
        name, "xls", reader.grid, reader.extent, limits=limits, notices=notices, headings=headings
    )


def _refuse_characters(name: str, characters: int, limits: Limits) -> None:
    # The file holds a text once, however many cells show it
    if characters > limits.unpacked_bytes:
        raise ListRefused(
            "list-unpacks-too-large",
            f"{name} shows {characters:,} characters; at most {limits.unpacked_bytes:,} are read. "
            "Copy the list alone into a new workbook, or save it as CSV.",
        )


class _Reader:
    """Takes a sheet row by row: what is hidden, how numbers are shown, every value."""

    def __init__(self, book: SheetsOnly, sheet: CellsOnly) -> None:
        self._book, self._sheet = book, sheet
        self._codes: dict[int, str] = {}  # of each column, as its last number has it
        self.extent = Extent()
        self.grid = Grid()
        self.empty: list[int] = []  # rows with a text that is empty: of a formula, mostly
        self.characters = 0

    def read(self) -> None:
        for column, info in self._sheet.colinfo_map.items():
            if info.hidden or not info.width:
                self.extent.hidden_columns.append(range(column + 1, column + 2))
        for at in range(self._sheet.nrows):
            row = self._sheet.rowinfo_map.get(at)
            hidden = bool(row.hidden if row else self._sheet.default_row_hidden)
            if hidden:
                self.extent.hidden_rows.append(range(at + 1, at + 2))
            self._read_row(at, hidden)
        del self.grid.rows[self.extent.last_row :]
        self.grid.width = self.extent.last_column

    def _read_row(self, at: int, hidden: bool) -> None:
        kinds, values = self._sheet.row_types(at), self._sheet.row_values(at)
        for column, kind in enumerate(kinds):
            if kind == XL_CELL_TEXT:
                self.characters += len(values[column])
                if not (values[column] or hidden):
                    self.empty.append(at + 1)
            elif kind not in (XL_CELL_EMPTY, XL_CELL_BLANK):
                code = _code(self._book, self._sheet.cell_xf_index(at, column))
                values[column] = _value(kind, values[column], code, self._book.datemode)
                if kind in (XL_CELL_NUMBER, XL_CELL_DATE):
                    self._note_format(at + 1, column, code, hidden)
        while values and values[-1] == "":
            values.pop()
        self.grid.rows.append(values)
        if values:
            self.extent.add(range(at + 1, at + 2), len(values))

    def _note_format(self, number: int, column: int, code: str, hidden: bool) -> None:
        if self._codes.get(column, "") != code:
            self._codes[column] = code
            self.extent.formats.setdefault(number, []).append((column, code))
        self.extent.unknown_formats += not (hidden or is_known(code))


def _code(book: SheetsOnly, style: int) -> str:
    """The number format of a style, "" if it has none that is known."""
    form = book.format_map.get(book.xf_list[style].format_key)
    return (form.format_str if form else None) or ""


def _value(kind: int, value: Any, code: str, datemode: int) -> Any:
    if kind == XL_CELL_BOOLEAN:
        return bool(value)
    if kind == XL_CELL_ERROR:
        return error_text_from_code.get(value, "#VALUE!")
    if kind == XL_CELL_DATE or is_date(code):
        return _moment(value, code, datemode)
    return value


def _moment(value: float, code: str, datemode: int) -> Any:
    """Days since the first as a time, a day or both; a number that is no date stays one."""
    if not 0 <= value < _DAYS:
        return value
    if is_elapsed(code):
        return datetime.timedelta(days=value)
    moment = xldate_as_datetime(value, datemode) + _HALF_A_SECOND
    moment = moment.replace(microsecond=0)
    if value < 1:
        return moment.time()
    return moment.date() if moment.time() == datetime.time() else moment
