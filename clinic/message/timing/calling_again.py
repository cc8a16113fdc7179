"""
When a call that reached nobody may be made again: not too often, not too soon, not at the same time of day.

    tries       so many calls to a patient of one message, over the campaigns that sent its failures again
    wait        at least so long after the last one
    apart       not within so many hours of its time of day, on whatever day
    hours       only while calls are made; what cannot leave before that is judged by when they are

It must be known that no person heard it: a call without a word in time (`no_receipt`) may have been heard, and
is never made again by this.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotAllowed
from clinic.gateway.voice.outcomes import AGAIN
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.counting import messages_of
from clinic.message.network_reasons import NO_RECEIPT
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import campaign, message
from clinic.settings import Settings
from clinic.settings.gateways.voice import VoiceCalls
from clinic.values.calendar import Calendar, calendar_of

_DAY = timedelta(days=1)
_AHEAD = 30  # days: over every weekday, and any run of holidays


@dataclass(frozen=True)
class Waiting:
    """
    Of rows that failed: ready, those that may be called now; later: how many may not yet.

    first: from when the first of these may; None: none of them within the hours of calls
    """

    ready: list[int]
    later: int
    first: datetime | None


def ready_to_call(
    connection: Connection, settings: Settings, own: Campaign, rows: Collection[int], now: datetime
) -> Waiting:
    """
    Which failed rows of a campaign may be called again; of another channel, all of them.

    Raises:
        NotAllowed: its patients were called as often as may be
    """
    rules = settings.gateways.get(settings.gateway_name(own.channel) or "")
    if own.channel != "voice" or not isinstance(rules, VoiceCalls):
        return Waiting(sorted(rows), 0, None)
    _require_try(connection, own, rules.most_tries)
    calendar = calendar_of(settings)
    opens = calendar.next_opening("voice", now) or now
    found = connection.execute(
        sa.select(message.c.row_number, message.c.reason, message.c.status_at)
        .where(messages_of(own.id), is_any_of(message.c.row_number, sorted(rows)))
        .order_by(message.c.row_number)
    ).all()
    ready, later = list[int](), list[datetime | None]()
    for row in found:
        if row.reason == NO_RECEIPT:
            continue
        at: datetime | None = opens
        if row.reason in AGAIN and row.status_at is not None:
            at = _next_call(row.status_at, opens, rules, calendar)
        if at == opens:
            ready.append(int(row.row_number))
        else:
            later.append(at)
    return Waiting(ready, len(later), min(filter(None, later), default=None))


def _next_call(
    last: datetime, opens: datetime, rules: VoiceCalls, calendar: Calendar
) -> datetime | None:
    """From when calls are made and this one may be; None: in no open hour that comes soon."""
    if may_call(last, opens, rules, calendar.zone) == opens:
        return opens
    for begin, end in calendar.open_spans("voice", opens, days=_AHEAD):
        at = may_call(last, begin, rules, calendar.zone)
        if at < end:
            return at
    return None


def may_call(last: datetime, at: datetime, rules: VoiceCalls, zone: ZoneInfo) -> datetime:
    """When, from `at` on, a number may be called again whose last call ended at `last` and reached nobody."""
    at = max(at, last + timedelta(minutes=rules.wait_minutes))
    apart = timedelta(hours=rules.apart_hours)
    since = _time_of_day(at, zone) - _time_of_day(last, zone)
    since -= round(since / _DAY) * _DAY  # from half a day before it to half a day after
    return at + (apart - since) if abs(since) < apart else at


def _time_of_day(at: datetime, zone: ZoneInfo) -> timedelta:
    own = at.astimezone(zone)
    return timedelta(hours=own.hour, minutes=own.minute, seconds=own.second)


def _require_try(connection: Connection, own: Campaign, most: int) -> None:
    """Each resend is one call more to the rows that it took."""
    tries, each = 0, own.id
    while each:
        tries += 1
        query = sa.select(campaign.c.resend_of).where(campaign.c.id == each)
        each = connection.scalar(query) or 0
    if tries >= most:
        raise NotAllowed(
            "resend-called",
            f"the patients of campaign {own.id} were called {tries} times, and {most} are the most "
            "(most_tries of the gateway): contact them another way",
        )
