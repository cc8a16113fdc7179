"""
Days on which nobody was at work: of a practice that was closed for Christmas nobody changed an appointment.

Closed is a day without an appointment of this source on the record, among three or more on end: a weekend is
none. At most ten days of all are closed: a copy that stands still, of a clinic with few appointments, is found
out all the same. And the source has appointments in the two weeks before: of a first import nobody can tell.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.people import appointment, appointment_source

FEWEST: Final = 3
MOST: Final = 10
_KNOWN: Final = timedelta(days=14)
_DAY: Final = timedelta(days=1)


def closed_days(
    connection: Connection, source: str, changed: datetime, now: datetime, zone: str
) -> int:
    """
    So many days between these two nobody was at work, by the source's appointments on the record.

    Args:
        changed: when anything of it was changed there last, aware; zone: the practice's
    """
    here = ZoneInfo(zone)
    first, last = changed.astimezone(here).date() + _DAY, now.astimezone(here).date() - _DAY
    if (last - first).days + 1 < FEWEST:
        return 0
    a = appointment.c
    query = (
        sa.select(a.starts_at)
        .join(appointment_source, appointment_source.c.appointment_id == a.id)
        .where(
            appointment_source.c.source == source,
            a.status != "cancelled",
            a.starts_at >= datetime.combine(first - _KNOWN, time(0), here),
            a.starts_at < datetime.combine(last + _DAY, time(0), here),
        )
    )
    work = {at.astimezone(here).date() for at in connection.scalars(query)}
    if not any(day < first for day in work):
        return 0
    return min(MOST, sum(length for length in _closed(first, last, work) if length >= FEWEST))


def _closed(first: date, last: date, work: set[date]) -> list[int]:
    """How long each row of days without work is."""
    days = [first + each * _DAY for each in range((last - first).days + 1)]
    rows = groupby(days, key=lambda day: day in work)
    return [len(list(row)) for open_, row in rows if not open_]
