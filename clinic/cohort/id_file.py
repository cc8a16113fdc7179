"""
A file of patients' ids, of which nothing else is asked: CSV, TSV, text, .xlsx, .xls or .ods (ALC-11).

    a known heading over a column of ids ─► open_list: that column, or both of two
    none ─► ids alone: each cell or line is one; a first row without a digit is a heading

Whatever is read keeps the number of its row, and what cannot be read is named by it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from clinic.cohort.files import Notice, open_list
from clinic.cohort.files.kinds import kind_of
from clinic.cohort.files.limits import Limits
from clinic.cohort.files.listfile import open_any_sheet
from clinic.cohort.files.notices import Notices
from clinic.cohort.files.parquet import open_parquet
from clinic.cohort.files.text.scan import scan
from clinic.cohort.files.text.table import open_text
from clinic.cohort.id_columns import map_id_columns
from clinic.cohort.pasted import MOST_IDS, ids_of
from clinic.errors import ListRefused

_LIMITS: Final = Limits()
_NO_HEADING: Final = ("list-no-heading", "list-columns-missing")
# What a column of ids never holds: a date, an e-mail address, a number that a spreadsheet has rounded
_NO_ID: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[^@\s]+@[^@\s]+|.{41,}")
_ROUNDED: Final = re.compile(r"-?\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """
    The ids of one row, as they were given.

    nhs_number: under such a heading; other: an id of either kind; readable: the row has a cell a heading
    """

    row: int
    nhs_number: str = ""
    other: str = ""
    readable: bool = True

    @property
    def text(self) -> str:
        """For people: both, if there are two."""
        return " / ".join(filter(None, (self.nhs_number, self.other)))


@dataclass(frozen=True)
class IdFile:
    """heading: a row that was taken for a heading though no such is known; None: none was."""

    name: str
    rows: tuple[Given, ...]
    heading: int | None
    notices: tuple[Notice, ...] = ()


def read_ids(path: Path, limits: Limits = _LIMITS) -> IdFile:
    """
    All ids of a file, each with the number of its row.

    Raises:
        ListRefused: it cannot be read without losing somebody, or nobody can tell which are the ids
    """
    try:
        return _under_headings(path, limits)
    except ListRefused as refused:
        if refused.code not in _NO_HEADING:
            raise
        problem = refused
    return _alone(path, limits, problem)


def given_ids(ids: Sequence[str], *, first_row: int = 1) -> list[Given]:
    """Ids that were pasted or typed, numbered in their order."""
    return [Given(row, other=each.strip()) for row, each in enumerate(ids, first_row)]


def _under_headings(path: Path, limits: Limits) -> IdFile:
    file = open_list(path, limits=limits, map_headings=map_id_columns)
    nhs, other = (
        file.columns.index(file.fields[name]) if name in file.fields else None
        for name in ("nhs_number", "local_id")
    )
    rows: list[Given] = []
    for block in file.blocks():
        cells = block.frame.to_numpy(dtype=object).tolist()
        numbers = block.frame.index.tolist()
        for number, row, odd in zip(numbers, cells, block.unreadable.tolist(), strict=True):
            one = "" if nhs is None else _tidy(row[nhs])
            two = "" if other is None else _tidy(row[other])
            rows.append(Given(number, one, two, not odd))
    return IdFile(file.file_name, tuple(rows), None, file.notices)


def _tidy(cell: str) -> str:
    return next(ids_of(cell), "") if cell[:1] in "=\"'" else cell.strip()


def _alone(path: Path, limits: Limits, problem: ListRefused) -> IdFile:
    """A file of ids and nothing else, however many stand on a line."""
    notices = Notices()
    heading: int | None = None
    found: list[tuple[int, str]] = []
    several = False
    for number, text in _lines(path, limits, notices):
        ids = list(ids_of(text))
        if not found and heading is None and ids and not any(map(_has_digit, ids)):
            if len(_cells(text)) > 1:
                raise problem
            heading = number
            continue
        several |= len(ids) > 1
        for one in ids:
            if _ROUNDED.fullmatch(one):
                _refuse_rounded(path.name, number)
            if not _has_digit(one) or _NO_ID.fullmatch(one):
                raise ListRefused(
                    "list-no-heading",
                    f"{path.name}: row {number:,}: no heading of an id is known, and this row holds more "
                    "than ids. Put a row with headings on top: 'NHS Number' or 'Patient ID' over the ids.",
                )
            found.append((number, one))
            if len(found) > MOST_IDS:
                raise ListRefused(
                    "list-too-many-rows",
                    f"{path.name} has more than {MOST_IDS:,} ids, the most that is read. Split it.",
                )
    if not found:
        raise problem
    numbers = itertools.count(1) if several else (number for number, _ in found)
    rows = tuple(Given(row, other=one) for row, (_, one) in zip(numbers, found, strict=False))
    return IdFile(path.name, rows, heading, notices.all())


def _lines(path: Path, limits: Limits, notices: Notices) -> Iterator[tuple[int, str]]:
    """Row number and what stands in it, cells parted by tabs."""
    kind = kind_of(path, limits)
    if kind == "parquet":
        for page in open_parquet(path, limits).pages(10_000):
            for number, cells in zip(page.numbers, page.rows, strict=True):
                yield number, "\t".join(cells)
        return
    if kind != "text":
        table = open_any_sheet(path, limits, notices, kind, headings=False)
        for page in table.with_fields(dates=(), ids=table.columns).pages(10_000):
            for number, cells in zip(page.numbers, page.rows, strict=True):
                yield number, "\t".join(cells)
        return
    with open_text(path, scan(path, limits).encoding) as text:
        yield from enumerate(text, 1)


def _cells(text: str) -> list[str]:
    return [cell for cell in re.split(r"[,;\t|]", text) if cell.strip()]


def _has_digit(text: str) -> bool:
    return any(map(str.isdecimal, text))


def _refuse_rounded(name: str, number: int) -> NoReturn:
    raise ListRefused(
        "list-rounded-number",
        f"{name}: row {number:,}: a spreadsheet has rounded the number to the form 1.23E+11 and its last "
        "digits are lost. Export the ids again and do not save them in between, or format the column as "
        "text first.",
    )
