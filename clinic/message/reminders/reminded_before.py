"""Appointments that were reminded of by what a restored record has lost: noted, so that nobody is twice."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_trail import tell_taken
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.message.reminders.appointments import not_reminded_of
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.people import appointment
from clinic.record.schema.receipts import reminder

SOURCE: Final = "lost"  # of such a list: it has no rows of its own, and no campaign
_ROOM: Final = 2**31


def require_said(connection: Connection, clock: Clock) -> None:
    """
    Before sending is allowed after a set-back, by somebody who did not speak of reminders.

    Raises:
        NotAllowed: appointments are to come that the record has not reminded of, and the lost evenings may have
    """
    now = clock.now()
    waits = sa.select(sa.func.count()).where(
        appointment.c.status == "booked", appointment.c.starts_at > now, not_reminded_of()
    )
    count = connection.scalar(waits) or 0
    if not count:
        return
    last = connection.scalar(sa.select(sa.func.max(reminder.c.starts_at)))
    knows = (
        f"it knows of reminders for visits until {last:%d %b %Y}" if last else "it knows of none"
    )
    raise NotAllowed(
        "reminded-unsaid",
        f"{count:,} visits are to come that this record has not reminded of ({knows}), and the evenings that "
        "it has lost may have. Say the last day whose visits they reminded of: --reminded-through DAY; or that "
        "there was no such evening: --no-reminders-lost",
    )


def note_reminded(connection: Connection, clock: Clock, until: datetime, *, by: str) -> int:
    """
    Take every booked appointment that begins before `until` as reminded of at its time; how many.

    One statement. Again: those are noted already, and are not counted.
    """
    now = clock.now()
    hold(connection, "reminders")
    list_id = connection.execute(
        sa.insert(cohort_list)
        .values(
            request_key=f"reminded before {now.isoformat()}", name="Reminded before a restore",
            source=SOURCE, sha256="", columns="[]", fields="{}", rows=0, taken_at=now, taken_by=by,
        )
        .returning(cohort_list.c.id)
    ).scalar_one()  # fmt: skip
    number = sa.func.row_number().over(order_by=appointment.c.id)
    # Below 0: the message is none that the record has
    nobody = -(number + sa.literal(list_id * _ROOM, sa.BigInteger))
    found = sa.select(
        sa.literal(list_id), number, appointment.c.id, appointment.c.starts_at, nobody
    ).where(
        appointment.c.status == "booked",
        appointment.c.starts_at > now,
        appointment.c.starts_at < until,
        not_reminded_of(),
    )
    columns = ["list_id", "row_number", "appointment_id", "starts_at", "message_id"]
    connection.execute(sa.insert(reminder).from_select(columns, found))
    tell_taken(connection, list_id, now)
    own = sa.select(sa.func.count()).where(reminder.c.list_id == list_id)
    return connection.scalar(own) or 0
