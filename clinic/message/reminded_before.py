"""Appointments that were reminded of by what a restored record has lost: noted, so that nobody is twice."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_trail import tell_taken
from clinic.govern.audit_chain import hold
from clinic.message.due_appointments import not_reminded_of
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.people import appointment
from clinic.record.schema.receipts import reminder

SOURCE: Final = "lost"  # of such a list: it has no rows of its own, and no campaign
_ROOM: Final = 2**31


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
