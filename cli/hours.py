"""Working hours as people type and read them: "mon-fri 08:00-20:00, sat 09:00-12:00", or "always"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final, get_args

from clinic.errors import SettingsWrong

if TYPE_CHECKING:
    from clinic.settings import Day

ALWAYS: Final = "always"
# Where nobody says otherwise: nobody is texted at night, nobody is called early
TEXT_HOURS: Final = "mon-fri 08:00-20:00"
VOICE_HOURS: Final = "mon-fri 09:00-18:00"


def read_hours(text: str) -> dict[Day, list[str]]:
    """
    Windows by day, as the settings hold them; none for "always".

    Raises:
        SettingsWrong: not hours as they are written
    """
    windows: dict[Day, list[str]] = {}
    if text.strip().lower() == ALWAYS:
        return windows
    for part in text.lower().split(","):
        try:
            days, window = part.split()
            for day in _days(days):
                windows.setdefault(day, []).append(_window(window))
        except ValueError:
            raise SettingsWrong(
                "hours-unreadable",
                f"hours are written as {TEXT_HOURS}, sat 09:00-12:00; or {ALWAYS}. "
                f"Not so: {part.strip() or 'nothing'}",
            ) from None
    return windows


def _week() -> tuple[Day, ...]:
    from clinic.settings import Day

    return get_args(Day)


def _days(text: str) -> Sequence[Day]:
    week: tuple[str, ...] = _week()
    first, _, last = text.partition("-")
    begin, end = week.index(first), week.index(last or first)
    if begin > end:
        raise ValueError("a week begins on Monday")
    return _week()[begin : end + 1]


def _window(text: str) -> str:
    from clinic.settings import read_window

    begin, end = read_window(text)
    if begin >= end:
        raise ValueError("a window ends after it begins")
    return text


def hours_text(windows: Mapping[Day, Sequence[str]]) -> str:
    """For people: "Mon-Fri 08:00-20:00, Sat 09:00-12:00"."""
    if not windows:
        return "at any hour, also at night"
    found = []
    for open_at, days in groupby(_week(), key=lambda day: tuple(windows.get(day, ()))):
        first, *rest = days
        if open_at:
            span = f"{first.title()}-{rest[-1].title()}" if rest else first.title()
            found.append(f"{span} {' and '.join(open_at)}")
    return ", ".join(found)
