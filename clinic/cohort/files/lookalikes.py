"""
Columns that look like what tells patients apart, or reaches them, and are not used.

A heading that is not known must not switch a check off in silence: the values are looked at, and a
person is told. The first 1,000 filled cells of a column decide, so that the look costs the same
whatever a list's size.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from stdnum.gb import nhs

from clinic.cohort.files.notices import Notices
from clinic.cohort.files.pages import Page
from clinic.values.text import Mask, matches

_ENOUGH = 1000
# Free cells hold a stray number or address too; a column of them holds little else
_MOST = 0.6
_PHONE = r"(?:\+|00|0|\(0)?[\s()\-.]*(?:\d[\s()\-./]*){9,14}"
_EMAIL = r"[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]{2,}"
_DATE = re.compile(
    r"(?:(?P<first>(?:18|19|20)\d\d)[-/.]\d\d?[-/.]\d\d?(?:[T ][0:.Z]+)?"
    r"|\d\d?[-/. ]?(?:\d\d?|[A-Za-z]{3,9})[-/. ,]*(?P<last>(?:18|19|20)\d\d)(?: [0:.]+)?)"
)
# Dates of birth go back decades, those of visits and letters do not
_LONG_AGO = 2016


def _nhs_numbers(texts: pd.Series[str]) -> Mask:
    return np.array([len(text) >= 10 and nhs.is_valid(text) for text in texts.tolist()], dtype=bool)


def _birth_dates(texts: pd.Series[str]) -> Mask:
    found = [_DATE.fullmatch(text) for text in texts.tolist()]
    years = [int(one["first"] or one["last"]) if one else 0 for one in found]
    read = np.array(years)
    old = (read > 0) & (read < _LONG_AGO)
    return read > 0 if old.sum() * 2 > (read > 0).sum() else np.zeros(len(read), dtype=bool)


# Asked in this order: an NHS number has the digits of a phone number
_KINDS: Mapping[str, Callable[[pd.Series[str]], Mask]] = {
    "unused_nhs_numbers": _nhs_numbers,
    "unused_birth_dates": _birth_dates,
    "unused_emails": lambda texts: matches(texts, _EMAIL),
    "unused_phones": lambda texts: matches(texts, _PHONE),
}


class Lookalikes:
    """Gathers cells of the columns that nothing uses, page by page, until it has seen enough."""

    def __init__(self, columns: Sequence[str], used: Collection[str]) -> None:
        self._columns = columns
        self._cells: dict[int, list[str]] = {
            place: [] for place, heading in enumerate(columns) if heading not in used
        }

    def look(self, page: Page) -> None:
        """Gather what is still wanted."""
        for place, cells in self._cells.items():
            if len(cells) < _ENOUGH:
                filled = (row[place].strip() for row in page.rows if place < len(row))
                cells += [cell for cell in filled if cell]

    def note(self, notices: Notices) -> None:
        """A notice for each column that looks like one that should be used; `count`: cells that do."""
        for place, cells in self._cells.items():
            texts = pd.Series(cells[:_ENOUGH], dtype="str")
            counts = Counter(
                {code: int(looks(texts).sum()) for code, looks in _KINDS.items()} if cells else {}
            )
            for code, count in counts.items():
                if count >= _MOST * len(texts):
                    notices.add(code, column=self._columns[place], count=count)
                    break
