"""
Ends the waiting for receipts: none in 72 hours is a failure, for now (ACX-34, formats.md [G8, G10]).

A batch is `settled` when it is saved and no message of it waits for a receipt: from then on nobody asks
about it again. A receipt that comes later still counts. What two people resolved as sent stays sent
(resolve_unknown.py): no receipt is awaited of it, and "failed" would let somebody send it again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.message import states
from clinic.message.campaign.trail import tell_moved
from clinic.message.network_reasons import NO_RECEIPT, REASONS
from clinic.message.sharing.together import told_with
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message, submission
from clinic.record.schema.people import clinical_item
from clinic.record.schema.receipts import message_part
from clinic.settings import Receipts


def end_waiting(
    record: Record, clock: Clock, settings: Receipts, silent: Collection[str] = ()
) -> int:
    """
    Mark as undelivered what was sent `no_receipt_hours` ago and has no receipt; how many there were.

    Only of channels whose network sends receipts: a mail relay tells of failures alone, so an e-mail
    without one stays sent. So is a text of a gateway that tells nobody (`silent`): called failed, it could be
    sent again.
    """
    limit = clock.now() - timedelta(hours=settings.no_receipt_hours)
    with record.read() as connection:
        due = connection.execute(_due(limit)).all()
    count = 0
    for row in due:
        with record.write() as connection:
            if row.channel in settings.channels and not row.dry_run:
                count += _give_up(connection, row.id, limit, clock.now(), silent)
            _settle(connection, row.id, limit)
    return count


def _due(limit: datetime) -> sa.Select[tuple[int, str, bool]]:
    """
    Batches with an attempt so old that receipts are overdue, and those that are over without any.

    Also those that are not done: while a campaign is paused the 72 hours of what had left go on. The
    attempt's begin counts: parts of it may have had their answers long before the last.
    """
    own = sa.select(submission.c.id).where(submission.c.batch_id == batch.c.id)
    overdue = own.where(submission.c.created_at <= limit).exists()
    return (
        sa.select(batch.c.id, campaign.c.channel, campaign.c.dry_run)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(~batch.c.settled, overdue | (_is_over() & ~own.exists()))
        .order_by(batch.c.id)
    )


def _is_over() -> sa.ColumnElement[bool]:
    """All of the batch was tried, and is on the record."""
    return batch.c.saved & (batch.c.state == states.DONE)


def _awaited(batch_id: int) -> sa.ColumnElement[bool]:
    """The messages of a batch that wait for a receipt; only those that people settled have a reason."""
    return (
        (message.c.batch_id == batch_id)
        & (message.c.state == states.ACCEPTED)
        & message.c.reason.is_(None)
        # Of a gateway whose receipts name its own ids a receipt may be lost on the way: none is no failure
        & ~sa.select(message_part.c.part).where(message_part.c.message_id == message.c.id).exists()
    )


# When it left; one that was turned down at first, and taken after all, has no time but its receipt's
_LEFT_AT: Final = sa.func.coalesce(message.c.sent_at, message.c.status_at)


def _give_up(
    connection: Connection, batch_id: int, limit: datetime, now: datetime, silent: Collection[str]
) -> int:
    # As receipts do (settle.py): who saves items or applies a receipt holds the batch first
    connection.execute(sa.select(batch.c.id).where(batch.c.id == batch_id).with_for_update())
    ids = connection.scalars(
        sa.update(message)
        .where(_awaited(batch_id), _LEFT_AT <= limit, *_tells(silent))
        .values(
            state=states.UNDELIVERED,
            reason=NO_RECEIPT,
            error_text=REASONS[NO_RECEIPT].says,
            status_at=now,
        )
        .returning(message.c.id)
    ).all()
    others = [key for told in told_with(connection, ids).values() for key in told]
    connection.execute(
        sa.update(clinical_item)
        .where(is_any_of(clinical_item.c.id, [*ids, *others]))
        .values(
            status="failed",
            error_code=NO_RECEIPT,
            error_text=REASONS[NO_RECEIPT].says,
            status_at=now,
        )
    )
    tell_moved(connection, "no-receipt", sorted(ids), now)
    return len(ids)


def _tells(silent: Collection[str]) -> list[sa.ColumnElement[bool]]:
    """That a message's own gateway tells what became of it: a campaign may have several."""
    if not silent:
        return []
    first = sa.select(campaign.c.gateway).where(campaign.c.id == message.c.campaign_id)
    return [sa.func.coalesce(message.c.gateway, first.scalar_subquery()).not_in(sorted(silent))]


def _settle(connection: Connection, batch_id: int, limit: datetime) -> None:
    waits = sa.select(message.c.id).where(_awaited(batch_id), _LEFT_AT > limit)
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == batch_id, _is_over(), ~waits.exists())
        .values(settled=True)
    )
