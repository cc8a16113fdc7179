"""
Notes whom the message of another tells, as soon as that one was sent, or may have been (sharing/together.py).

In the transaction that writes that it was sent: at no moment is it not known that they are told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.record.schema.messages import batch, message

_LEFT: Final = (*sorted(states.LEFT), states.UNKNOWN)


def note_told(connection: Connection, batch_id: int, now: datetime) -> list[int]:
    """Suppress the waiting messages of a batch whose teller left, or may have; which."""
    teller = message.alias("teller")
    left = sa.select(teller.c.id).where(
        teller.c.id == message.c.told_by,
        teller.c.address == message.c.address,
        teller.c.state.in_(_LEFT),
    )
    waits = (message.c.batch_id == batch_id) & (message.c.state == states.PENDING)
    told = connection.scalars(
        sa.update(message)
        .where(waits, message.c.told_by.is_not(None), left.exists())
        .values(state=states.SUPPRESSED, reason=states.ONE_MESSAGE, status_at=now)
        .returning(message.c.id)
    ).all()
    if told:
        suppressed = batch.c.suppressed + len(told)
        own = batch.c.id == batch_id
        connection.execute(sa.update(batch).where(own).values(suppressed=suppressed))
    return sorted(told)
