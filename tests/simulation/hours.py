"""When an English practice of 2026 is open. An oracle shares nothing with what it judges: typed in by hand."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
# From gov.uk
BANK_HOLIDAYS = {
    date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25),
    date(2026, 8, 31), date(2026, 12, 25), date(2026, 12, 28),
}  # fmt: skip


def is_closed_day(local: datetime) -> bool:
    """A Sunday or a bank holiday."""
    return local.date() in BANK_HOLIDAYS or local.weekday() == 6


def is_open(local: datetime) -> bool:
    """Monday to Friday 09:00 to 12:30 and 13:30 to 17:00, Saturday 09:00 to 12:00; no bank holiday."""
    minute = local.hour * 60 + local.minute
    if is_closed_day(local):
        return False
    if local.weekday() == 5:
        return 540 <= minute < 720
    return 540 <= minute < 750 or 810 <= minute < 1020
