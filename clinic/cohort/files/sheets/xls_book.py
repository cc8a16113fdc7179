"""
A workbook of before 2007 (.xls): what the file is, and the sheet that a person sees when it is opened.

The cells are read by xlrd, and nothing else of the workbook: names, links, notes, drawings and formulas
are passed over. A list needs none of them, and a few bytes of a name that calls another twice, or of a
link over the whole sheet, would fill the memory.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from xlrd.biffh import XL_CELL_EMPTY, XL_WORKBOOK_GLOBALS, XL_WORKSHEET
from xlrd.book import Book
from xlrd.compdoc import CompDoc
from xlrd.sheet import Sheet

from clinic.cohort.files.kinds import too_old
from clinic.cohort.files.sheets.workbook import damaged
from clinic.errors import ListRefused

_BIFF8 = 80  # Excel 97 and later
_MACRO_SHEET, _VISUAL_BASIC = 1, 6
# Streams and storages of the container → what it is
_ENCRYPTED = "EncryptedPackage"
_MACROS = frozenset({"_VBA_PROJECT_CUR", "_VBA_PROJECT"})
_FOREIGN = (
    ("WordDocument", "a Word document (.doc)"),
    ("PowerPoint Document", "a PowerPoint presentation (.ppt)"),
    ("__properties_version1.0", "an Outlook message (.msg)"),
)


class _Nowhere(io.TextIOBase):
    """Where xlrd's warnings go: they may hold cells, and a script reads our standard output."""

    def write(self, text: str) -> int:
        return len(text)


_NOWHERE = _Nowhere()


class _Locked(Exception):
    pass


class _Macros(Exception):
    pass


def _pass_over(*_: Any) -> None:
    """In the place of what xlrd does with a record that no list needs."""


class CellsOnly(Sheet):  # type: ignore[misc]  # xlrd has no types
    """A sheet of which only cells, hidden rows and columns, and formats are read."""

    handle_hlink = handle_quicktip = handle_obj = handle_note = _pass_over
    handle_msodrawingetc = handle_txo = handle_feat11 = _pass_over

    def put_cell_ragged(self, rowx: int, colx: int, *cell: Any) -> None:
        """One cell; a second one in its place would hide the first, and is refused."""
        if rowx < self.nrows and colx < len(types := self._cell_types[rowx]):
            if types[colx] != XL_CELL_EMPTY:
                raise ValueError
        super().put_cell_ragged(rowx, colx, *cell)


class SheetsOnly(Book):  # type: ignore[misc]
    """A workbook of which the list of its sheets, the formats and the shared texts are read."""

    sheets = 0  # of every kind, charts too
    datemode: int

    handle_name = handle_supbook = handle_externsheet = handle_externname = _pass_over
    names_epilogue = _pass_over

    def handle_filepass(self, data: bytes) -> None:
        """The mark of an encrypted workbook."""
        raise _Locked

    def handle_boundsheet(self, data: bytes) -> None:
        """An entry of the table of contents."""
        if data[5] in (_MACRO_SHEET, _VISUAL_BASIC):
            raise _Macros
        self.sheets += 1
        super().handle_boundsheet(data)

    def get_sheet(self, sh_number: int, update_pos: bool = True) -> CellsOnly:
        """Read one sheet, from its place in the table of contents."""
        self._position = self._sh_abs_posn[sh_number]
        self.getbof(XL_WORKSHEET)
        sheet = CellsOnly(self, self._position, self._sheet_names[sh_number], sh_number)
        sheet.read(self)
        return sheet

    def first_visible(self) -> int | None:
        """The place of the first sheet that is not hidden."""
        return next((i for i, hidden in enumerate(self._sheet_visibility) if not hidden), None)


def open_book(path: Path) -> SheetsOnly:
    """
    The workbook, its sheets not read yet.

    Raises:
        ListRefused: damaged, encrypted, with macros, no workbook at all, or older than Excel 97
    """
    name, content = path.name, path.read_bytes()
    try:
        names = {node.name for node in CompDoc(content, logfile=_NOWHERE).dirlist}
    except Exception:  # whatever a damaged file makes of it; its text could hold cells
        raise damaged(name) from None
    _refuse_foreign(name, names)
    try:
        book = SheetsOnly()
        book.biff2_8_load(
            file_contents=content,
            logfile=_NOWHERE,
            formatting_info=True,
            on_demand=True,
            ragged_rows=True,
        )
        version = book.biff_version = book.getbof(XL_WORKBOOK_GLOBALS)
        if version == _BIFF8:
            book.parse_globals()
    except _Locked:
        raise _locked(name) from None
    except _Macros:
        raise _with_macros(name) from None
    except Exception:
        raise damaged(name) from None
    if version != _BIFF8:
        raise too_old(name)
    return book


def open_cells(name: str, book: SheetsOnly, number: int) -> CellsOnly:
    """
    One sheet of the workbook.

    Raises:
        ListRefused: damaged
    """
    try:
        return book.get_sheet(number)
    except _Locked:
        raise _locked(name) from None
    except Exception:  # as above
        raise damaged(name) from None


def _locked(name: str) -> ListRefused:
    return ListRefused(
        "list-encrypted",
        f"{name} is protected by a password. Open it in Excel, remove the password "
        "(File, Info, Protect Workbook) and save it again.",
    )


def _with_macros(name: str) -> ListRefused:
    return ListRefused(
        "list-macros", f"{name} holds macros. Save it as .xlsx, which has none, or as CSV."
    )


def _refuse_foreign(name: str, names: set[str]) -> None:
    if _ENCRYPTED in names:
        raise _locked(name)
    for stream, what in _FOREIGN:
        if stream in names:
            raise ListRefused(
                "list-kind",
                f"{name} is {what}, not a list. Save the table in it as .csv (UTF-8) or .xlsx.",
            )
    if names & _MACROS:
        raise _with_macros(name)
    if "Workbook" not in names:
        if "Book" in names:
            raise too_old(name)
        raise ListRefused(
            "list-kind",
            f"{name} is a document of an Office program, but no workbook. "
            "Export the list again as .csv (UTF-8) or .xlsx.",
        )
