"""
Forgets old receipts, so that the inbox does not grow for ever: the messages keep what came of them.

What was applied, fitted nothing, changed nothing or was not understood goes after `receipts.keep_days`;
what still waits, or is under a legal hold, is kept however old it is. The clinical items stay (a trigger
sees to that, COM-10), and so do the replies: a patient's own words, which decisions point to ("reply 12").
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.govern.held import is_of_held_message
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.receipts import message_part, receipt_inbox, receipt_unread
from clinic.settings import Receipts

BLOCK: Final = 2_000
MOST: Final = 100_000  # looked at a run: the next one goes on, and nobody waits long for this one


def forget_receipts(
    record: Record, clock: Clock, settings: Receipts, *, block: int = BLOCK, most: int = MOST
) -> int:
    """
    Remove receipts that came more than `keep_days` ago and are done with, a block a transaction; how many.

    An event that a gateway tells again after that is read again, and changes nothing: a message only
    moves up (`settle.py`).
    """
    limit = clock.now() - timedelta(days=settings.keep_days)
    gone, after = 0, 0
    _forget_parts(record, limit, block=block, most=most)
    with record.write() as connection:
        connection.execute(sa.delete(receipt_unread).where(receipt_unread.c.received_at < limit))
    for _ in range(0, most, block):
        with record.write() as connection:
            old, after = _old(connection, after, block, limit)
            if not old:
                return gone
            gone += connection.execute(
                sa.delete(receipt_inbox).where(is_any_of(receipt_inbox.c.id, old), _is_free())
            ).rowcount
    return gone


def _forget_parts(record: Record, limit: datetime, *, block: int, most: int) -> None:
    """What finds the message of a receipt, when no receipt of it can come any more. Its ids grow with time."""
    own = message_part.c
    free = ~is_of_held_message(own.message_id)
    for _ in range(0, most, block):
        with record.write() as connection:
            rows = connection.execute(
                sa.select(own.message_id, own.noted_at)
                .where(free)  # those that are held would be in the way for as long as they are
                .order_by(own.message_id)
                .limit(block)
            ).all()
            old = [row.message_id for row in rows if row.noted_at < limit]
            if not old:
                return
            connection.execute(
                sa.delete(message_part).where(
                    is_any_of(own.message_id, old), own.noted_at < limit, free
                )
            )


def _is_free() -> sa.ColumnElement[bool]:
    """Of receipts: what is done with, and not held."""
    return (receipt_inbox.c.state != "waiting") & ~is_of_held_message(receipt_inbox.c.reference)


def _old(
    connection: sa.Connection, after: int, block: int, limit: datetime
) -> tuple[list[int], int]:
    """
    Those of the next receipts that came before `limit`, and how far that looked.

    Along the key, in whose order they came: no index on the time is needed, and where the oldest is young
    one block is read.
    """
    rows = connection.execute(
        sa.select(receipt_inbox.c.id, receipt_inbox.c.received_at)
        .where(receipt_inbox.c.id > after, _is_free())  # or what stays would be in the way
        .order_by(receipt_inbox.c.id)
        .limit(block)
    ).all()
    return [row.id for row in rows if row.received_at < limit], rows[-1].id if rows else after
