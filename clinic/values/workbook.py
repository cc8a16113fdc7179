"""
Excel workbooks, a row in memory at a time: what a million rows take, a thousand take too.

Every cell is a text: no formula runs, and no number loses its zeros (ACX-27). What the library writes on
the way goes to a folder that the caller names, closed to others: never to the machine's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

EXCEL_ROWS: Final = 1_048_576  # of a sheet, its heading included
_WIDTH: Final = 18


class Workbook(AbstractContextManager["Workbook"]):
    """A workbook that is whole once the block is left."""

    def __init__(self, path: Path, *, drafts: Path, most: int = EXCEL_ROWS) -> None:
        """
        Args:
            drafts: a folder closed to others, for what the library writes on the way
            most: rows a sheet
        """
        import xlsxwriter

        options = {
            "constant_memory": True,
            "tmpdir": str(drafts),
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.use_zip64()
        self._most = most

    def add_sheet(self, name: str, headings: Sequence[str]) -> Sheet:
        """Begin a sheet; those before it take no more rows."""
        return Sheet(self._book, name, headings, self._most)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._book.close()


class Sheet:
    """Texts below bold headings; rows beyond what a sheet holds go on in a second one of the same name."""

    def __init__(self, book: Any, name: str, headings: Sequence[str], most: int) -> None:
        self._book, self._name, self._headings, self._most = book, name, headings, most
        self._bold = book.add_format({"bold": True})
        self._sheets = 0
        self._begin()

    def _begin(self) -> None:
        self._sheets += 1
        number = f" {self._sheets}" if self._sheets > 1 else ""
        self._sheet = self._book.add_worksheet(f"{self._name}{number}")
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(self._headings) - 1, _WIDTH)
        self._row = 0
        self._put(self._headings, self._bold)

    def _put(self, texts: Iterable[str], *style: object) -> None:
        for column, text in enumerate(texts):
            if text:
                self._sheet.write_string(self._row, column, text, *style)
        self._row += 1

    def write(self, rows: Iterable[Iterable[str]]) -> int:
        """Write these after those before; how many."""
        count = 0
        for texts in rows:
            if self._row == self._most:
                self._begin()
            self._put(texts)
            count += 1
        return count
