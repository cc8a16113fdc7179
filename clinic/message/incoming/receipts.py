"""
The inbox of receipts: written first, before anything is done about what they say.

    push ─┐
    pull ─┼─► receipt_inbox ─► `clinic/message/incoming/apply_receipts.py`: message, clinical item, counters
    late ─┘

`late` is the answer that a worker got after it had lost its batch to another: it may not write it any
more, but it is evidence, as good as any receipt. An event that comes again inserts nothing.
Source: COM-6, ACX-34; shared notes on reliability §2.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.gateway.incoming.parse import LONGEST_EVENT_ID
from clinic.gateway.protocol import Taken, Turned
from clinic.gateway.received import Receipt, Said
from clinic.gateway.tally import clean, quotes
from clinic.message.incoming.unread import count_unread
from clinic.message.network_reasons import reason_code
from clinic.message.parts import note_parts
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.receipts import receipt_inbox


def keep_receipts(record: Record, clock: Clock, receipts: Sequence[Receipt]) -> int:
    """Write receipts into the inbox, in one transaction; how many were new. Confirmed means on disk."""
    if not receipts:
        return 0
    with record.write() as connection:
        return insert_receipts(connection, receipts, clock.now())


def insert_receipts(connection: Connection, receipts: Sequence[Receipt], now: datetime) -> int:
    """The same, in the caller's transaction."""
    sent = _texts(connection, receipts)
    new = list({(r.gateway, r.event_id): _row(r, now, sent) for r in receipts}.values())
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(receipt_inbox).on_conflict_do_nothing()
    counted = {"preserve_rowcount": True}
    return int(connection.execute(statement, new, execution_options=counted).rowcount)


def _texts(connection: Connection, receipts: Sequence[Receipt]) -> dict[int, str]:
    """What was sent, of those of which the gateway says a sentence: it may quote it."""
    told = {r.reference for r in receipts if r.says and r.reference is not None}
    if not told:
        return {}
    query = sa.select(message.c.id, message.c.body).where(is_any_of(message.c.id, told))
    return {row[0]: row[1] or "" for row in connection.execute(query)}


def _says(receipt: Receipt, sent: Mapping[int, str]) -> str | None:
    says = clean(receipt.says) if receipt.says else ""
    return None if quotes(says, sent.get(receipt.reference or 0, "")) else says or None


def _row(receipt: Receipt, now: datetime, sent: Mapping[int, str]) -> dict[str, Any]:
    return {
        "gateway": receipt.gateway,
        "event_id": receipt.event_id[:LONGEST_EVENT_ID],
        "reference": receipt.reference,
        "outcome": receipt.outcome,
        "reason": _reason(receipt),
        "error_text": _says(receipt, sent),
        "happened_at": receipt.happened_at,
        "received_at": now,
        "gateway_ref": receipt.gateway_ref and receipt.gateway_ref[:80],
        "recipient": receipt.recipient and receipt.recipient[:40],
        "mark": receipt.mark,
    }


def _reason(receipt: Receipt) -> str | None:
    """The network's reason as our code; the gateway's own, of a late answer, is one already."""
    if receipt.outcome == "undelivered":
        return reason_code(receipt.reason)
    return (receipt.reason or "")[:60] or None


def keep_late_answer(
    record: Record, clock: Clock, gateway: str, key: str, results: Mapping[int, Taken | Turned]
) -> int:
    """
    Keep what a gateway answered to a worker that had lost its batch meanwhile; how many were new.

    Args:
        key: the submission's, so that the same answer twice is one piece of evidence
    """
    kept = [_late(gateway, f"late {key}/{r}", r, answer) for r, answer in results.items()]
    if not kept:
        return 0
    with record.write() as connection:
        note_parts(connection, gateway, results, clock.now())
        return insert_receipts(connection, kept, clock.now())


def _late(gateway: str, event_id: str, reference: int, answer: Taken | Turned) -> Receipt:
    if isinstance(answer, Turned):
        return Receipt(gateway, event_id, reference, "rejected", answer.code, answer.says)
    said: Said = "delivered" if answer.delivered else "accepted"
    return Receipt(gateway, event_id, reference, said)


@dataclass(frozen=True)
class Inbox:
    """How many receipts there are, by state of the inbox (clinic/record/schema/receipts.py)."""

    waiting: int
    applied: int
    ignored: int
    unmatched: int
    not_understood: int


def count_inbox(record: Record) -> Inbox:
    """Counts of the whole inbox."""
    query = sa.select(receipt_inbox.c.state, sa.func.count()).group_by(receipt_inbox.c.state)
    with record.read() as connection:
        counts = dict(connection.execute(query).tuples().all())
    states = [counts.get(name, 0) for name in ("waiting", "applied", "ignored", "unmatched")]
    return Inbox(*[*states, count_unread(record)])
