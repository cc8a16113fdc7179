"""Which appointments a reminder report means: booked, to come, and not reminded of yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.cohort.filters import id_of, there_are
from clinic.errors import NotFound
from clinic.govern.tied import others
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.record.schema.receipts import reminder
from clinic.record.told import of_teller

if TYPE_CHECKING:
    from clinic.message.reminders.reminder_request import ReminderRequest

_LONGEST = timedelta(days=28)  # COM-15
_INSTANT = timedelta(microseconds=1)
_COLUMNS = ("id", "patient_id", "starts_at", "place", "facility_id", "provider_id")
_SAME = ("place", "visit_type", "mode", "session_type", "booking_requirement")


def appointment_query(
    connection: Connection, wanted: ReminderRequest, *, now: datetime, zone: ZoneInfo, by: str
) -> sa.Select[Any]:
    """
    The appointments to be reminded of: id, patient_id, starts_at, place, facility_id, provider_id.

    Cancelled and started ones never (COM-12); nor those that were reminded of at this very time before;
    nor any more than 28 days ahead.

    by: the requester: whoever is tied to facilities means visits of their patients alone

    Raises:
        NotFound: there is no such facility or provider, or no appointment has such a place, type …
    """
    return _matching(connection, wanted, now=now, zone=zone, by=by).where(not_reminded_of())


def given_query(
    connection: Connection, wanted: ReminderRequest, *, now: datetime, zone: ZoneInfo, by: str
) -> sa.Select[tuple[str | None, int]]:
    """
    How many of those asked for have a reminder already, by the state of its message.

    Raises:
        NotFound: as `appointment_query`
    """
    found = _matching(connection, wanted, now=now, zone=zone, by=by).subquery()
    of_this_time = (reminder.c.appointment_id == found.c.id) & (
        reminder.c.starts_at == found.c.starts_at
    )
    return (
        sa.select(of_teller("state"), sa.func.count())
        .select_from(found)
        .join(reminder, of_this_time & reminder.c.message_id.is_not(None))
        .outerjoin(message, message.c.id == reminder.c.message_id)
        .group_by(sa.text("1"))
    )


def patients_reminded(
    connection: Connection, wanted: ReminderRequest, *, now: datetime, zone: ZoneInfo, by: str
) -> list[int]:
    """
    The patients of those asked for who have a reminder already.

    Raises:
        NotFound: as `appointment_query`
    """
    found = _matching(connection, wanted, now=now, zone=zone, by=by).subquery()
    of_this_time = (reminder.c.appointment_id == found.c.id) & (
        reminder.c.starts_at == found.c.starts_at
    )
    return list(
        connection.scalars(
            sa.select(found.c.patient_id.distinct()).join(
                reminder, of_this_time & reminder.c.message_id.is_not(None)
            )
        )
    )


def _matching(
    connection: Connection, wanted: ReminderRequest, *, now: datetime, zone: ZoneInfo, by: str
) -> sa.Select[Any]:
    """Booked, to come, and as asked for; reminded of or not."""
    _require_known(connection, wanted)
    begin, end = _window(wanted, now, zone)
    query = (
        sa.select(*(appointment.c[name] for name in _COLUMNS))
        .join(patient, patient.c.id == appointment.c.patient_id)
        .where(
            appointment.c.status == "booked",
            appointment.c.starts_at > begin,
            appointment.c.starts_at < end,
            *(appointment.c[n] == getattr(wanted, n) for n in _SAME if getattr(wanted, n)),
        )
    )
    if wanted.provider:
        key = id_of(connection, provider, wanted.provider)
        query = query.where(appointment.c.provider_id == key)
    if wanted.facility:
        key = id_of(connection, facility, wanted.facility)
        query = query.where(appointment.c.facility_id == key)
    if wanted.speciality:
        of = sa.select(provider.c.id).where(provider.c.speciality == wanted.speciality)
        query = query.where(appointment.c.provider_id.in_(of))
    if wanted.minimum_age is not None:
        born = _years_before(now.astimezone(zone).date(), wanted.minimum_age)
        query = query.where(patient.c.birth_date <= born)
    outside = others(connection, by)
    return query if outside is None else query.where(~outside)


def _require_known(connection: Connection, wanted: ReminderRequest) -> None:
    """A slip never means nobody: what no appointment has, past or to come, is told with what there is."""
    asked = [(appointment.c[name], getattr(wanted, name)) for name in _SAME]
    asked.append((provider.c.speciality, wanted.speciality))
    for column, value in asked:
        if (
            value
            and connection.scalar(sa.select(sa.literal(1)).where(column == value).limit(1)) is None
        ):
            what = f"{column.table.name} has the {column.name.replace('_', ' ')}"
            known = there_are(connection, column, column.is_not(None))
            raise NotFound("visit-filter-unknown", f"no {what} {value}; {known}")


def _window(wanted: ReminderRequest, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    today = now.astimezone(zone).date()
    last = wanted.last_date or today + timedelta(days=wanted.days)
    first = _midnight(wanted.first_date, zone) if wanted.first_date else now
    end = min(_midnight(last + timedelta(days=1), zone), now + _LONGEST + _INSTANT)
    return max(now, first - _INSTANT), end


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def not_reminded_of() -> ColumnElement[bool]:
    """
    Of appointments: that no message was made to remind their patient of a visit at this very time.

    Of this one or of another: what is cancelled and booked again for the same time, as some systems move a
    visit to another room or person, is no second visit; nor is a move that was undone.
    """
    visit = appointment.alias("visit_reminded_of")
    return ~(
        sa.select(reminder.c.row_number)
        .join(visit, visit.c.id == reminder.c.appointment_id)
        .where(
            visit.c.patient_id == appointment.c.patient_id,
            reminder.c.starts_at == appointment.c.starts_at,
            reminder.c.message_id.is_not(None),
        )
        .exists()
    )


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
