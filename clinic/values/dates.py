"""
Dates of birth as lists bring them. What can be read two ways is refused, not guessed.

    1980-12-31   1980-12-31 00:00:00   19801231     ISO 8601, as databases write it
    31-Dec-1980  31 December 1980                   the month in letters; SystmOne: 31 Dec 1980 00:00:00
    31/12/1980   31.12.1980  31-12-1980             an order of day and month must be known
    …/80                                            only if one century is possible

The order is looked for in the whole column: a number over 12 in first place says that days come
first. Excel's serial numbers (29586) are refused: Windows and Mac count from different days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

import numpy as np
import pandas as pd

from clinic.values.text import as_strings, tidy

Order = Literal["dmy", "mdy", "ambiguous"]

MISSING = "birth_date_missing"
INVALID = "birth_date_invalid"

OLDEST: Final = 125  # years: nobody alive is older, so an older date is a slip of the key

_MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?"
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}}){_MIDNIGHT}|(\d{{4}})(\d\d)(\d\d)", re.ASCII)
_NAMED = re.compile(rf"(\d{{1,2}})[-/. ]?([a-z]{{3,9}})[-/. ,]*(\d{{4}}|\d\d){_MIDNIGHT}", re.ASCII)
_NUMBERS = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}|\d\d){_MIDNIGHT}", re.ASCII)
MONTHS = (
    "january february march april may june july august september october november december"
).split()


def read_dates(
    texts: pd.Series, *, today: date, order: Order = "ambiguous", settled: bool = False
) -> pd.DataFrame:
    """
    Read a column of dates of birth.

    Args:
        texts: as the list has them, "" or null where there is none
        today: later dates are refused
        order: of day and month, if the column itself does not tell; "ambiguous": refuse the dates
            that could be either
        settled: `texts` are a part of a column, and `order` is what the whole of it proves

    Returns:
        date: datetime64[s], NaT where there is an error
        fault: "", "birth_date_missing" or "birth_date_invalid"
    """
    codes, distinct = pd.factorize(as_strings(texts).to_numpy(dtype=object))
    plain = [tidy(str(text)).lower() for text in distinct]
    known = order if settled else infer_order(plain, otherwise=order)
    days = [_read(text, known, today) for text in plain]
    faults = [
        MISSING if not text else "" if day else INVALID
        for text, day in zip(plain, days, strict=True)
    ]
    return pd.DataFrame(
        {
            "date": np.array(days, dtype="datetime64[s]")[codes],
            "fault": pd.array(np.array(faults, dtype=object)[codes], dtype="str"),
        },
        index=texts.index,
    )


def infer_order(texts: Iterable[str], *, otherwise: Order) -> Order:
    """The order of day and month that the texts prove; `otherwise` if they prove none, or both."""
    proven = proven_orders(texts)
    return next(iter(proven)) if len(proven) == 1 else otherwise


def proven_orders(texts: Iterable[str]) -> set[Order]:
    """Every order of day and month that one of the texts proves: none, one, or both."""
    proven: set[Order] = set()
    for found in filter(None, (_NUMBERS.fullmatch(tidy(text).lower()) for text in texts)):
        if int(found[1]) > 12 >= int(found[3]):
            proven.add("dmy")
        if int(found[3]) > 12 >= int(found[1]):
            proven.add("mdy")
    return proven


def order_of(layout: str | None, proven: set[Order]) -> Order:
    """
    The order of a list's dates: days first in what EMIS and SystmOne write, else what the whole column
    proves; "ambiguous" if it proves none, or both.
    """
    if layout in ("emis", "systmone"):
        return "dmy"
    return next(iter(proven)) if len(proven) == 1 else "ambiguous"


def _read(text: str, order: Order, today: date) -> date | None:
    """The one date that a text can mean, or None."""
    readings = {
        day for parts in _parts(text, order, today) if (day := _real(*parts)) and _lived(day, today)
    }
    return readings.pop() if len(readings) == 1 else None


def _parts(text: str, order: Order, today: date) -> list[tuple[int, int, int]]:
    """Every (year, month, day) that a text could mean."""
    if found := _ISO.fullmatch(text.upper()):
        year, month, day = (part for part in found.groups() if part)
        return [(int(year), int(month), int(day))]
    if found := _NAMED.fullmatch(text):
        return [(year, _month(found[2]), int(found[1])) for year in _years(found[3], today)]
    if found := _NUMBERS.fullmatch(text):
        first, second = int(found[1]), int(found[3])
        years = _years(found[4], today)
        day_first = [(year, second, first) for year in years if order != "mdy"]
        month_first = [(year, first, second) for year in years if order != "dmy"]
        return day_first + month_first
    return []


def _years(text: str, today: date) -> list[int]:
    """The year written, or the two that two digits can mean."""
    if len(text) == 4:
        return [int(text)]
    century = today.year // 100 * 100
    return [century - 100 + int(text), century + int(text)]


def _month(name: str) -> int:
    """1 to 12; 0 if it is no month."""
    return next((n for n, month in enumerate(MONTHS, 1) if month.startswith(name)), 0)


def _real(year: int, month: int, day: int) -> date | None:
    """The date, if the calendar has it."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _lived(day: date, today: date) -> bool:
    return day <= today and today.year - day.year <= OLDEST
