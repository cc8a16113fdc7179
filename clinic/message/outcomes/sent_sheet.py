"""The Outreach Report as an Excel workbook, a row in memory at a time (ARC-17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import xlsxwriter

MOST_ROWS: Final = 1_048_575  # of one sheet, less its heading; what is more goes on the next


def write_workbook(
    path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]], *, drafts: Path
) -> int:
    """
    Write rows of texts; how many there were.

    drafts: a folder closed to others, for what the library writes on the way

    Every cell is a text: no formula runs, and no number loses its zeros (ACX-27).
    """
    import xlsxwriter

    count = 0
    options = {
        "constant_memory": True,
        "tmpdir": str(drafts),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        sheet = None
        for cells in rows:
            place = count % MOST_ROWS
            if sheet is None or place == 0:
                sheet = _begin(book, headings, bold)
            for column, cell in enumerate(cells):
                sheet.write_string(place + 1, column, str(cell or ""))
            count += 1
        if sheet is None:
            _begin(book, headings, bold)
    return count


def _begin(book: xlsxwriter.Workbook, headings: Sequence[str], bold: object) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    return sheet
