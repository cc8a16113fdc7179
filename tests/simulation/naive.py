"""Ways to apply receipts that look right and are not: the judge must see what they do."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.message.incoming.apply_receipts import Applied, apply_receipts
from clinic.record.database import Record
from clinic.record.schema.messages import batch, message
from clinic.record.schema.receipts import receipt_inbox
from tests.fakes import FakeClock

TRIED = ("unknown", "rejected", "accepted", "undelivered", "delivered")


def let_the_last_word_win(record: Record, clock: FakeClock) -> Applied:
    """What was read last is true: but networks tell in any order, and an old word comes again."""
    with record.write() as connection:
        waiting = receipt_inbox.c.state == "waiting"
        rows = connection.execute(sa.select(receipt_inbox).where(waiting)).all()
        for row in rows:
            tried = (message.c.id == row.reference) & message.c.state.in_(TRIED)
            connection.execute(
                sa.update(message)
                .where(tried, sa.literal(row.gateway == "fake"))
                .values(state=row.outcome, reason=row.reason, status_at=clock.now())
            )
        connection.execute(sa.update(receipt_inbox).where(waiting).values(state="applied"))
    return Applied(applied=len(rows))


def count_every_word(record: Record, clock: FakeClock) -> Applied:
    """Each `delivered` is one more that the batch has: but it may come twice, or after `accepted`."""
    delivered = sa.select(receipt_inbox.c.id).where(
        receipt_inbox.c.outcome == "delivered", receipt_inbox.c.state == "waiting"
    )
    with record.read() as connection:
        new = connection.scalars(delivered).all()
    total = apply_receipts(record, clock)
    with record.write() as connection:
        for reference in connection.scalars(
            sa.select(receipt_inbox.c.reference).where(
                receipt_inbox.c.id.in_(new), receipt_inbox.c.state == "applied"
            )
        ):
            holds = sa.select(message.c.batch_id).where(message.c.id == reference)
            connection.execute(
                sa.update(batch)
                .where(batch.c.id == holds.scalar_subquery())
                .values(accepted=batch.c.accepted + 1)
            )
    return total
