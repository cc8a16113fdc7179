"""How old is old enough, by the calendar; and whose record is kept though a line of it is old."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa

from clinic.record.schema.people import appointment, patient

_OF_AGE: Final = 25


def years_before(at: datetime, years: int) -> datetime:
    """The same day so many years before; of 29 February the 28th."""
    return months_before(at, 12 * years)


def months_before(at: datetime, months: int) -> datetime:
    """The same day so many months before; of a day that the month has not, its last."""
    place = at.year * 12 + at.month - 1 - months
    year, month = divmod(place, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def kept_on(now: datetime, years: int) -> sa.Select[tuple[int]]:
    """Patients whose record is kept: not 25 yet, or seen in these years (a visit that was not cancelled)."""
    of_age = _same_day(now.date(), _OF_AGE)
    a = appointment.c
    seen = sa.exists().where(
        a.patient_id == patient.c.id, a.starts_at <= now, a.starts_at >= years_before(now, years),
        a.status != "cancelled",
    )  # fmt: skip
    return sa.select(patient.c.id).where((patient.c.birth_date > of_age) | seen)


def _same_day(day: date, years: int) -> date:
    return day.replace(
        year=day.year - years, day=min(day.day, monthrange(day.year - years, day.month)[1])
    )
