"""
Writes tables to a CSV or Excel file, row by row: a million rows take no more memory than a thousand.

    exports/                 0700
    exports/export-7.part/   what is being written; nobody reads it, and a new try begins by removing it
    exports/export-7.csv     0600; it appears whole or not at all (written, synced, renamed)

Every cell is text, guarded against what spreadsheets do to it (clinic/values/formula.py). No patient
data is in a name, and none in the machine's own temporary directory: Excel's parts are written beside.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from clinic.values.formula import safe_cell

EXCEL_ROWS: Final = 1_048_576  # of a sheet, its heading included
_BLOCK: Final = 1 << 20


class Table(Protocol):
    """Where the rows of one sheet go."""

    def write(self, rows: Iterable[Sequence[Any]]) -> int:
        """Write these after those before; how many."""


@dataclass(frozen=True)
class Written:
    """A whole file. `rows` are without headings."""

    name: str
    sha256: str
    size: int
    rows: int


def cell_text(value: Any, zone: ZoneInfo) -> str:
    """A value as people read it, safe in a spreadsheet: ISO 8601 days, instants by the zone's clock."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return safe_cell(str(value))


class CsvTable:
    """A CSV file (RFC 4180, UTF-8 with a mark so that Excel reads it right) with one table."""

    def __init__(self, path: Path, headings: Sequence[str], zone: ZoneInfo) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(headings)
        self._zone = zone

    def write(self, rows: Iterable[Sequence[Any]]) -> int:
        """Write these after those before; how many."""
        texts = [[cell_text(value, self._zone) for value in row] for row in rows]
        self._writer.writerows(texts)
        return len(texts)

    def close(self) -> None:
        """All of it is handed to the system."""
        self._file.close()


class ExcelTable:
    """A sheet of a workbook; rows beyond what a sheet holds go on in a second one of the same name."""

    def __init__(
        self, workbook: Any, name: str, headings: Sequence[str], zone: ZoneInfo, most: int
    ) -> None:
        self._workbook, self._name, self._headings = workbook, name, headings
        self._zone, self._most = zone, most
        self._sheets = 0
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheets += 1
        number = f" {self._sheets}" if self._sheets > 1 else ""
        self._sheet = self._workbook.add_worksheet(f"{self._name}{number}")
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(self._headings) - 1, 18)
        self._row = 0
        self._put(self._headings)

    def _put(self, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts):
            if text:
                self._sheet.write_string(self._row, column, text)
        self._row += 1

    def write(self, rows: Iterable[Sequence[Any]]) -> int:
        """Write these after those before; how many."""
        count = 0
        for row in rows:
            if self._row == self._most:
                self._begin_sheet()
            self._put([cell_text(value, self._zone) for value in row])
            count += 1
        return count


class ExportFile(AbstractContextManager["ExportFile"]):
    """
    A file that gets its name when it is whole. Leave the block, then `publish`; nothing is left of a block
    that raised.

    Raises:
        FileExistsError: another process is writing it at this very instant
    """

    def __init__(
        self, folder: Path, stem: str, format_: str, zone: ZoneInfo, *, most: int = EXCEL_ROWS
    ) -> None:
        """
        Args:
            stem: the file's name without its ending
            format_: csv or xlsx
            most: rows a sheet
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._part = folder / f"{stem}.part"
        shutil.rmtree(self._part, ignore_errors=True)  # of a try that was killed
        self._part.mkdir(mode=0o700)
        self._draft = self._part / f"draft.{format_}"
        self._target = folder / f"{stem}.{format_}"
        self._zone, self._most = zone, most
        self._open_files = ExitStack()
        self._workbook: Any = self._open_workbook() if format_ == "xlsx" else None

    def _open_workbook(self) -> Any:
        import xlsxwriter

        options = {
            "constant_memory": True,
            "tmpdir": str(self._part),
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        workbook = xlsxwriter.Workbook(str(self._draft), options)
        workbook.use_zip64()
        self._open_files.callback(workbook.close)
        return workbook

    def add_table(self, name: str, headings: Sequence[str]) -> Table:
        """Begin a table: a CSV file has room for one."""
        if self._workbook is not None:
            return ExcelTable(self._workbook, name, headings, self._zone, self._most)
        table = CsvTable(self._draft, headings, self._zone)
        self._open_files.callback(table.close)
        return table

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._open_files.close()
        finally:
            if error is not None:
                shutil.rmtree(self._part, ignore_errors=True)

    def publish(self, rows: int) -> Written:
        """Give the whole file its name, in place of one of an earlier try; what it is."""
        digest = hashlib.sha256()
        with self._draft.open("rb") as file:
            os.fchmod(file.fileno(), 0o600)  # xlsxwriter opens its own file
            while block := file.read(_BLOCK):
                digest.update(block)
            os.fsync(file.fileno())
            size = file.tell()
        self._draft.replace(self._target)
        _sync_folder(self._target.parent)
        shutil.rmtree(self._part)
        return Written(self._target.name, digest.hexdigest(), size, rows)


def _sync_folder(folder: Path) -> None:
    """The new name, too, is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
