"""
Saves to the record: one clinical item for each message that was tried (COM-7, PAT-17, ACX-32).

One INSERT … SELECT a batch, with the mark that the batch is saved, in one transaction. The item's id
is the message's own, so that saving again finds it there; address and text are the message's, which stays as
it is from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.record.database import Record
from clinic.record.schema.messages import batch, message
from clinic.record.schema.people import ITEM_STATUS, clinical_item

_COLUMNS = (
    "id", "patient_id", "campaign_id", "channel", "snomed_codes", "status", "error_code", "error_text",
    "sent_at", "status_at",
)  # fmt: skip

STATUS_WORDS = {
    "pending": "Pending",
    "sent": "Sent Successfully",
    "failed": "Send Failed",
    "kept": "Kept in the outbox, not sent",  # of a trial: nobody was sent anything
}


def save_batches(record: Record, clock: Clock, campaign_id: int, first: int, last: int) -> None:
    """
    Write the clinical items of every finished batch between these numbers that has none yet.

    A dry run, and a campaign asked not to save, write nothing. With save_when "delivered" an item
    is written only once its message was delivered; what is delivered later is saved by the receipt.
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        todo = connection.scalars(
            sa.select(batch.c.id)
            .where(
                batch.c.campaign_id == campaign_id,
                batch.c.number.between(first, last),
                batch.c.state == states.DONE,
                batch.c.saved.is_(False),
            )
            .order_by(batch.c.number)
        ).all()
    for key in todo:
        with record.write() as connection:
            # First the batch: a receipt that is applied at this moment waits, or was seen (settle.py)
            connection.execute(sa.update(batch).where(batch.c.id == key).values(saved=True))
            if job.save_to_record and not job.dry_run:
                save_messages(connection, job, message.c.batch_id == key, clock.now())


def save_messages(
    connection: Connection, job: Campaign, which: sa.ColumnElement[bool], now: datetime
) -> int:
    """Write the items of these messages of a campaign that have none yet; how many."""
    wanted = ITEM_STATUS if job.save_when == "sent" else {states.DELIVERED: "sent"}
    if job.gateway == states.OUTBOX:
        wanted = dict.fromkeys(states.LEFT, "kept")
    count = _insert(connection, _items(job, wanted, message, now).where(which))
    other = message.alias("other")  # whom the message of another told, on their own record too
    told = _items(job, wanted, other, now).join(message, message.c.id == other.c.told_by)
    alike = (other.c.state == states.SUPPRESSED) & (other.c.reason == states.ONE_MESSAGE)
    return count + _insert(connection, told.where(which, alike))


def _items(
    job: Campaign, wanted: Mapping[str, str], whose: sa.FromClause, now: datetime
) -> sa.Select[Any]:
    """The items of the patients of `whose`, as far as the messages that tell them were tried."""
    failed = message.c.state.in_([states.REJECTED, states.UNDELIVERED])
    return sa.select(
        whose.c.id,
        whose.c.patient_id,
        whose.c.campaign_id,
        whose.c.channel,
        sa.literal(job.snomed_codes, sa.Text),
        sa.case(*((message.c.state == state, status) for state, status in wanted.items())),
        sa.case((failed, message.c.reason)),
        sa.case((failed, message.c.error_text)),
        message.c.sent_at,
        sa.func.coalesce(message.c.status_at, sa.literal(now, clinical_item.c.status_at.type)),
    ).where(
        message.c.state.in_(list(wanted)),
        whose.c.patient_id > 0,  # somebody who is not in the record has none to save to (ACX-21)
    )


def _insert(connection: Connection, query: sa.Select[Any]) -> int:
    """Write the items that are not there yet; how many."""
    insert: Any = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(
        clinical_item
    )
    statement = insert.from_select(_COLUMNS, query).on_conflict_do_nothing()
    # Without the option psycopg's count of rows is gone by the time it is asked for
    return int(
        connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
    )
