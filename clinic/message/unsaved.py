"""Saves what was sent but is not on the record yet: the record was closed, or a run ended early (NEW-11)."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.message import states
from clinic.message.ledger import LAST
from clinic.message.save import save_batches
from clinic.record.database import Record
from clinic.record.schema.messages import batch


def save_unsaved(record: Record, clock: Clock) -> int:
    """
    Save every batch that is done and not saved; of how many campaigns. Again: nothing.

    The batches themselves are the queue (ACX-33, NEW-11): durable, and drained whenever the record opens.
    """
    with record.read() as connection:
        campaigns = connection.scalars(
            sa.select(batch.c.campaign_id)
            .where(~batch.c.settled, ~batch.c.saved, batch.c.state == states.DONE)
            .distinct()
            .order_by(batch.c.campaign_id)
        ).all()
    for campaign_id in campaigns:
        save_batches(record, clock, campaign_id, 1, LAST)
    return len(campaigns)
