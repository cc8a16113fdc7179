"""Whether a facility or provider is there still: by a day, by yes or no, or by a row that was taken out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import pandas as pd

from clinic.imports.formats import MASKED
from clinic.imports.left import has_left
from clinic.message.intake.says_no import says_yes
from clinic.values.dates import read_dates

_AHEAD: Final = timedelta(days=50 * 366)


def read_active(given: pd.DataFrame, today: date) -> pd.Series[Any]:
    """False where a day of closing is not to come, it says so or its row was taken out; None: not said."""
    found = pd.Series(None, given.index, dtype=object)
    if "active" in given:
        found = given["active"].map(says_yes).astype(object)
    if "closed" in given:
        said = given["closed"].map(lambda text: _is_open(text, today)).astype(object)
        found = said.where(said.notna(), found)
    found = found.mask(has_left(given), False)
    return found.where(found.notna(), None)


def count_unclear(given: pd.DataFrame, today: date) -> int:
    """How many cells say something of being closed or open that cannot be read."""
    count = 0
    if "closed" in given:
        count += sum(
            _is_open(text, today) is None and text != "" and not MASKED.fullmatch(text)
            for text in given["closed"]
        )
    if "active" in given:
        count += sum(text != "" and says_yes(text) is None for text in given["active"])
    return count


def _is_open(text: str, today: date) -> bool | None:
    """Whether it is open yet; None: nothing is said, or it cannot be read."""
    if not text or MASKED.fullmatch(text):
        return None
    read = read_dates(pd.Series([text]), today=today + _AHEAD, order="dmy", settled=True)
    day = read["date"].iloc[0]
    if pd.notna(day):
        return bool(day.date() > today)
    word = says_yes(text)
    if len(text) > 1 and any(map(str.isdigit, text)):
        return None  # a day that is none, or of another order, says nothing
    return None if word is None else not word
