"""Reminders that were not given after all: a later run may remind of the appointment as it is then."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.record.schema.messages import message
from clinic.record.schema.receipts import reminder


def take_back(connection: Connection, batch_id: int) -> None:
    """What did not leave since the visit changed is not given: a later run may remind of it as it is then."""
    left_out = sa.select(message.c.id).where(
        message.c.batch_id == batch_id,
        message.c.state == states.SUPPRESSED,
        message.c.reason == "appointment_changed",
    )
    connection.execute(
        sa.update(reminder).where(reminder.c.message_id.in_(left_out)).values(message_id=None)
    )


def take_back_unsent(connection: Connection, campaign_id: int) -> None:
    """What a campaign never let leave, since nobody decided in time, is not given: a later run may."""
    unsent = sa.select(message.c.id).where(
        message.c.campaign_id == campaign_id, message.c.state == states.CANCELLED
    )
    connection.execute(
        sa.update(reminder).where(reminder.c.message_id.in_(unsent)).values(message_id=None)
    )
