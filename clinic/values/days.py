"""
Days as people write them for patients to read, wherever they stand in a text.

    every form of clinic/values/dates.py, and beside them
    Mon 7 December 2026, 9.30am   5th December   December 5, 2026   5 Dec (the year that is nearest)

What is no day is none: a text that names no day, or one that the calendar does not have, says nothing.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from clinic.values.dates import MONTHS, Order
from clinic.values.text import tidy

_MONTH: Final = rf"(?<![a-z])(?P<month>(?:{'|'.join(month[:3] for month in MONTHS)})[a-z]*)"
_NO_TIME: Final = r"(?![:.]\d| ?[ap]\.?m)"
_YEAR: Final = r"(?P<year>(?:1[89]|2[01])\d\d|'?\d\d)(?!\d)"
# Beside the name of a month, 1430 and 1930 are times of a day: no day to keep is so long ago
_YEAR_BESIDE: Final = r"(?:19[6-9]\d|2[01]\d\d)(?!\d)"
_FORMS: Final = (
    re.compile(
        r"(?<!\d)(?P<year>(?:1[89]|2[01])\d\d)[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"
    ),
    re.compile(r"^(?P<year>(?:1[89]|2[01])\d\d)(?P<month>\d\d)(?P<day>\d\d)$"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)" + _YEAR),
    re.compile(r"^(?P<day>\d{1,2}) (?P<month>\d{1,2}) " + _YEAR),
    re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[-/., ]*{_MONTH}"
        rf"(?:[-/., ]*(?P<year>{_YEAR_BESIDE}|'?\d\d(?!\d)){_NO_TIME})?"
    ),
    re.compile(
        rf"{_MONTH}[-/. ]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:[-/., ]+(?P<year>{_YEAR_BESIDE}))?"
    ),
)


def latest_day(text: str, *, order: Order, today: date) -> date | None:
    """
    The last day that a text names; None: it names none.

    Args:
        order: of day and month in a date of numbers; "ambiguous" is read with days first
        today: a day without its year is the one that is nearest to it
    """
    plain = tidy(text).lower()
    days: list[date] = []
    for form in _FORMS:
        days.extend(filter(None, (_day(found, order, today) for found in form.finditer(plain))))
        plain = form.sub(" | ", plain)  # "5 December 26" is not December 26
    return max(days, default=None)


def _day(found: re.Match[str], order: Order, today: date) -> date | None:
    parts = found.groupdict()
    month = _number(parts["month"])
    day = int(parts["day"])
    if parts.get("mark") and ((order == "mdy" and day <= 12) or month > 12):
        month, day = day, month
    if parts["year"] is None:
        around = [_real(year, month, day) for year in (today.year - 1, today.year, today.year + 1)]
        known = [one for one in around if one is not None]
        return min(known, key=lambda one: abs(one - today), default=None)
    return _real(_full(parts["year"].strip("'"), today), month, day)


def _number(month: str) -> int:
    if month.isdigit():
        return int(month)
    return next((n for n, name in enumerate(MONTHS, 1) if name.startswith(month)), 0)


def _full(year: str, today: date) -> int:
    """26 is the year of this century that is not far off; 80 is of the last one."""
    if len(year) == 4:
        return int(year)
    century = today.year // 100 * 100
    near = century + int(year)
    return near if near <= today.year + 20 else near - 100


def _real(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
