"""
A list of reminders as a person looks at it before it is sent: who, which number, which visit (COM-5).

It is looked at as a preview, which gives no reminder: whoever walks away in the middle keeps no appointment
from being reminded of. A yes keeps the list, with the rows that the person left out, under the key of the
request; what is sent then is that list, row for row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa

from clinic.clock import Clock
from clinic.cohort.list_trail import tell_taken
from clinic.errors import NotFound
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import messages_of
from clinic.message.reminders.appointments import given_query
from clinic.message.reminders.remind import LEFT_OUT
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import reminder
from clinic.settings import Settings

_NOT_LEFT = (states.PENDING, states.SUPPRESSED, states.CANCELLED, states.EXPIRED, states.EXHAUSTED)
_SEEN_LETTERS = 8


@dataclass(frozen=True)
class ReminderRow:
    """One message of a list, to whom and of which visit."""

    row_number: int
    patient: str
    address: str
    starts_at: datetime
    place: str | None
    body: str


@dataclass(frozen=True)
class Given:
    """Appointments asked for that have a reminder already: it left, or it waits, or was stopped."""

    left: int
    not_left: int


def read_reminders(
    record: Record, campaign_id: int, *, limit: int | None = None
) -> list[ReminderRow]:
    """The messages of a staged campaign of reminders, in the order of its list: the earliest visit first."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        rows = connection.execute(
            sa.select(
                message.c.row_number, patient.c.given_name, patient.c.family_name,
                shown(message.c.address, message.c.patient_id),
                reminder.c.starts_at, reminder.c.place, message.c.body,
            )
            .join(patient, patient.c.id == message.c.patient_id)
            .join(
                reminder,
                (reminder.c.list_id == job.list_id)
                & (reminder.c.row_number == message.c.row_number),
            )
            .where(messages_of(campaign_id))
            .order_by(message.c.id)
            .limit(limit)
        ).all()  # fmt: skip
    return [
        ReminderRow(number, " ".join(filter(None, (given, family))), *rest)
        for number, given, family, *rest in rows
    ]


def count_without(record: Record, campaign_id: int, rows: Collection[int]) -> tuple[int, int]:
    """How many messages, and segments, are left of a staged campaign without these rows."""
    # Those who are told the same on one number are paid once, whoever of them is left
    each = (
        sa.select(sa.func.count().label("rows"), sa.func.max(message.c.segments).label("segments"))
        .where(messages_of(campaign_id), message.c.row_number.not_in(sorted(rows)))
        .group_by(sa.func.coalesce(message.c.told_by, message.c.id))
        .subquery()
    )
    total = [sa.func.coalesce(sa.func.sum(each.c[name]), 0) for name in ("rows", "segments")]
    with record.read() as connection:
        count, segments = connection.execute(sa.select(*total)).one()
    return int(count), int(segments)


def count_given(
    record: Record, clock: Clock, settings: Settings, request: ReminderRequest
) -> Given:
    """
    How many of the appointments asked for have a reminder already.

    Raises:
        NotFound: there is no such facility, provider, place …
    """
    zone = ZoneInfo(settings.organisation.time_zone)
    with record.read() as connection:
        by = request.requested_by or settings.operator
        query = given_query(connection, request, now=clock.now(), zone=zone, by=by)
        counts = {state: int(count) for state, count in connection.execute(query)}
    not_left = sum(counts.pop(state, 0) for state in _NOT_LEFT)
    return Given(sum(counts.values()), not_left)


def seen_code(record: Record, campaign_id: int) -> str:
    """
    A few letters that mean this list and no other: its appointments in their order.

    Row numbers are of a list, and a minute later another visit may have each.
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        query = sa.select(cohort_list.c.sha256).where(cohort_list.c.id == job.list_id)
        return str(connection.execute(query).scalar_one())[:_SEEN_LETTERS]


def require_rows(rows: Sequence[int], *, of: int) -> None:
    """
    Raises:
        NotFound: the list, which has `of` rows, has not all of these
    """
    if wrong := [str(row) for row in rows if not 1 <= row <= of]:
        raise NotFound(
            "row-without-message",
            f"the list has no row {', '.join(wrong)}: its rows are 1 to {of:,}; nothing was sent",
        )


def keep_list(
    record: Record, clock: Clock, preview: str, request_key: str, leave_out: Collection[int]
) -> None:
    """Keep the list that was looked at, less the rows left out, as the one that the request means."""
    with record.write() as connection:
        mine = cohort_list.c.request_key == preview
        criteria = connection.execute(sa.select(cohort_list.c.criteria).where(mine)).scalar_one()
        asked = orjson.loads(criteria) | ({LEFT_OUT: sorted(leave_out)} if leave_out else {})
        list_id = connection.execute(
            sa.update(cohort_list)
            .where(mine)
            .values(request_key=request_key, criteria=orjson.dumps(asked).decode())
            .returning(cohort_list.c.id)
        ).scalar_one()
        tell_taken(connection, list_id, clock.now())
