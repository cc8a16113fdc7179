"""
Values of databases and columnar files as text that says exactly what they are, or not at all.

    NULL → ""    12 → 12    Decimal 10.50 → 10.50    True → true    a day → 2026-03-02
    a time → 09:30:00    an instant → 2026-03-02 09:30:00+00:00 (with its offset, where it has one)

A number with a floating point cannot hold an id: from 2^53 on its last digits are another's. It is refused
there; below, a whole one has no .0, as programs write ids that were empty in some row.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Final
from uuid import UUID

_EXACT: Final = 2**53


def text_of(value: object) -> str:
    """
    The value as text.

    Raises:
        ValueError: what it is, and what to do; never the value itself
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _other(value)


def _other(value: object) -> str:
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Decimal):
        return "" if value.is_nan() else format(value, "f")
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return _time_of_day(value)
    if isinstance(value, UUID):
        return str(value)
    raise ValueError(
        f"a value of type {type(value).__name__}, which is no cell: make it a text in the query"
    )


def _float(value: float) -> str:
    if math.isnan(value):
        return ""
    if not math.isfinite(value) or (value.is_integer() and abs(value) >= _EXACT):
        raise ValueError(
            "a number with a floating point that is too large to be exact: an id so kept is another's. Cast "
            "the column to a text where it is still exact"
        )
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


def _time_of_day(value: dt.timedelta) -> str:
    """MySQL's times come as spans."""
    if not dt.timedelta(0) <= value < dt.timedelta(days=1):
        raise ValueError(
            "a span of a day or more where a time of day is read: make it a text in the query"
        )
    return (dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + value).time().isoformat()


def texts_of(values: Iterable[object]) -> list[str]:
    """
    Values of a column as texts.

    Raises:
        ValueError: as `text_of`
    """
    return [value if type(value) is str else text_of(value) for value in values]
