"""
The embedded gateway: messages are kept in the record, durable and readable, and nobody is texted.

What it keeps is a log of its own: which message came when, and a mark of its address and text. The text is in
the ledger, once; reading compares the two, so that a text which is no longer what was taken is seen.

Idempotent by construction (class I, for ever): a submission's key is unique in the database, and its
messages are inserted with it in one transaction. A replay finds the key and inserts nothing.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock, SystemClock
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken
from clinic.record.bulk import insert_rows
from clinic.record.database import Record, key_of
from clinic.record.safe_numbers import shown
from clinic.record.schema.messages import OUTBOX, message
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
                    ("submission_id", "reference", "mark"),
                    zip(
                        itertools.repeat(submission),
                        (m.reference for m in messages),
                        _marks(connection, ((m.to, m.subject, m.body) for m in messages)),
                        strict=False,
                    ),
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
    """
    One message in the outbox, with address and text as the ledger has them.

    to, body: empty where the ledger has no such message
    same: the ledger still says what was taken; None: it was taken when the outbox kept no marks
    """

    reference: int
    channel: str
    to: str | None
    subject: str | None
    body: str | None
    taken_at: datetime
    same: bool | None


def read_outbox(
    record: Record, *, limit: int = 20, references: range | None = None
) -> Sequence[Kept]:
    """
    The messages kept last, newest first.

    Args:
        limit: how many at most
        references: only messages whose id lies in this range (a campaign's ids do)
    """
    m = message.c
    query = (
        sa.select(
            outbox.c.reference, outbox_submission.c.channel, shown(m.address).label("to"), m.subject, m.body,
            outbox_submission.c.taken_at, m.address, outbox.c.mark,
        )
        .select_from(outbox.join(outbox_submission))
        .outerjoin(message, m.id == outbox.c.reference)
        .order_by(outbox.c.submission_id.desc(), outbox.c.reference.desc())
        .limit(limit)
    )  # fmt: skip
    if references is not None:
        first, last = references.start, references.stop - 1
        query = query.where(outbox.c.reference.between(first, last))
    with record.read() as connection:
        rows = connection.execute(query).all()
        now = _marks(connection, ((row.address or "", row.subject, row.body or "") for row in rows))
        return [
            Kept(
                row.reference, row.channel, row.to, row.subject, row.body, row.taken_at,
                None if row.mark is None else row.mark == mark,
            )
            for row, mark in zip(rows, now, strict=True)
        ]  # fmt: skip


def _marks(connection: Connection, said: Iterable[tuple[str, str | None, str]]) -> Iterator[bytes]:
    """A keyed digest of address, subject and text each: it bears witness, and tells nobody what was said."""
    begun = hashlib.blake2b(digest_size=16, key=key_of(connection) or b"", person=b"cohort outbox")
    for to, subject, body in said:
        digest = begun.copy()
        digest.update("\0".join((to, "" if subject is None else f"s{subject}", body)).encode())
        yield digest.digest()
