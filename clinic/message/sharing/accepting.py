"""What was accepted of numbers that several patients have: it counts where it was found, with the act."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.message.campaign.counting import messages_of
from clinic.message.safety.accepted import acceptances_of, apply_acceptance
from clinic.message.sharing.standing import (
    CHILD,
    CHILD_CONTACT,
    CODES,
    NAMED,
    NEUTRAL,
    SHARED,
    UNCONFIRMED,
)
from clinic.record.schema.messages import message, recipient


def apply_accepted(connection: Connection, clock: Clock, campaign_id: int) -> None:
    """Note that what somebody accepted counts, where a message is there only because of it."""
    for one in acceptances_of(connection, campaign_id):
        if one.code not in CODES or one.applied:
            continue
        query = sa.select(sa.func.count()).where(messages_of(campaign_id), _only_by(one.code))
        if rows := connection.scalar(query):
            apply_acceptance(
                connection, clock, campaign_id, one.code, found={"messages": rows}, rows=rows
            )


def _only_by(code: str) -> sa.ColumnElement[bool]:
    """Whether a message is there only because this was accepted."""
    if code == CHILD_CONTACT:
        return message.c.greeting == CHILD
    if code == SHARED:
        neutral = (message.c.greeting == NEUTRAL) & message.c.sensitive
        return neutral | (message.c.greeting == NAMED)
    remark = sa.select(recipient.c.row_number).where(
        recipient.c.campaign_id == message.c.campaign_id,
        recipient.c.row_number == message.c.row_number,
        recipient.c.detail == UNCONFIRMED,
    )
    return message.c.sensitive & remark.exists()
