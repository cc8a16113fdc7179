"""CSV and TSV as a table: strictly as RFC 4180 has it, and every line accounted for."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from clinic.cohort.columns import column_name
from clinic.cohort.files.limits import Limits
from clinic.cohort.files.pages import Page, page_of
from clinic.cohort.files.text.quotes import bad_cell, breaks
from clinic.cohort.files.text.scan import Scan
from clinic.errors import ListRefused


@dataclass(frozen=True)
class TextTable:
    """A text file whose delimiter and headings are known (`heading.py` finds them)."""

    path: Path
    scan: Scan
    limits: Limits
    delimiter: str
    columns: tuple[str, ...]
    heading_row: int  # as the spreadsheet shows it
    sep_line: bool  # the file begins with Excel's "sep=;", which the spreadsheet does not show
    spaced: bool = False  # a space may stand before a cell's quotation mark
    titles: tuple[int, ...] = ()  # rows above the heading

    def pages(self, size: int) -> Iterator[Page]:
        """
        Every row under the heading.

        Raises:
            ListRefused: quotation marks that are no CSV, or lines that do not add up to rows
        """
        with open_text(self.path, self.scan.encoding, sep_line=self.sep_line) as text:
            records = _Records(text, self.delimiter, spaced=self.spaced)
            try:
                records.take(self.heading_row)
                number = self.heading_row + 1
                while rows := records.take(size):
                    page = page_of(rows, list(range(number, number + len(rows))))
                    if records.spanning:
                        page.spanning = [i for i, row in enumerate(page.rows) if breaks(row)]
                    yield page
                    number += len(rows)
            except csv.Error:
                raise self._bad_quotes() from None
            self._refuse_lost(records)

    def _refuse_lost(self, records: _Records) -> None:
        """The lines that the parser made into rows must be all that the bytes have."""
        used = records.accounted + self.sep_line
        if used != self.scan.lines:
            raise ListRefused(
                "list-rows-lost",
                f"{self.path.name}: the file has {self.scan.lines:,} lines but its rows account for "
                f"{used:,}. It may have been changed while it was read; try again.",
            )

    def _bad_quotes(self) -> ListRefused:
        """Which cell the marks go wrong in; reads the file again up to there."""
        with open_text(self.path, self.scan.encoding, sep_line=self.sep_line) as text:
            good, lines = _good_records(text, self.delimiter, spaced=self.spaced)
        with open_text(self.path, self.scan.encoding, sep_line=self.sep_line) as text:
            next(itertools.islice(text, lines, lines), None)
            record = text.read(self.limits.line_bytes)
        if self.spaced:
            record = re.sub(rf'({re.escape(self.delimiter)}) +"', r'\1"', record)
        return bad_quotes(
            record, self.delimiter, row=good + 1, columns=self.columns, file_name=self.path.name
        )


class _Records:
    """`csv.reader` by the handful, which keeps account of the lines."""

    def __init__(self, text: TextIO, delimiter: str, *, spaced: bool = False) -> None:
        self._reader = csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=spaced)
        self.accounted = 0  # lines that are rows, or line breaks in their cells
        self.spanning = False  # whether the last handful has line breaks in its cells

    def take(self, size: int) -> list[list[str]]:
        before = self._reader.line_num
        rows = list(itertools.islice(self._reader, size))
        self.spanning = self._reader.line_num - before != len(rows)
        self.accounted += len(rows)
        if self.spanning:
            self.accounted += sum(map(breaks, rows))
        return rows


def open_text(path: Path, encoding: str, *, sep_line: bool = False) -> TextIO:
    """The file's text, lines ended as they are; bytes that are no text become lone surrogates."""
    # UTF-16 was decoded strictly by the scan; the escape does not exist for it
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    text = io.TextIOWrapper(path.open("rb"), encoding=encoding, errors=errors, newline="")
    if sep_line:
        text.readline()
    return text


def bad_quotes(
    record: str, delimiter: str, *, row: int, columns: tuple[str, ...], file_name: str
) -> ListRefused:
    """The refusal for a record that is no CSV."""
    position, fault = bad_cell(record, delimiter)
    where = f"{file_name}: row {row:,}, {column_name(columns, position)}"
    if fault == "long":
        return ListRefused(
            "list-cell-too-long",
            f"{where}: a cell is far too long, as when a quotation mark is missing. "
            "Fix the quotation marks in this row.",
        )
    what = (
        "a quotation mark opens the cell and is never closed"
        if fault == "open"
        else "text follows the quotation mark that closes the cell, "
        "as when one is missing in this row or in the one that the cell runs into"
    )
    return ListRefused(
        "list-quotes",
        f"{where}: {what}. Read on, it would swallow the patients of the following rows. "
        "Close or delete the mark, or double it if it belongs to the text.",
    )


def _good_records(text: TextIO, delimiter: str, *, spaced: bool) -> tuple[int, int]:
    """How many records can be read before the first that cannot, and their lines."""
    reader = csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=spaced)
    good = lines = 0
    try:
        for _ in reader:
            good, lines = good + 1, reader.line_num
    except csv.Error:
        pass
    return good, lines
