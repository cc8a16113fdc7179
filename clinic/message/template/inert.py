"""
Values made inert before a template sees them: on one line, without marks that cannot be seen.

A value is text and stays text: "{{ x }}" or "<script>" in a name is printed as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Final

# Control characters, line and paragraph ends, halves of surrogate pairs: a space each time.
# Marks that turn the direction of writing, and so can hide or disguise what follows: nothing
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def _long(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


DATE_FORMATS: Final[dict[str, Callable[[date], str]]] = {
    "short": lambda day: f"{day:%d/%m/%Y}",
    "medium": lambda day: f"{day.day} {day:%b %Y}",
    "long": _long,
    "full": lambda day: f"{day:%A} {_long(day)}",
    "day": lambda day: f"{day:%A} {day.day} {day:%B}",
    "weekday": lambda day: f"{day:%A}",
    "time": lambda day: f"{day:%H:%M}",
    "iso": lambda day: f"{day:%Y-%m-%d}",
}


def inert(value: object) -> str:
    """
    A value as text for a template; "" if there is none (None, NaN, NaT, False).

    Dates print as "2 March 2026", instants as "2 March 2026, 10:30" in the zone they are in.
    """
    text = value if isinstance(value, str) else _as_text(value)
    if not text.isprintable():
        text = _TURNS.sub("", _BREAKS.sub(" ", text))
    return text.strip()


def formatted(value: object, name: str) -> str:
    """
    A date in one of `DATE_FORMATS`. ISO text is read as a date; other text is printed as it stands.

    Instants are printed in the zone they are in: whoever fills the frame makes them local.
    """
    if isinstance(value, str):
        value = _from_iso(value.strip())
    if isinstance(value, date) and value == value:  # NaT is a datetime, and not itself
        return DATE_FORMATS[name](value)
    return inert(value)


def _as_text(value: object) -> str:
    kind = type(value).__name__  # pandas' and numpy's own kinds are known without importing them
    if value is None or kind == "NAType" or value != value:  # NaN and NaT are not themselves
        return ""
    if kind == "bool":
        return "yes" if value else ""
    if isinstance(value, datetime):
        return _long(value) + ("" if value.time() == time.min else f", {value:%H:%M}")
    return _long(value) if isinstance(value, date) else str(value)


def _from_iso(text: str) -> date | str:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return text
