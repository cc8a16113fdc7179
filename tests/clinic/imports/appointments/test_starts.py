"""
NEW-14, NEW-16: when an appointment begins, as sources write it.

What is read of a whole column at once is what a reader of one row at a time would read.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.imports.appointments.starts import read_starts

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


def read(day: str, at: str | None = None, zone: str = "Europe/London") -> tuple[str, bool]:
    starts, twice = read_starts(
        pd.Series([day], dtype="str"),
        None if at is None else pd.Series([at], dtype="str"),
        today=date(2026, 3, 2), zone=zone, order="dmy",
    )  # fmt: skip
    return "" if pd.isna(starts[0]) else f"{starts[0]:%Y-%m-%d %H:%M:%S}", bool(twice[0])


@pytest.mark.parametrize(
    ("day", "at", "start", "twice"),
    [
        ("02/07/2026", "09:30", "2026-07-02 08:30:00", False),
        ("2026-07-02 09:30:15", "", "2026-07-02 08:30:15", False),
        ("2026-07-02T09:30:00.000Z", None, "2026-07-02 09:30:00", False),
        ("2026-07-02T09:30:00-05:30", "", "2026-07-02 15:00:00", False),
        ("2 Jul 2026", "2:30 PM", "2026-07-02 13:30:00", False),
        ("2 Jul 2026", "12:05 am", "2026-07-01 23:05:00", False),
        ("25/10/2026", "01:30", "2026-10-25 00:30:00", True),
        ("25/10/2026", "01:30Z", "2026-10-25 01:30:00", False),  # says which of the two
        ("29/03/2026", "01:30", "", False),  # the clock leaves it out
        ("29/03/2026", "02:00", "2026-03-29 01:00:00", False),
        ("02/07/2026", "", "", False),
        ("02/07/2026", "24:00", "", False),
        ("02/07/2026", "00:00:00", "", False),  # how a time is written that is not known
        ("2026-07-02 00:00", None, "", False),
        ("2026-07-02T00:00:00+01:00", None, "2026-07-01 23:00:00", False),  # an instant says it
        ("02/07/2026", "13:00 pm", "", False),
        ("02/07/2026", "am", "", False),
        ("02/07/2026", "0.395833", "", False),
        ("01/01/1900", "09:30", "", False),
        ("31/12/9999", "09:30", "", False),
        ("0000-00-00", "00:00:00", "", False),
        ("02/07/2026", "09:30+99:00", "", False),
        ("", "09:30", "", False),
    ],
)
def test_a_day_and_a_time(day: str, at: str | None, start: str, twice: bool) -> None:
    assert read(day, at) == (start, twice)


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2030, 12, 31)).map(lambda t: t.replace(microsecond=0)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)  # fmt: skip
def test_a_local_time_is_read_as_the_zone_has_it(local: datetime, zone: str) -> None:
    """NEW-16: the first of two, and none where the clock shows no such time, or midnight."""
    first = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    second = local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    there = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local and local.time() > time()
    expected = (f"{first:%Y-%m-%d %H:%M:%S}", first != second) if there else ("", False)
    assert read(f"{local:%Y-%m-%d}", f"{local.time():%H:%M:%S}", zone) == expected
