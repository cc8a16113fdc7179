"""
Writes tables to a CSV or Excel file, row by row: a million rows take no more memory than a thousand.

    exports/                 0700
    exports/export-7.part/   what is being written; nobody reads it, and a new try begins by removing it
    exports/export-7.csv     0600; it appears whole or not at all (written, synced, renamed)
    exports/export-7.csv.age the same, where only its reader is to read it (sealed.py)

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

from clinic.change.export.sealed import ENDING, encrypt_file
from clinic.values.formula import safe_cell
from clinic.values.workbook import EXCEL_ROWS, Sheet, Workbook

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
    """A sheet of a workbook (clinic/values/workbook.py)."""

    def __init__(self, sheet: Sheet, zone: ZoneInfo) -> None:
        self._sheet, self._zone = sheet, zone

    def write(self, rows: Iterable[Sequence[Any]]) -> int:
        """Write these after those before; how many."""
        return self._sheet.write((cell_text(value, self._zone) for value in row) for row in rows)


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
        self._zone = zone
        self._open_files = ExitStack()
        self._workbook: Workbook | None = None
        if format_ == "xlsx":
            book = Workbook(self._draft, drafts=self._part, most=most)
            self._workbook = self._open_files.enter_context(book)

    def add_table(self, name: str, headings: Sequence[str]) -> Table:
        """Begin a table: a CSV file has room for one."""
        if self._workbook is not None:
            return ExcelTable(self._workbook.add_sheet(name, headings), self._zone)
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

    def publish(self, rows: int, *, encrypt_to: Sequence[str] = ()) -> Written:
        """
        Give the whole file its name, in place of one of an earlier try; what it is.

        Args:
            encrypt_to: public keys; what is published, and its digest, is what their owners alone can read
        """
        if encrypt_to:
            sealed = self._draft.with_name(self._draft.name + ENDING)
            encrypt_file(self._draft, sealed, encrypt_to)
            self._draft, self._target = sealed, self._target.with_name(self._target.name + ENDING)
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
