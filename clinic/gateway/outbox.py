"""
The embedded gateway: messages are kept in the record, durable and readable, and nobody is texted.

Idempotent by construction (class I, for ever): a submission's key is unique in the database, and its
messages are inserted with it in one transaction. A replay finds the key and inserts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock, SystemClock
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.messages import OUTBOX
from clinic.record.schema.outbox import outbox, outbox_submission


class Outbox:
    """Keeps what is sent through `channel`. It is the last stop: everything is delivered at once."""

    gateway_class: GatewayClass = "I"
    window: timedelta | None = None
    batch_limit = 1000
    per_request = 1000

    def __init__(self, record: Record, channel: str, *, clock: Clock | None = None) -> None:
        self.name = OUTBOX
        self.channel = channel
        self._record = record
        self._clock = clock or SystemClock()

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Keep the whole submission in one transaction; if its key is known, nothing is written."""
        del per_request  # one transaction takes them all
        with self._record.write() as connection:
            submission = self._claim_key(connection, key)
            if submission is not None:
                insert_rows(
                    connection,
                    outbox,
                    ("submission_id", "reference", "address", "subject", "body"),
                    ((submission, m.reference, m.to, m.subject, m.body) for m in messages),
                )
        taken = Taken(gateway_ref=key, delivered=True)
        return Answer(results={m.reference: taken for m in messages if m.reference in only})

    def _claim_key(self, connection: Connection, key: str) -> int | None:
        """The new submission's id; None if this key came before, or comes at this instant."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = (
            dialect.insert(outbox_submission)
            .values(key=key, channel=self.channel, taken_at=self._clock.now())
            .on_conflict_do_nothing()
            .returning(outbox_submission.c.id)
        )
        return connection.execute(statement).scalar()

    def close(self) -> None:
        """The record belongs to the caller, who closes it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One message in the outbox, as it would have been sent."""

    reference: int
    channel: str
    to: str
    subject: str | None
    body: str
    taken_at: datetime


def read_outbox(
    record: Record, *, limit: int = 20, references: range | None = None
) -> Sequence[Kept]:
    """
    The messages kept last, newest first.

    Args:
        limit: how many at most
        references: only messages whose id lies in this range (a campaign's ids do)
    """
    query = (
        sa.select(
            outbox.c.reference,
            outbox_submission.c.channel,
            shown(outbox.c.address),
            outbox.c.subject,
            outbox.c.body,
            outbox_submission.c.taken_at,
        )
        .join(outbox_submission)
        .order_by(outbox.c.submission_id.desc(), outbox.c.reference.desc())
        .limit(limit)
    )
    if references is not None:
        first, last = references.start, references.stop - 1
        query = query.where(outbox.c.reference.between(first, last))
    with record.read() as connection:
        return [Kept(*row) for row in connection.execute(query)]
