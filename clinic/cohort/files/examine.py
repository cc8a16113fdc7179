"""
The look at every row before any is used: what cannot be read is refused, the rest is noted.

Runs over whole pages, and over single cells only where the file as a whole gave a reason: a list
without odd characters, long lines, 4.479E+11 or #N/A is not searched for them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from clinic.cohort.columns import column_name
from clinic.cohort.files.characters import REPLACEMENT, odd_character
from clinic.cohort.files.clean import without_point_zero
from clinic.cohort.files.limits import Limits
from clinic.cohort.files.notices import Notices
from clinic.cohort.files.pages import Page, misfits
from clinic.cohort.files.text.quotes import LINE_BREAK, swallows
from clinic.errors import ListRefused
from clinic.values.names import has_odd_sign

# A number that a spreadsheet has rounded for good; with a decimal comma in some countries
_ROUNDED = re.compile(r"\s*-?\d(?:[.,]\d+)?E\+\d+\s*", re.IGNORECASE)
_NAMES = ("given_name", "family_name", "full_name")
_ERROR = re.compile(r"\s*#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|#+)\s*")
# Where a rounded number is another patient, or nobody
EXACT = ("nhs_number", "local_id", "key", "mobile", "phone_home", "phone_work")
_IDS = ("nhs_number", "local_id", "code")
_MATTERS = (*EXACT, "birth_date", "email")


@dataclass(frozen=True)
class Reasons:
    """Which of the dearer looks the file as a whole gives reason for."""

    odd: bool = True
    long: bool = True
    rounded: bool = True
    errors: bool = True


@dataclass(frozen=True)
class Examiner:
    """What is known of a list while its rows are looked at."""

    file_name: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    limits: Limits
    reasons: Reasons
    notices: Notices
    misfits: list[int] = dataclasses.field(
        default_factory=list
    )  # rows with too few or too many cells

    def note_misfits(self, accepted: Container[int]) -> None:
        """Once all pages were seen: the rows that cannot be read, but for those accepted all the same."""
        self.notices.add("unreadable_row", [row for row in self.misfits if row not in accepted])

    def look(self, page: Page) -> None:
        """
        Note what is remarkable in a page.

        Raises:
            ListRefused: characters, lengths, numbers or quotation marks that would harm a patient
        """
        self._refuse_swallowed(page)
        if self.reasons.odd:
            self._refuse_characters(page)
        if self.reasons.long or page.spanning:
            self._refuse_lengths(page)
        if self.reasons.rounded:
            self._refuse_rounded(page)
        self._note(page)

    def _refuse_swallowed(self, page: Page) -> None:
        # Every scheme demands one of the first two; rows that are no patients' have a code
        id_field = next((name for name in _IDS if name in self.fields), None)
        id_at = self.columns.index(self.fields[id_field]) if id_field else 0
        for i in page.spanning:
            row = page.rows[i]
            if swallows(row, delimiter=self.delimiter, width=len(self.columns), id_at=id_at):
                column = next(c for c, cell in enumerate(row) if LINE_BREAK.search(cell))
                raise self._refusal(
                    "list-rows-swallowed",
                    (page.numbers[i], column),
                    "a quotation mark makes one cell of several lines that look like rows of their "
                    "own: patients would be lost. Delete the mark, or the line break.",
                )

    def _refuse_characters(self, page: Page) -> None:
        for place, cell in _cells(page):
            if odd := odd_character(cell, self.encoding):
                raise self._refusal(
                    "list-characters",
                    place,
                    f"{odd}. Type the cell again and save as 'CSV UTF-8'.",
                )

    def _refuse_lengths(self, page: Page) -> None:
        most = self.limits.cell_characters
        for place, cell in _cells(page):
            if len(cell) > most:
                raise self._refusal(
                    "list-cell-too-long",
                    place,
                    f"the cell has {len(cell):,} characters; the most that is read is {most:,}. "
                    "Shorten it, or look for a missing quotation mark.",
                )

    def _refuse_rounded(self, page: Page) -> None:
        for field in EXACT:
            for number, cell in zip(page.numbers, self._column(page, field), strict=False):
                if _ROUNDED.fullmatch(cell):
                    raise self._refusal(
                        "list-rounded-number",
                        (number, self.columns.index(self.fields[field])),
                        "a spreadsheet has rounded the number to the form 1.23E+11 and its last "
                        "digits are lost. Export the list again and do not save it in between, "
                        "or format the column as text first.",
                    )

    def _note(self, page: Page) -> None:
        add = self.notices.add
        add("line_breaks", [page.numbers[i] for i in page.spanning])
        add("blank_rows", count=page.blank)
        for code, rows in page.changed.items():
            add(code, rows)
        self.misfits.extend(page.numbers[i] for i in misfits(page, len(self.columns)))
        heading = list(self.columns)
        if heading in page.rows:
            add("repeated_heading", [n for n, row in _numbered(page) if row == heading])
        if self.reasons.odd:
            add("lost_character", [n for n, row in _numbered(page) if REPLACEMENT in "".join(row)])
        for field in _NAMES if self.encoding == "cp1252" else ():
            self._note_field(page, field, "odd_letters", _with_odd_sign)
        self._note_field(page, "local_id", "id_point_zero", _ending_in_zero)
        self._note_field(page, "mobile", "zero_restored", _lost_zero)
        self._note_field(page, "nhs_number", "short_nhs_number", _nine_digits)
        for field in _MATTERS if self.reasons.errors else ():
            self._note_field(page, field, "error_value", _errors)

    def _note_field(
        self, page: Page, field: str, code: str, find: Callable[[Sequence[str]], list[int]]
    ) -> None:
        """`find`: places of the cells that are so; it sees a column at once, since most have none."""
        places = find(self._column(page, field))
        rows = [page.numbers[place] for place in places]
        self.notices.add(code, rows, column=self.fields.get(field, ""))

    def _at(self, field: str) -> int | None:
        return self.columns.index(self.fields[field]) if field in self.fields else None

    def _column(self, page: Page, field: str) -> list[str]:
        """The cells of a field, "" where a row is too short; none if the list has no such column."""
        at = self._at(field)
        if at is None:
            return []
        try:
            return list(map(itemgetter(at), page.rows))
        except IndexError:
            return [row[at] if at < len(row) else "" for row in page.rows]

    def _refusal(self, code: str, place: tuple[int, int], says: str) -> ListRefused:
        row, position = place
        where = f"{self.file_name}: row {row:,}, {column_name(self.columns, position)}"
        return ListRefused(code, f"{where}: {says}")


def _numbered(page: Page) -> Iterator[tuple[int, list[str]]]:
    return zip(page.numbers, page.rows, strict=True)


def _cells(page: Page) -> Iterator[tuple[tuple[int, int], str]]:
    """Every cell with its row number and its position."""
    for number, row in _numbered(page):
        for position, cell in enumerate(row):
            yield (number, position), cell


def _lost_zero(mobiles: Sequence[str]) -> list[int]:
    return [
        i for i, one in enumerate(mobiles) if len(one) == 10 and one[0] == "7" and one.isdecimal()
    ]


def _ending_in_zero(local_ids: Sequence[str]) -> list[int]:
    if ".0" not in "\n".join(local_ids):
        return []
    return [
        i
        for i, one in enumerate(local_ids)
        if one.rstrip().endswith(".0") and without_point_zero(one) != one
    ]


def _nine_digits(nhs_numbers: Sequence[str]) -> list[int]:
    if 9 not in set(map(len, nhs_numbers)):
        return []
    return [i for i, one in enumerate(nhs_numbers) if len(one) == 9 and one.isdecimal()]


def _with_odd_sign(names: Sequence[str]) -> list[int]:
    return [i for i, one in enumerate(names) if has_odd_sign(one)]


def _errors(cells: Sequence[str]) -> list[int]:
    return [i for i, cell in enumerate(cells) if _ERROR.fullmatch(cell)]
