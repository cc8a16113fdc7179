"""
Rows that lack only their empty last cells, as programs write them that cut off what is empty.

Such a row looks like one that lost a cell in the middle, whose values then are under wrong headings.
It is accepted where three things hold: whole rows never end in an empty cell, so that the program does
cut them off; the row's id is right; and every value is of the kind that its column holds. Never the last row of
a file that ends without a line's end: it may be half a file, whose last value is cut too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from stdnum.gb import nhs

from clinic.cohort.files.pages import Page, Table

_PHONE = re.compile(r"\+?[\d ()\-.]{7,}")
_DATE = re.compile(r"\d{1,4}([-/. ])\w{1,9}\1\d{1,4}.*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_KINDS = {
    "nhs_number": re.compile(r"[\d \-]{10,12}"),
    "birth_date": _DATE,
    "mobile": _PHONE,
    "phone_home": _PHONE,
    "phone_work": _PHONE,
    "email": _EMAIL,
}


@dataclass(frozen=True)
class Columns:
    """What the columns of a list hold: place → pattern; and where the id stands."""

    width: int
    kinds: Mapping[int, re.Pattern[str]]
    id_at: int
    is_nhs: bool

    def fits(self, row: Sequence[str]) -> bool:
        """Whether the row is short, and what there is of it stands where it belongs."""
        if not self.id_at < len(row) < self.width or not row[-1].strip():
            return False
        one = row[self.id_at].strip()
        if not one or (self.is_nhs and not nhs.is_valid(one)):
            return False
        return all(self._belongs(place, cell.strip()) for place, cell in enumerate(row))

    def _belongs(self, place: int, cell: str) -> bool:
        if not cell or place == self.id_at:
            return True
        if place in self.kinds:
            return self.kinds[place].fullmatch(cell) is not None
        return not any(kind.fullmatch(cell) for kind in (_PHONE, _DATE, _EMAIL))


def columns_of(columns: Sequence[str], fields: Mapping[str, str]) -> Columns:
    """From the headings and what they mean."""
    places = {name: columns.index(heading) for name, heading in fields.items()}
    is_nhs = "nhs_number" in places
    kinds = {places[name]: kind for name, kind in _KINDS.items() if name in places}
    # Of rows that are no patients' none is taken for a short one
    id_at = places["nhs_number"] if is_nhs else places.get("local_id", len(columns))
    return Columns(len(columns), kinds, id_at, is_nhs)


@dataclass
class ShortRows:
    """Looks at the pages of a list for them."""

    columns: Columns
    half: bool = False  # the file ends without a line's end
    numbers: list[int] = field(default_factory=list)
    last: int = 0  # the number of the last row
    whole: bool = False  # a row has all its cells
    ends_empty: bool = False

    def look(self, page: Page) -> None:
        """Note the page's short rows, and whether a whole row ends in an empty cell."""
        width = self.columns.width
        self.last = page.numbers[-1] if page.numbers else self.last
        lengths = set(map(len, page.rows))
        if lengths == {width}:
            self.ends_empty = self.ends_empty or "" in map(itemgetter(-1), page.rows)
        elif not self.ends_empty:
            self.ends_empty = any(len(row) >= width and not row[width - 1] for row in page.rows)
        self.whole |= max(lengths, default=0) >= width
        if lengths != {width}:
            rows = zip(page.numbers, page.rows, strict=True)
            self.numbers += [number for number, row in rows if self.columns.fits(row)]

    @property
    def accepted(self) -> list[int]:
        """Numbers of the rows that are read with empty last cells."""
        if not self.whole or self.ends_empty:
            return []
        return [number for number in self.numbers if number != self.but]

    @property
    def but(self) -> int:
        """The row that is never one of them; 0: each may be."""
        return self.last if self.half else 0


@dataclass(frozen=True)
class FilledTable:
    """A table whose short rows were accepted: they come with their empty last cells."""

    table: Table
    short: Columns
    but: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return self.table.columns

    def pages(self, size: int) -> Iterator[Page]:
        """The pages of the table, filled up."""
        for page in self.table.pages(size):
            for i, (number, row) in enumerate(zip(page.numbers, page.rows, strict=True)):
                if len(row) < self.short.width and number != self.but and self.short.fits(row):
                    page.rows[i] = row + [""] * (self.short.width - len(row))
            yield page
