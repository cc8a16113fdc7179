"""Saves what was sent but is not on the record yet: the record was closed, or a run ended early (NEW-11)."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.message import states
from clinic.message.campaign.campaign import campaigns_where
from clinic.message.outcomes.save import save_batches, save_messages
from clinic.message.sending.ledger import LAST
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message


def save_unsaved(record: Record, clock: Clock) -> int:
    """
    Save every batch that is done and not saved, and what was sent of those that wait; of how many
    campaigns. Again: nothing.

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
    return len(_save_begun(record, clock).union(campaigns))


def _save_begun(record: Record, clock: Clock) -> set[int]:
    """
    COM-7: what was sent is on the record, though a pace or a pause keeps the rest of its batch for days.

    The batch is not marked as saved: the rest of it follows. Which campaigns had any to save.
    """
    with record.read() as connection:
        begun = connection.execute(
            sa.select(batch.c.id, batch.c.campaign_id)
            .join(batch, batch.c.campaign_id == campaign.c.id)
            .where(
                ~batch.c.settled,
                ~batch.c.saved,
                batch.c.state.in_([states.READY, states.HELD]),
                batch.c.accepted + batch.c.rejected + batch.c.unknown > 0,
                campaign.c.save_to_record,
                ~campaign.c.dry_run,
            )
            .order_by(batch.c.id)
        ).all()
        ids = sorted({row.campaign_id for row in begun})
        jobs = {job.id: job for job in campaigns_where(connection, is_any_of(campaign.c.id, ids))}
    saved = set()
    for row in begun:
        with record.write() as connection:
            # As in save.py: a receipt that is applied at this moment waits, or was seen
            connection.execute(sa.select(batch.c.id).where(batch.c.id == row.id).with_for_update())
            which = message.c.batch_id == row.id
            if save_messages(connection, jobs[row.campaign_id], which, clock.now()):
                saved.add(row.campaign_id)
    return saved
