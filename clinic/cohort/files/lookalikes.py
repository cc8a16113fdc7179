"""
Columns that look like what tells patients apart, or reaches them, and are not used.

A heading that is not known must not switch a check off in silence: the values are looked at, and a
person is told. The first 1,000 filled cells of a column decide, so that the look costs the same
whatever a list's size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from stdnum.gb import nhs

from clinic.cohort.files.notices import Notices
from clinic.cohort.files.pages import Page
from clinic.values.text import Mask, matches

if TYPE_CHECKING:
    import numpy.typing as npt

_ENOUGH = 1000
# Free cells hold a stray number or address too; a column of them holds little else
_MOST = 0.6
# What people write where there is nothing: no reason to think that a column is something else
_FILLERS = frozenset(
    "none|no|nil|n/a|na|unknown|u/k|not known|not recorded|not given|declined|refused|tbc|null|-|--|?|x".split(
        "|"
    )
)
# A note before or after it, as "(wife)" or "home:", makes it no less a number
_NOTE = r"[^\W\d_][^\d@]{0,20}"
_PHONE = (
    rf"(?:{_NOTE}[ :])?(?:\+|00|0|\(0)?[\s()\-.]*(?:\d[\s()\-./]*){{9,14}}(?:[ (,;:-]*{_NOTE}\)?)?"
)
_ADDRESS = r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;.<>]{2,}"
_EMAIL = rf"(?:[^@<>]*<)?{_ADDRESS}>?(?:[\s,;/]+{_ADDRESS})*[;,]?"
_MONTH = r"[A-Za-z]{3,9}\.?"
_YEAR = r"(?:18|19|20)\d\d"
_DATE = re.compile(
    rf"(?P<first>{_YEAR})[-/. ]\d\d?[-/. ]\d\d?(?:[T ][0:.Z]+)?"
    rf"|(?P<compact>{_YEAR})(?:0\d|1[0-2])(?:[0-2]\d|3[01])"
    rf"|(?:\d\d?(?:st|nd|rd|th)?[-/. ]*(?:{_MONTH}|(?<=[-/. ])\d\d?)|{_MONTH} \d\d?(?:st|nd|rd|th)?)"
    rf"[-/. ,]+(?:(?P<last>{_YEAR})|(?P<short>\d\d))(?: [0:.]+)?"
)
# Dates of birth go back decades, those of visits and letters do not; a child's are told by the heading
_LONG_AGO = 2016
_SAYS_BIRTH = re.compile(r"birth|(?<![a-z])(?:born|dob|d\.? ?o\.? ?b\b)", re.IGNORECASE)


def _nhs_numbers(texts: pd.Series[str]) -> Mask:
    return np.array([len(text) >= 10 and nhs.is_valid(text) for text in texts.tolist()], dtype=bool)


def _dates(texts: pd.Series[str]) -> npt.NDArray[np.int_]:
    """The year of each text that is a date, 0 of any other."""
    found = [_DATE.fullmatch(text) for text in texts.tolist()]
    return np.array([_year(one) if one else 0 for one in found], dtype=int)


def _year(found: re.Match[str]) -> int:
    if short := found["short"]:
        return int(short) + (1900 if int(short) >= 30 else 2000)
    return int(found["first"] or found["compact"] or found["last"])


def _birth_dates(texts: pd.Series[str]) -> Mask:
    years = _dates(texts)
    old = (years > 0) & (years < _LONG_AGO)
    return years > 0 if old.sum() * 2 > (years > 0).sum() else np.zeros(len(years), dtype=bool)


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
                cells += [cell for cell in filled if cell and cell.casefold() not in _FILLERS]

    def note(self, notices: Notices) -> None:
        """A notice for each column that looks like one that should be used; `count`: cells that do."""
        for place, cells in self._cells.items():
            texts = pd.Series(cells[:_ENOUGH], dtype="str")
            counts = {code: int(looks(texts).sum()) for code, looks in _KINDS.items()}
            if _SAYS_BIRTH.search(self._columns[place]):
                counts["unused_birth_dates"] = int((_dates(texts) > 0).sum())
            for code, count in counts.items():
                if count and count >= _MOST * len(texts):
                    notices.add(code, column=self._columns[place], count=count)
                    break
