"""Opens a list of any kind, looks at all of it, and hands it out in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from clinic.cohort.columns import map_columns
from clinic.cohort.files.clean import CleanTable
from clinic.cohort.files.examine import EXACT, Examiner, Reasons
from clinic.cohort.files.heading import find_table
from clinic.cohort.files.kinds import Kind, kind_of
from clinic.cohort.files.limits import Limits
from clinic.cohort.files.lookalikes import Lookalikes
from clinic.cohort.files.notices import Notice, Notices
from clinic.cohort.files.pages import Block, Table, block_of, sha256_of
from clinic.cohort.files.parquet import open_parquet
from clinic.cohort.files.sheets.sheet import SheetTable, open_sheet
from clinic.cohort.files.short import FilledTable, ShortRows, columns_of
from clinic.cohort.files.text.scan import scan
from clinic.collector import collect_young
from clinic.errors import ListRefused
from clinic.settings import Layout


class MapHeadings(Protocol):
    """From the headings: the layout that they show, and our field name → heading."""

    def __call__(
        self, columns: Sequence[str], scheme: Layout, *, file_name: str
    ) -> tuple[str, dict[str, str]]: ...


_BLOCK_ROWS = 20_000
_LIMITS = Limits()
# Where .0 behind a number cannot belong to it
_POINTS = ("nhs_number", "mobile", "phone_home", "phone_work")


@dataclass(frozen=True)
class ListFile:
    """
    A list that can be read without losing anybody.

    `layout` is "emis", "systmone" or "generic"; `fields` maps our field names to their headings;
    `row_count` counts the rows with something in them; `notices` says what was remarkable.
    `encoding` and `delimiter` are as in the file; of others "xlsx", "ods", "xls" or "parquet" and "".
    """

    path: Path
    file_name: str
    sha256: str
    size: int
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    layout: str
    fields: Mapping[str, str]
    row_count: int
    notices: tuple[Notice, ...]
    _table: Table
    _guarded: bool

    def blocks(self, rows: int = _BLOCK_ROWS) -> Iterator[Block]:
        """
        All rows that are not blank, in order, at most `rows` at a time; each call starts again.

        Cells are as in the file, but for the apostrophe that `formula.safe_cell` put on.

        Raises:
            ListRefused: at the end, if the file was changed since it was opened
        """
        given = 0
        for page in self._table.pages(rows):
            given += len(page.rows)
            if page.rows:
                yield block_of(page, self.columns, guarded=self._guarded)
                collect_young()  # what was done with the block has left cycles behind
        if given != self.row_count or sha256_of(self.path) != self.sha256:
            raise ListRefused(
                "list-changed",
                f"{self.file_name} was changed while it was read. Close it elsewhere and start again.",
            )


@dataclass(frozen=True)
class _Opened:
    """A table of either kind, with what the file as a whole says about it."""

    table: Table
    sha256: str
    encoding: str
    delimiter: str
    reasons: Reasons
    guarded: bool
    to_clean: _ToClean
    ended: bool = True  # its last line


@dataclass(frozen=True)
class _ToClean:
    """What the file as a whole gives reason to look for in its cells: see `clean.py`."""

    unseen: bool = True
    formulas: bool = True
    points: bool = True


def open_list(
    path: Path,
    *,
    scheme: Layout = "generic",
    limits: Limits = _LIMITS,
    map_headings: MapHeadings = map_columns,
    may_be_empty: bool = False,
) -> ListFile:
    """
    Read all of a list once and make sure that every row of it can be used.

    Reads CSV and TSV in UTF-8, UTF-16 (with its mark) or Windows-1252, .xlsx, .ods, .xls and Parquet. `scheme`
    says which columns are demanded (ACX-18 to 20); `map_headings` reads the headings;
    `may_be_empty`: headings with nothing under them are a table without rows.
    Memory stays flat for text and Parquet; a sheet is held.

    Raises:
        ListRefused: with file, row, column, what was found and what to do; never a patient's value
    """
    notices = Notices()
    kind = kind_of(path, limits)
    opened = _OPEN.get(kind, _open_sheet)(path, limits, notices, kind)
    columns = opened.table.columns
    layout, fields = map_headings(columns, scheme, file_name=path.name)
    table: Table = opened.table
    if isinstance(table, SheetTable):
        dates, ids = ([fields[f] for f in some if f in fields] for some in (("birth_date",), EXACT))
        table = table.with_fields(dates=dates, ids=ids)
    points = [columns.index(fields[name]) for name in _POINTS if name in fields]
    clean = opened.to_clean
    table = CleanTable(table, clean.unseen, clean.formulas, points if clean.points else ())
    examiner = Examiner(
        file_name=path.name,
        encoding=opened.encoding,
        delimiter=opened.delimiter,
        columns=columns,
        fields=fields,
        limits=limits,
        reasons=opened.reasons,
        notices=notices,
    )
    short = ShortRows(columns_of(columns, fields), half=not opened.ended)
    row_count = _examine(table, examiner, short, may_be_empty=may_be_empty)
    if short.accepted:
        table = FilledTable(table, short.columns, short.but)
    return ListFile(
        path=path,
        file_name=path.name,
        sha256=opened.sha256,
        size=path.stat().st_size,
        encoding=opened.encoding,
        delimiter=opened.delimiter,
        columns=columns,
        layout=layout,
        fields=fields,
        row_count=row_count,
        notices=notices.all(),
        _table=table,
        _guarded=opened.guarded,
    )


def _open_text(path: Path, limits: Limits, notices: Notices, _kind: Kind) -> _Opened:
    found = scan(path, limits)
    table = find_table(path, found, limits)
    notices.add("title_rows", table.titles)
    notices.add("not_utf8", count=int(found.encoding == "cp1252"))
    notices.add("no_last_line_end", count=int(not found.ended))
    reasons = Reasons(found.odd, found.long_lines, found.rounded, found.errors)
    clean = _ToClean(found.unseen, found.formulas, found.points)
    return _Opened(
        table,
        found.sha256,
        found.encoding,
        table.delimiter,
        reasons,
        found.guarded,
        clean,
        found.ended,
    )


def _open_parquet(path: Path, limits: Limits, _notices: Notices, _kind: Kind) -> _Opened:
    table = open_parquet(path, limits)
    found = table.scan
    reasons = Reasons(found.odd, found.long_lines, found.rounded, found.errors)
    clean = _ToClean(found.unseen, found.formulas, found.points)
    return _Opened(table, sha256_of(path), "parquet", "", reasons, False, clean)


_OPEN: Final = {"text": _open_text, "parquet": _open_parquet}


def open_any_sheet(
    path: Path, limits: Limits, notices: Notices, kind: Kind, *, headings: bool = True
) -> SheetTable:
    """A sheet of whatever program; `headings`: as in `open_sheet`."""
    if kind == "zip":
        return open_sheet(path, limits, notices, headings=headings)
    from clinic.cohort.files.sheets.xls_sheet import open_xls  # its reader is rarely needed

    return open_xls(path, limits, notices, headings=headings)


def _open_sheet(path: Path, limits: Limits, notices: Notices, kind: Kind) -> _Opened:
    table = open_any_sheet(path, limits, notices, kind)
    return _Opened(table, sha256_of(path), table.kind, "", Reasons(), True, _ToClean())


def _examine(table: Table, examiner: Examiner, short: ShortRows, *, may_be_empty: bool) -> int:
    rows = 0
    unused = Lookalikes(examiner.columns, frozenset(examiner.fields.values()))
    name, most = examiner.file_name, examiner.limits.rows
    for page in table.pages(_BLOCK_ROWS):
        rows += len(page.rows)
        if rows > most:
            raise ListRefused(
                "list-too-many-rows",
                f"{name} has more than {most:,} rows, the most that is read. Split it.",
            )
        examiner.look(page)
        short.look(page)
        unused.look(page)
    unused.note(examiner.notices)
    accepted = set(short.accepted)
    examiner.notices.add("short_rows", short.accepted)
    examiner.note_misfits(accepted)
    if not rows and not may_be_empty:
        raise ListRefused(
            "list-no-rows", f"{name} has headings but no patients under them. Export it again."
        )
    return rows
