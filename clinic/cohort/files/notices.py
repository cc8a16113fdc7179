"""What was noticed in a list that is read all the same: codes, row numbers and counts, never a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# How many row numbers are kept of each kind; the count goes on
EXAMPLES = 20

_LOOKS = (
    "and is not used: its heading is not known, or another column is used instead. If it is the "
    "patient's, rename the heading to {heading!r}. Judged by the first 1,000 cells that are filled."
)

SENTENCES: dict[str, str] = {
    "unused_nhs_numbers": "This column looks like NHS numbers "
    + _LOOKS.format(heading="NHS Number"),
    "unused_birth_dates": "This column looks like dates of birth "
    + _LOOKS.format(heading="Date of Birth"),
    "unused_phones": "This column looks like phone numbers "
    + _LOOKS.format(heading="Mobile Telephone"),
    "unused_emails": "This column looks like e-mail addresses " + _LOOKS.format(heading="Email"),
    "not_utf8": "The file is not UTF-8 and was read as Windows-1252. Look at names with accents; if "
    "they are wrong, export it again as 'CSV UTF-8'.",
    "odd_letters": "A name holds signs that names do not have, as when a file of a Mac or in UTF-8 is "
    "read as Windows-1252. Export it again as 'CSV UTF-8'.",
    "unreadable_row": "More or fewer cells than the heading: these rows are not messaged. "
    "Fix them in the file, or delete stray commas and quotation marks.",
    "rounded_as_shown": "A number has more digits than the spreadsheet shows: it is written as it is "
    "shown. Show more decimals and save again if they matter.",
    "format_unknown": "Numbers have a format that is not understood: they are written without it, as "
    "plain numbers. Look at them where they are shown, or format the column as text.",
    "empty_formula": "A formula shows nothing and is read as empty. If it should have a value, open the "
    "file in Excel or LibreOffice, look, and save it again.",
    "unseen_removed": "Characters that nobody sees (without width, or turning the direction of writing) "
    "were taken out of cells. Look at these rows if a text looks different from the file.",
    "formula_as_text": 'A cell was written as ="…", so that Excel shows it as text: what stands between '
    "the quotation marks is used.",
    "point_zero": "A phone or NHS number ended in .0, as when a program took it for an amount: it is "
    "read without.",
    "id_point_zero": "An id of the practice ends in .0, as when a program took it for an amount. It is "
    "not changed by guess: export the column as text if the ids have none.",
    "short_rows": "These rows lack their last cells, as when a program cuts off what is empty: they are "
    "read as empty. Look at one of them: its values must be under the right headings.",
    "line_breaks": "A cell holds a line break, so that one row spans several lines of the file. "
    "Read as one row each; look at them if that is not what you expect.",
    "blank_rows": "Empty rows were skipped.",
    "title_rows": "Rows above the heading, such as a title, were left out. If one of them is a patient, "
    "move the heading to the top.",
    "hidden_rows": "Rows hidden in the spreadsheet were left out, as by a filter. "
    "Show them and save again if they are to be messaged.",
    "hidden_columns": "Columns hidden in the spreadsheet were left out.",
    "other_sheets": "Only the first visible sheet is read.",
    "zero_restored": "A mobile number begins with 7 and has ten digits: Excel dropped its zero. "
    "It is read as a British mobile all the same.",
    "short_nhs_number": "An NHS number has nine digits; Excel may have dropped a zero. "
    "It is not completed by guess: the row will be left out.",
    "lost_character": "A cell holds the replacement character U+FFFD: the program that wrote the file "
    "lost a letter. Export it again as UTF-8 if it is in a name that is shown.",
    "error_value": "A cell that matters holds a spreadsheet error such as #N/A.",
    "no_last_line_end": "The last row has no line end. Make sure that the export was not cut off.",
    "repeated_heading": "The heading appears again among the rows, as if two exports were joined.",
}


# What the reader left out, ignored or may have changed: a person must see it before anything is sent
MUST_BE_SEEN = frozenset(
    {
        "unused_nhs_numbers",
        "unused_birth_dates",
        "unused_phones",
        "unused_emails",
        "hidden_rows",
        "title_rows",
        "hidden_columns",
        "other_sheets",
        "unreadable_row",
        "odd_letters",
        "rounded_as_shown",
        "format_unknown",
        "empty_formula",
        "unseen_removed",
        "short_rows",
        "id_point_zero",
        "lost_character",
    }
)


@dataclass
class Notice:
    """One kind of thing noticed: how often, and the first row numbers (empty: the file as a whole)."""

    code: str
    column: str = ""
    count: int = 0
    rows: list[int] = field(default_factory=list)

    @property
    def says(self) -> str:
        """What it means, and what to do."""
        return SENTENCES[self.code]

    @property
    def must_be_seen(self) -> bool:
        """Whether it is about what the reader left out, ignored or may have changed."""
        return self.code in MUST_BE_SEEN


class Notices:
    """Collects notices while a list is examined."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Notice] = {}

    def add(
        self,
        code: str,
        rows: Iterable[int] = (),
        *,
        column: str = "",
        count: int | None = None,
    ) -> None:
        """Note `code` for these rows, or `count` times without saying where; nothing if there are none."""
        numbers = list(rows)
        total = len(numbers) if count is None else count
        if not total:
            return
        notice = self._kept.setdefault((code, column), Notice(code, column))
        notice.count += total
        notice.rows += numbers[: EXAMPLES - len(notice.rows)]

    def all(self) -> tuple[Notice, ...]:
        """In the order in which they were first seen."""
        return tuple(self._kept.values())
