"""What was odd in the week before, until a manager has read of it: for the letter of `cohort health`."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.access.odd import SUBJECT, counted, odd_looks
from clinic.record.schema.govern import access_log
from clinic.settings import Settings


def unread_odd_looks(connection: Connection, settings: Settings, now: datetime) -> str:
    """
    How many looks of the last week, Monday to Sunday, were odd, by person and kind; of no patient.

    Nothing where none was, or somebody has looked at them (`cohort audit odd-looks`) since Monday.
    """
    zone = ZoneInfo(settings.organisation.time_zone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    begin, end = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (monday - timedelta(days=7), monday)
    )
    a = access_log.c
    read = sa.select(a.id).where(a.subject == SUBJECT, a.refused.is_(None), a.at >= end).limit(1)
    if connection.scalar(read) is not None:
        return ""
    return counted(odd_looks(connection, settings.access, zone, since=begin, until=end))
