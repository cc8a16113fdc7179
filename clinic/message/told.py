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
_teller = message.alias("teller")
# Made once: it is asked twice with each batch (clinic/record/statements/made.py)
_NOTE: Final = (
    sa.update(message)
    .where(
        message.c.batch_id == sa.bindparam("this_batch"),
        message.c.state == states.PENDING,
        message.c.told_by.is_not(None),
        sa.select(_teller.c.id)
        .where(
            _teller.c.id == message.c.told_by,
            _teller.c.address == message.c.address,
            _teller.c.state.in_(_LEFT),
        )
        .exists(),
    )
    .values(state=states.SUPPRESSED, reason=states.ONE_MESSAGE, status_at=sa.bindparam("now"))
    .returning(message.c.id)
)


def note_told(connection: Connection, batch_id: int, now: datetime) -> list[int]:
    """Suppress the waiting messages of a batch whose teller left, or may have; which."""
    told = connection.scalars(_NOTE, {"this_batch": batch_id, "now": now}).all()
    if told:
        suppressed = batch.c.suppressed + len(told)
        own = batch.c.id == batch_id
        connection.execute(sa.update(batch).where(own).values(suppressed=suppressed))
    return sorted(told)
