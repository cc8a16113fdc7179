"""
Takes from cells what nobody sees or typed, the same at the first look and at every later reading.

Characters without width (they make an empty cell "present" and an e-mail address invalid), marks that
turn the direction of writing, Excel's ="…" around a text, and the .0 that a program put behind a phone
or NHS number. Each is a remark with the rows. An id of the practice keeps its .0: 12.0 may be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from clinic.cohort.files.pages import Page, Table

# Soft hyphen, zero width space, word joiner and its kin; left-to-right marks, overrides, isolates; the
# byte order mark, but not where two files were joined. A joiner behind a letter of another script or
# within a picture of several signs belongs there
_UNSEEN = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_JOINER = re.compile("(?:(?<=[\x00-\x7f])|^)[\u200c\u200d]+")
_AS_TEXT = re.compile(r'\s*="([^"]+)"\s*')
_POINT_ZERO = re.compile(r"\s*(\+?[0-9]+)\.0\s*")


def without_unseen(cell: str) -> str:
    """The cell without characters that nobody sees."""
    return _JOINER.sub("", _UNSEEN.sub("", cell))


def without_formula(cell: str) -> str:
    """What stands in ="…", which Excel shows as text; any other cell as it is."""
    found = _AS_TEXT.fullmatch(cell)
    return found[1] if found else cell


def without_point_zero(cell: str) -> str:
    """A number without the .0 of a program that took it for an amount; any other cell as it is."""
    found = _POINT_ZERO.fullmatch(cell)
    return found[1] if found else cell


@dataclass(frozen=True)
class CleanTable:
    """A table whose pages come without those; `unseen`, `formulas`, `points`: what is looked for."""

    table: Table
    unseen: bool
    formulas: bool
    points: Sequence[int]  # places of phones and NHS numbers

    @property
    def columns(self) -> tuple[str, ...]:
        return self.table.columns

    def pages(self, size: int) -> Iterator[Page]:
        """The pages of the table, clean."""
        for page in self.table.pages(size):
            if self.unseen:
                _clean(page, "unseen_removed", _no_unseen)
            if self.formulas:
                _clean(page, "formula_as_text", _no_formula)
            for place in self.points:
                _clean(page, "point_zero", partial(_no_point, at=place))
            yield page


def _clean(page: Page, code: str, change: Callable[[list[str]], list[str] | None]) -> None:
    for i, row in enumerate(page.rows):
        if (clean := change(row)) is not None:
            page.rows[i] = clean
            page.changed.setdefault(code, []).append(page.numbers[i])


def _no_unseen(row: list[str]) -> list[str] | None:
    together = "\n".join(row)
    if together.isascii() or not (_UNSEEN.search(together) or _JOINER.search(together)):
        return None
    # A byte order mark in front of a row is where another file was put behind this one: refused later
    joined = row[0].startswith("\ufeff")
    clean = [without_unseen(cell) for cell in row]
    if joined:
        clean[0] = "\ufeff" + clean[0]
    return None if clean == row else clean


def _no_formula(row: list[str]) -> list[str] | None:
    if not any('="' in cell for cell in row):
        return None
    clean = [without_formula(cell) for cell in row]
    return None if clean == row else clean


def _no_point(row: list[str], at: int) -> list[str] | None:
    if at >= len(row) or not row[at].rstrip().endswith(".0"):
        return None
    clean = without_point_zero(row[at])
    return None if clean == row[at] else [*row[:at], clean, *row[at + 1 :]]
