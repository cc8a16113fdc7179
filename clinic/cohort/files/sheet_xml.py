"""
What a sheet's own XML says that the reader of its cells does not: hidden rows, formulas, true extent.

The rows with something in them are counted here a second time, apart from that reader. The grid's
extent is checked before the reader is let near it: one cell in row 1,000,000 would cost gigabytes.
expat is used bare, with document types refused, because the safe wrappers cost four times as much
and spreadsheets have no document types.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from xml.parsers import expat

from clinic.cohort.files.workbook import damaged


@dataclass
class Extent:
    """Rows and columns of one sheet, counted from 1."""

    hidden_rows: list[range] = field(default_factory=list)
    hidden_columns: list[range] = field(default_factory=list)
    rows: int = 0  # rows with something in a cell
    last_row: int = 0  # the last of those
    last_column: int = 0
    uncomputed: int = 0  # the first row with a formula whose value was never computed

    def add(self, rows: range, column: int) -> None:
        """Something stands in these rows, up to this column."""
        self.rows += len(rows)
        self.last_row = max(self.last_row, rows.stop - 1)
        self.last_column = max(self.last_column, column)


class _Handler(Protocol):
    extents: list[Extent]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def text(self, data: str) -> None:
        """Text within it."""

    def end(self, name: str) -> None:
        """An element ends."""


def extents_of(path: Path, part: str, *, kind: str) -> list[Extent]:
    """
    Read the XML of the sheets in one part, a piece at a time.

    Args:
        part: where it is in the archive
        kind: "xlsx", one sheet a part; or "ods", all sheets in one, in their order

    Raises:
        ListRefused: XML that is broken or has a document type
    """
    handler: _Handler = _Excel() if kind == "xlsx" else _OpenDocument()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.CharacterDataHandler = handler.text
    parser.EndElementHandler = handler.end
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, LookupError, ValueError, EOFError, zlib.error, zipfile.BadZipFile):
        # LookupError: no such part, or an encoding that does not exist
        raise damaged(path.name) from None
    return handler.extents


def _refuse_document_type(*_: Any) -> None:
    raise ValueError


@lru_cache(maxsize=1000)
def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Excel:
    """worksheet / sheetData / row / c / v, f, is / t (ECMA-376 part 1, 18.3.1)."""

    def __init__(self) -> None:
        self._extent = Extent()
        self.extents = [self._extent]
        self._row = self._column = self._last = 0
        self._in_value = self._formula = self._value = self._filled = False
        self._text_result = self._hidden = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = _local(name)
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t", "is"):
            self._in_value = name != "is"
            self._filled = True
        elif name == "f":
            self._formula = self._filled = True
        elif name == "row":
            self._start_row(attributes)
        elif name == "col" and _true(attributes.get("hidden")):
            span = range(int(attributes["min"]), int(attributes["max"]) + 1)
            self._extent.hidden_columns.append(span)

    def text(self, data: str) -> None:
        self._value |= self._in_value

    def end(self, name: str) -> None:
        name = _local(name)
        if name in ("v", "t"):
            self._in_value = False
        elif name == "c":
            self._end_cell()
        elif name == "row" and self._last:
            self._extent.add(range(self._row, self._row + 1), self._last)

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        number = int(attributes.get("r", self._row + 1))
        if number <= self._row:
            raise ValueError  # one row twice: a reader would lay one over the other
        self._row, self._column, self._last = number, 0, 0
        self._hidden = _true(attributes.get("hidden"))
        if self._hidden:
            self._extent.hidden_rows.append(range(number, number + 1))

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._column = self._column_in(attributes["r"]) if "r" in attributes else self._column + 1
        self._text_result = attributes.get("t") == "str"
        self._formula = self._value = self._filled = False

    def _column_in(self, reference: str) -> int:
        letters = reference.removesuffix(str(self._row))
        if letters == reference:
            raise ValueError  # a reader would put the cell into another patient's row
        return _column_of(letters)

    def _end_cell(self) -> None:
        if self._filled:
            self._last = max(self._last, self._column)
        if not self._value and self._formula and not self._text_result and not self._hidden:
            self._extent.uncomputed = self._extent.uncomputed or self._row


class _OpenDocument:
    """spreadsheet / table / table-row / table-cell / p (OpenDocument 1.3 part 3, 9)."""

    def __init__(self) -> None:
        self.extents: list[Extent] = []
        self._depth = 0  # of tables within tables, which are not read
        self._rows = range(1, 1)
        self._column = self._last = self._columns = 0
        self._repeated = 1
        self._filled = self._remark = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = _local(name)
        if name == "table":
            self._start_table()
        elif self._depth != 1:
            return
        elif name in ("table-cell", "covered-table-cell"):
            self._repeated = int(attributes.get("table:number-columns-repeated", 1))
            # Whatever the reader may take for a value, also where its type is missing
            self._filled = any(name.startswith(("office:", "calcext:")) for name in attributes)
        elif name == "table-row":
            self._start_row(attributes)
        elif name == "table-column":
            self._start_column(attributes)
        elif name == "annotation":
            self._remark = True

    def text(self, data: str) -> None:
        self._filled |= self._depth == 1 and not self._remark and not data.isspace()

    def end(self, name: str) -> None:
        name = _local(name)
        if name == "table":
            self._depth -= 1
        elif self._depth != 1:
            return
        elif name in ("table-cell", "covered-table-cell"):
            self._column += self._repeated
            self._last = self._column if self._filled else self._last
            self._filled = False
        elif name == "table-row" and self._last:
            self.extents[-1].add(self._rows, self._last)
        elif name == "annotation":
            self._remark = False

    def _start_table(self) -> None:
        self._depth += 1
        if self._depth == 1:
            self.extents.append(Extent())
            self._rows = range(1, 1)
            self._columns = 0

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        first = self._rows.stop
        self._rows = range(first, first + int(attributes.get("table:number-rows-repeated", 1)))
        self._column = self._last = 0
        if _out_of_sight(attributes):
            self.extents[-1].hidden_rows.append(self._rows)

    def _start_column(self, attributes: Mapping[str, str]) -> None:
        first = self._columns + 1
        self._columns += int(attributes.get("table:number-columns-repeated", 1))
        if _out_of_sight(attributes):
            self.extents[-1].hidden_columns.append(range(first, self._columns + 1))


def _true(value: str | None) -> bool:
    return value in ("1", "true")


def _out_of_sight(attributes: Mapping[str, str]) -> bool:
    return attributes.get("table:visibility") in ("collapse", "filter")


@lru_cache(maxsize=1000)
def _column_of(letters: str) -> int:
    """The column of "AB", counted from 1."""
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError
        column = column * 26 + ord(letter) - ord("A") + 1
    return column
