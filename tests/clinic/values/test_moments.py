"""Times that people type are read one way everywhere, and what is none is refused."""

from __future__ import annotations

from datetime import datetime

import pytest

from clinic.values.moments import read_day, read_time


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("05/12/2026 09:00", "2026-12-05 09:00"),
        ("29/11/2026 09:00", "2026-11-29 09:00"),
        ("2026-12-05 09:00", "2026-12-05 09:00"),
        ("2026-12-05T09:00", "2026-12-05 09:00"),
        ("2026-12-05T09:00:30", "2026-12-05 09:00:30"),
        ("  5/12/2026   9:05 ", "2026-12-05 09:05"),
        ("5.12.2026 9.05", "2026-12-05 09:05"),
        ("05-12-2026, 23:59", "2026-12-05 23:59"),
        ("5 Dec 2026 09:00", "2026-12-05 09:00"),
        ("5 december 2026 at 09:00", "2026-12-05 09:00"),
        ("1 Sept 2026 00:00", "2026-09-01 00:00"),
        ("31 May 2026 12:30", "2026-05-31 12:30"),
    ],
)
def test_a_time_is_read_with_the_day_first(typed: str, means: str) -> None:
    assert read_time(typed) == datetime.fromisoformat(means)


@pytest.mark.parametrize("typed", ["2026-12-05", "05/12/2026", "5 Dec 2026", "5.12.2026"])
def test_a_day_is_read_in_the_same_forms(typed: str) -> None:
    assert read_day(typed) == datetime(2026, 12, 5)  # noqa: DTZ001


@pytest.mark.parametrize(
    "typed",
    ["", "tomorrow", "12/31/2026 09:00", "31/04/2026 09:00", "05/12/26 09:00", "2026-12-05 24:00",
     "5/12-2026 09:00", "09:00", "2026-12-05 9", "5 Dez 2026 09:00", "٥/١٢/٢٠٢٦ ٠٩:٠٠"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_how_to_write_it(typed: str) -> None:
    with pytest.raises(ValueError, match="05/12/2026 09:00"):
        read_time(typed)


def test_a_day_is_no_time_and_a_time_no_day() -> None:
    with pytest.raises(ValueError, match="a day and a time"):
        read_time("05/12/2026")
    with pytest.raises(ValueError, match="write a day as"):
        read_day("05/12/2026 09:00")
