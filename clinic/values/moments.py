"""
Days and times as people type them, read one way everywhere: the day first, as in Britain and Ireland.

    2026-12-05          05/12/2026          5.12.2026          5 Dec 2026          5 December 2026
    2026-12-05 09:00    05/12/2026 9:00     2026-12-05T09:00   5 Dec 2026 09:00:30

What is neither is refused with how to write it; nothing is guessed. A time has no zone here: it is one of
the organisation's.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

DAY_SAYS: Final = "write a day as 2026-12-05 or 05/12/2026"
TIME_SAYS: Final = "write a day and a time as 2026-12-05 09:00 or 05/12/2026 09:00"

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_ISO = r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"
_NUMBERS = r"(?P<d>\d{1,2})(?P<s>[/.-])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4})"
_NAMED = r"(?P<d>\d{1,2}) (?P<n>[a-z]{3,9})\.? (?P<y>\d{4})"
_CLOCK = r"(?:(?:t|,? (?:at )?)(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?::(?P<second>\d\d))?)?"
_FORMS = [re.compile(form + _CLOCK, re.ASCII) for form in (_ISO, _NUMBERS, _NAMED)]


def read_day(text: str) -> datetime:
    """
    The first instant of the day that was typed, without a zone.

    Raises:
        ValueError: how to write it
    """
    found = _read(text)
    if found is None or found[1]:
        raise ValueError(DAY_SAYS)
    return found[0]


def first_of(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in this zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def first_after(day: date, zone: tzinfo) -> datetime:
    """The first instant after a day in this zone, in UTC."""
    return first_of(day + timedelta(days=1), zone)


def read_time(text: str) -> datetime:
    """
    The day and time that were typed, without a zone.

    Raises:
        ValueError: how to write it
    """
    found = _read(text)
    if found is None or not found[1]:
        raise ValueError(TIME_SAYS)
    return found[0]


def _read(text: str) -> tuple[datetime, bool] | None:
    """The instant, and whether a time was typed."""
    plain = " ".join(text.lower().split())
    match = next(filter(None, (form.fullmatch(plain) for form in _FORMS)), None)
    if match is None:
        return None
    parts = match.groupdict()
    month = _month(parts["n"]) if "n" in parts else int(parts["m"])
    hour, minute, second = (int(parts[part] or 0) for part in ("hour", "minute", "second"))
    try:
        at = datetime(int(parts["y"]), month, int(parts["d"]), hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None
    return at, parts["hour"] is not None


_LONG = (
    "january february march april may june july august september october november december"
).split()


def _month(name: str) -> int:
    """1 to 12; 0, which is no month, for another word."""
    names = [*_LONG, *_MONTHS, "sept"]
    return (names.index(name) % 12) + 1 if name in names[:24] else 9 if name == "sept" else 0
