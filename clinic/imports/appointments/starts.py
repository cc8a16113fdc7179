"""
When an appointment begins, from its day and time as a source writes them, read a column at a time.

A time without an offset is of the practice's time zone. The hour that the clock repeats in autumn is read as
the first and said; one that it leaves out in spring is no time. Nor is midnight without an offset: systems
write it for a time that they do not know, and nobody is to be told to come then.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from clinic.values.dates import Order, read_dates

_CLOCK: Final = re.compile(
    r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:\.\d+)?)?\s*([ap]\.?m\.?)?", re.ASCII
)
_BOTH: Final = re.compile(r"^(.*?\d)[T ,]+(\d{1,2}[:.]\d\d.*)$")
_OFFSET: Final = re.compile(r"(?:Z|([+-])(\d\d):?(\d\d))$", re.ASCII)
_OLDEST: Final = "2000-01-01"
_AHEAD: Final = timedelta(days=5 * 366)
_NO_TIME: Final = (-1, 0, False)


def read_starts(
    days: pd.Series[str], times: pd.Series[str] | None, *, today: date, zone: str, order: Order
) -> tuple[pd.Series[pd.Timestamp], pd.Series[bool]]:
    """
    The instants, and whether the clock shows that hour twice.

    Args:
        days: with a time behind the day or without; times: of those without
        order: of day and month, as the whole column proves it

    Returns:
        same index; the instant in UTC, NaT where day or time cannot be read, is of before 2000 or is more than
        five years ahead, which are masks
    """
    codes, distinct = pd.factorize(days.to_numpy(dtype=object))
    parts = [_BOTH.match(str(text)) for text in distinct]
    alone = np.array(
        [found[1] if found else text for found, text in zip(parts, distinct, strict=True)], object
    )
    behind = np.array([found[2] if found else "" for found in parts], object)
    read = read_dates(
        pd.Series(alone, dtype="str"), today=today + _AHEAD, order=order, settled=True
    )
    midnight = (
        read["date"].where(read["date"] >= pd.Timestamp(_OLDEST)).to_numpy("datetime64[s]")[codes]
    )
    said = behind[codes]
    if times is not None:
        said = np.where(said == "", times.to_numpy(dtype=object), said)
    of_time, texts = pd.factorize(said)
    clock = np.array([_read_time(str(text)) for text in texts], dtype="int64").reshape(-1, 3)[
        of_time
    ]
    midnight[clock[:, 0] < 0] = np.datetime64("NaT")
    local = pd.Series(midnight + clock[:, 0].astype("timedelta64[s]"), days.index)
    return _to_utc(local, clock[:, 1], clock[:, 2].astype(bool), zone)


def _to_utc(
    local: pd.Series[pd.Timestamp], offsets: np.ndarray, given: np.ndarray, zone: str
) -> tuple[pd.Series[pd.Timestamp], pd.Series[bool]]:
    """`offsets`: seconds east of UTC, where one is `given`."""
    first = local.dt.tz_localize(zone, ambiguous=np.ones(len(local), bool), nonexistent="NaT")
    once = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    written = (local - pd.Series(offsets.astype("timedelta64[s]"), local.index)).dt.tz_localize(
        "UTC"
    )
    starts = first.dt.tz_convert("UTC").where(~given, written).astype("datetime64[us, UTC]")
    return starts, first.notna() & once.isna() & ~given


def _read_time(said: str) -> tuple[int, int, bool]:
    """Seconds since midnight, below 0: no time; the offset's seconds; whether there is one."""
    offset = _OFFSET.search(said)
    match = _CLOCK.fullmatch(said[: offset.start()].strip() if offset else said.strip().lower())
    if match is None:
        return _NO_TIME
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    half = (match[4] or "").replace(".", "")
    if half and not 1 <= hour <= 12:
        return _NO_TIME
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    if hour > 23 or minute > 59 or second > 59:
        return _NO_TIME
    at = hour * 3600 + minute * 60 + second
    if offset is None:
        return (at, 0, False) if at else _NO_TIME
    east = int(offset[2] or 0) * 3600 + int(offset[3] or 0) * 60
    if east > 18 * 3600:
        return _NO_TIME
    return at, -east if offset[1] == "-" else east, True
