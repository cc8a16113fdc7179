"""Rows on their way from a reader to a frame: a page at a time, numbered as the spreadsheet shows them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from clinic.values.formula import plain_frame


@dataclass
class Page:
    """Consecutive rows that are not blank, each with its number; cells as read, of any count."""

    numbers: list[int]
    rows: list[list[str]]
    blank: int = 0  # empty rows skipped within this page
    spanning: list[int] = field(default_factory=list)  # rows with a line break in a cell
    # Code of a remark → numbers of the rows in which something was changed while they were read
    changed: dict[str, list[int]] = field(default_factory=dict)


class Table(Protocol):
    """Something with headings and rows: a text file or a sheet."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings, in order."""

    def pages(self, size: int) -> Iterator[Page]:
        """Every row under the heading, `size` at a time, in order; each call starts again."""


@dataclass(frozen=True)
class Block:
    """
    Some rows of a list.

    `frame`: columns are the original headings in their order, dtype str, an empty cell is "";
    the index `row_number` (int64) is the row as the spreadsheet shows it, 2 under a heading in row 1.
    `unreadable`: per row, whether it had more or fewer cells than the heading. Its cells are kept
    as far as they go; surplus ones are joined into the last column, so that nothing is lost.
    """

    frame: pd.DataFrame
    unreadable: np.ndarray


def is_blank(row: Sequence[str]) -> bool:
    """Nothing but space in it."""
    return not "".join(row).strip()


def page_of(rows: list[list[str]], numbers: list[int]) -> Page:
    """The rows that are not blank, with their row numbers."""
    # Most files have something in each row's first cell
    if all(rows) and all(map(str.strip, map(itemgetter(0), rows))):
        return Page(numbers, rows)
    kept = [bool(row) and (row[0].strip() != "" or not is_blank(row)) for row in rows]
    if all(kept):
        return Page(numbers, rows)
    return Page(
        list(itertools.compress(numbers, kept)),
        list(itertools.compress(rows, kept)),
        blank=kept.count(False),
    )


def misfits(page: Page, width: int) -> list[int]:
    """Positions in the page of rows with too few cells, or with a surplus that is not blank."""
    if set(map(len, page.rows)) <= {width}:
        return []
    return [
        i
        for i, row in enumerate(page.rows)
        if len(row) < width or (len(row) > width and not is_blank(row[width:]))
    ]


def block_of(page: Page, columns: Sequence[str], *, guarded: bool) -> Block:
    """The page as a frame; `guarded`: take off the apostrophes that `safe_cell` puts on."""
    width = len(columns)
    unreadable = np.zeros(len(page.rows), dtype=bool)
    unreadable[misfits(page, width)] = True
    rows = page.rows
    if set(map(len, rows)) != {width}:
        rows = [_fitted(row, width) for row in rows]
    arrays = [pa.array(cells, type=pa.large_string()) for cells in zip(*rows, strict=True)]
    frame = pa.table(arrays, names=list(columns)).to_pandas()
    frame.index = pd.Index(page.numbers, dtype="int64", name="row_number")
    return Block(plain_frame(frame) if guarded else frame, unreadable)


def _fitted(row: list[str], width: int) -> list[str]:
    if len(row) <= width:
        return row + [""] * (width - len(row))
    if is_blank(row[width:]):
        return row[:width]
    return [*row[: width - 1], " | ".join(row[width - 1 :])]


def sha256_of(path: Path) -> str:
    """The file's fingerprint, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
