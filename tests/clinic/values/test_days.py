"""Days as people write them in lists: every form that dates of birth have, and those for patients to read."""

from __future__ import annotations

from datetime import date

import pytest

from clinic.values.dates import Order
from clinic.values.days import latest_day

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2026-12-05", "dmy", date(2026, 12, 5)),
        ("2026-12-05 09:30:00", "dmy", date(2026, 12, 5)),
        ("2026-12-05T00:00:00Z", "mdy", date(2026, 12, 5)),
        ("20261205", "dmy", date(2026, 12, 5)),
        ("5-Dec-2026", "dmy", date(2026, 12, 5)),
        ("05DEC2026", "dmy", date(2026, 12, 5)),
        ("5 December 26", "dmy", date(2026, 12, 5)),
        ("05/12/2026", "dmy", date(2026, 12, 5)),
        ("05/12/2026", "ambiguous", date(2026, 12, 5)),
        ("05/12/2026", "mdy", date(2026, 5, 12)),
        ("25/12/2026", "mdy", date(2026, 12, 25)),
        ("5.12.26 at 9.30", "dmy", date(2026, 12, 5)),
        ("05/12/26 09:30", "dmy", date(2026, 12, 5)),
        ("5 12 2026", "dmy", date(2026, 12, 5)),
        ("Sat 5th December 2026, 10.30am", "dmy", date(2026, 12, 5)),
        ("December 5, 2026", "dmy", date(2026, 12, 5)),
        ("Saturday the 5th of December", "dmy", date(2026, 12, 5)),
        ("5 Dec 10:30", "dmy", date(2026, 12, 5)),
        ("5 Dec 10.30am", "dmy", date(2026, 12, 5)),
        ("5 Dec, 10am", "dmy", date(2026, 12, 5)),
        # A time without a mark is no year
        ("17 Dec 1430", "dmy", date(2026, 12, 17)),
        ("Thu 17 December 1930", "dmy", date(2026, 12, 17)),
        ("17th Dec, 0915", "dmy", date(2026, 12, 17)),
        ("Dec 17 1430", "dmy", date(2026, 12, 17)),
        ("Dec 17, 0915", "mdy", date(2026, 12, 17)),
        ("17 Dec 2027 1430", "dmy", date(2027, 12, 17)),
        ("17 Dec 1985", "dmy", date(1985, 12, 17)),
        ("17/12/1930", "dmy", date(1930, 12, 17)),
        # Without its year the nearest
        ("5 October", "dmy", date(2026, 10, 5)),
        ("Monday 5 March", "dmy", date(2027, 3, 5)),
        ("1 to 5 December 2026", "dmy", date(2026, 12, 5)),
        ("3/12/2026 or 10/12/2026", "dmy", date(2026, 12, 10)),
    ],
)
def test_a_day_is_read(text: str, order: Order, day: date) -> None:
    assert latest_day(text, order=order, today=TODAY) == day


@pytest.mark.parametrize(
    "text",
    ["", "Main Hall", "9.30", "485 777 3456", "07700 900123", "31 February 2026", "46361", "may be 10",
     "Room 3/4", "10:30", "2026", "120/80", "1430-12-17", "17/12/1430", "05122026x", "17 1430"],
)  # fmt: skip
def test_what_is_no_day_is_none(text: str) -> None:
    assert latest_day(text, order="dmy", today=TODAY) is None
