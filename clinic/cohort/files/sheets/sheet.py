"""The first visible sheet of a workbook as a table: what a person sees when the file is opened."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from clinic.cohort.columns import column_letter
from clinic.cohort.files.heading import tidy_headings
from clinic.cohort.files.limits import Limits
from clinic.cohort.files.notices import Notices
from clinic.cohort.files.pages import Page, is_blank, page_of
from clinic.cohort.files.sheets.cells import Cells
from clinic.cohort.files.sheets.extent import Extent
from clinic.cohort.files.sheets.sheet_xml import extents_of
from clinic.cohort.files.sheets.styles_xml import number_formats
from clinic.cohort.files.sheets.workbook import SheetKind, Workbook, damaged, open_workbook
from clinic.cohort.files.titles import heading_among
from clinic.errors import ListRefused


class Grid(Protocol):
    """The cells of a sheet; `start` and `end` are its first and last row and column, from 0."""

    @property
    def start(self) -> tuple[int, int] | None: ...

    @property
    def end(self) -> tuple[int, int] | None: ...

    def iter_rows(self) -> Iterator[list[Any]]: ...


@dataclass(frozen=True)
class SheetTable:
    """A sheet whose headings are known. The cells are held by the reader."""

    kind: SheetKind
    columns: tuple[str, ...]
    heading_row: int
    _sheet: Grid
    _hidden_rows: frozenset[int]
    _shown: tuple[int, ...]  # positions of the columns that are not hidden
    _extent: Extent
    _iso: frozenset[int] = frozenset()
    _exact: frozenset[int] = frozenset()

    def with_fields(self, *, dates: Iterable[str], ids: Iterable[str]) -> SheetTable:
        """The same, with the columns under these headings written for a program and not for a patient."""
        iso, exact = (
            frozenset(self._shown[self.columns.index(heading)] for heading in headings)
            for headings in (dates, ids)
        )
        return replace(self, _iso=iso, _exact=exact)

    def pages(self, size: int) -> Iterator[Page]:
        """Every visible row under the heading."""
        texts = Cells(self._extent, self._iso, self._exact)
        rows = _rows(self._sheet, texts, self._hidden_rows, self._shown)
        under = itertools.dropwhile(lambda row: row[0] <= self.heading_row, rows)
        while some := list(itertools.islice(under, size)):
            page = page_of([cells for _, cells in some], [number for number, _ in some])
            page.changed["rounded_as_shown"] = sorted(set(texts.rounded))
            texts.rounded.clear()
            yield page


def open_sheet(
    path: Path, limits: Limits, notices: Notices, *, headings: bool = True
) -> SheetTable:
    """
    The first visible sheet, without hidden rows and columns; how many those are is noted.

    headings: False: there are none, and every row counts; the columns are named by their letters

    Raises:
        ListRefused: no sheet, damaged or dangerous, too large, or formulas without their values
    """
    book = open_workbook(path, limits)
    # Of an .ods the reader unfolds every sheet as soon as it is opened: measured before that
    measured = _measure(book, "content.xml", limits) if book.kind == "ods" else []
    try:
        reader = CalamineWorkbook.from_path(str(path))
        position = _first_visible(path.name, reader, notices)
        name = reader.sheet_names[position]
        if book.kind == "xlsx":
            [extent] = _measure(book, book.part_of_sheet(name), limits)
            notices.add("format_unknown", count=extent.unknown_formats)
        else:
            extent = measured[position]
        sheet = reader.get_sheet_by_name(name)
    except (CalamineError, IndexError):
        raise damaged(path.name) from None
    return table_of(
        path.name, book.kind, sheet, extent, limits=limits, notices=notices, headings=headings
    )


def _measure(book: Workbook, part: str, limits: Limits) -> list[Extent]:
    formats = number_formats(book) if book.kind == "xlsx" else ()
    extents = extents_of(book.path, part, kind=book.kind, formats=formats)
    for extent in extents:
        refuse_extent(book.path.name, extent, limits)
    return extents


def _first_visible(name: str, reader: CalamineWorkbook, notices: Notices) -> int:
    sheets = [
        i
        for i, sheet in enumerate(reader.sheets_metadata)
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if not sheets:
        raise no_sheet(name)
    notices.add("other_sheets", count=len(reader.sheet_names) - 1)
    return sheets[0]


def no_sheet(name: str) -> ListRefused:
    """The refusal for a workbook that shows nothing."""
    return ListRefused(
        "list-no-sheet", f"{name} has no visible sheet. Show the sheet with the list and save."
    )


def refuse_extent(name: str, extent: Extent, limits: Limits) -> None:
    """
    Before its cells are held or used.

    Raises:
        ListRefused: formulas without values, too many rows or columns
    """
    if extent.uncomputed:
        raise ListRefused(
            "list-formulas",
            f"{name}: row {extent.uncomputed:,} holds a formula whose value is not in the file. "
            "Open it in Excel or LibreOffice, save it, and try again.",
        )
    if extent.last_column > limits.columns:
        raise ListRefused(
            "list-too-many-columns",
            f"{name} has {extent.last_column:,} columns; the most that is read is {limits.columns}. "
            "Leave out those that are not needed, and whatever is far to the right.",
        )
    too_wide = extent.last_row * extent.last_column > limits.grid_cells
    if extent.rows > limits.rows + 1 or extent.last_row > limits.rows + 1000 or too_wide:
        raise ListRefused(
            "list-too-many-rows",
            f"{name} reaches down to row {extent.last_row:,}, more than is read of a sheet "
            f"({limits.rows:,} rows, {limits.grid_cells:,} cells). Split it, or save it as CSV.",
        )


def table_of(
    name: str,
    kind: SheetKind,
    sheet: Grid,
    extent: Extent,
    *,
    limits: Limits,
    notices: Notices,
    headings: bool,
) -> SheetTable:
    """
    The sheet as a table, once its heading is found.

    Raises:
        ListRefused: empty, or rows that the reader of its cells did not give
    """
    if sheet.end is None or sheet.end[0] + 1 < extent.last_row:
        code = "list-rows-lost" if extent.last_row else "list-empty"
        raise ListRefused(code, f"{name}: the sheet has rows that cannot be read, or none at all.")
    hidden = frozenset(itertools.chain.from_iterable(_within(extent.hidden_rows, sheet.end[0] + 1)))
    unseen = set(itertools.chain.from_iterable(_within(extent.hidden_columns, sheet.end[1] + 1)))
    shown = tuple(i for i in range(sheet.end[1] + 1) if i + 1 not in unseen)
    rows = (
        (n, cells) for n, cells in _rows(sheet, Cells(extent), hidden, shown) if not is_blank(cells)
    )
    if not headings:
        notices.add("hidden_rows", sorted(hidden))
        notices.add("hidden_columns", count=len(unseen))
        letters = tuple(map(column_letter, shown))
        return SheetTable(kind, letters, 0, sheet, hidden, shown, extent)
    found = heading_among(rows)
    if not found:
        raise ListRefused("list-empty", f"{name}: the first visible sheet is empty.")
    (heading_row, cells), titles = found
    notices.add("title_rows", titles)
    notices.add("hidden_rows", sorted(hidden))
    notices.add("hidden_columns", count=len(unseen))
    columns = tidy_headings(cells, file_name=name, row=heading_row, limits=limits)
    return SheetTable(kind, columns, heading_row, sheet, hidden, shown, extent)


def _within(spans: list[range], last: int) -> Iterator[range]:
    return (range(span.start, min(span.stop, last + 1)) for span in spans)


def _rows(
    sheet: Grid, texts: Cells, hidden: frozenset[int], shown: tuple[int, ...]
) -> Iterator[tuple[int, list[str]]]:
    """Row number and the texts of the shown cells, of every visible row."""
    # The reader gives blank rows above the first filled one, but no blank columns left of it
    left = sheet.start[1] if sheet.start else 0
    from_left = [i - left for i in shown]
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts.pass_by(number)
        if number not in hidden:
            shown_cells = [cells[i] if i >= 0 else "" for i in from_left]
            yield number, texts.texts(number, shown_cells, columns=shown)
