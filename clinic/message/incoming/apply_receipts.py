"""
Reconciles messages by the evidence in the inbox: what a receipt says of a message, it then is.

    unknown < rejected < accepted < undelivered < delivered

A message only ever moves up. So the order of receipts does not matter, nor how often they come, nor
whether several processes apply them: what is best proven stays
(tests/clinic/message/incoming/test_apply_receipts.py). A block of receipts is one transaction: messages,
clinical items, the batches' counters, and the mark that the receipts were applied. Source: COM-6, COM-9,
ACX-34; shared notes on reliability §2.1 M9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.audit.chain import hold
from clinic.message import states
from clinic.message.campaign.campaign import campaigns_where
from clinic.message.campaign.counting import MATCH_WINDOW
from clinic.message.campaign.moves import move
from clinic.message.campaign.trail import tell_moved
from clinic.message.failover.ways import names_of
from clinic.message.network_reasons import NO_RECEIPT
from clinic.message.outcomes.notice_trail import tell_ended
from clinic.message.outcomes.save import save_messages
from clinic.message.parts import Named, find_wholes
from clinic.message.sharing.together import told_with
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message, submission
from clinic.record.schema.people import ITEM_STATUS, clinical_item
from clinic.record.schema.receipts import receipt_inbox
from clinic.record.schema.systems.outside_record import outside_batch

# A receipt that names the gateway's id alone waits for its message for less: it may be a stranger's
NAME_WINDOW: Final = timedelta(days=1)
BLOCK: Final = 2_000

_RANK: Final = {
    states.UNKNOWN: 0,
    states.REJECTED: 1,
    states.ACCEPTED: 2,
    states.UNDELIVERED: 3,
    states.DELIVERED: 4,
}
_FAILED: Final = (states.UNDELIVERED, states.REJECTED)
# How a batch counts them: what the gateway took is `accepted`, whatever the network did with it
_COUNTED: Final = {states.UNKNOWN: "unknown", states.REJECTED: "rejected"}


def better(state: str, said: str) -> str:
    """The state of a message of which this is said. Not defined for one that was never tried."""
    return said if _RANK[said] > _RANK[state] else state


@dataclass(frozen=True)
class Applied:
    """
    How many receipts moved or confirmed a message, wait for its answer, or fit none.

    campaigns: of which a message moved
    """

    applied: int = 0
    waiting: int = 0
    ignored: int = 0
    unmatched: int = 0
    campaigns: frozenset[int] = field(default=frozenset(), compare=False)

    def __add__(self, other: Applied) -> Applied:
        return Applied(
            self.applied + other.applied,
            self.waiting + other.waiting,
            self.ignored + other.ignored,
            self.unmatched + other.unmatched,
            self.campaigns | other.campaigns,
        )


class _Receipt(NamedTuple):
    """A receipt that waits in the inbox."""

    id: int
    gateway: str
    reference: int | None
    outcome: str
    reason: str | None
    error_text: str | None
    happened_at: datetime | None
    received_at: datetime
    gateway_ref: str | None
    recipient: str | None
    mark: int | None


class _About(NamedTuple):
    """The message that a receipt names, and the gateways that it may have left by: one, once that is known."""

    id: int
    state: str
    reason: str | None
    batch_id: int
    campaign_id: int
    gateways: tuple[str, ...]


_Moves = Mapping[int, tuple[_About, _Receipt]]


@dataclass
class _Block:
    """Receipts read together, and what they come to."""

    fates: dict[int, str] = field(default_factory=dict)  # receipt → state of the inbox
    moves: dict[int, tuple[_About, _Receipt]] = field(default_factory=dict)


def apply_receipts(record: Record, clock: Clock, *, block: int = BLOCK) -> Applied:
    """
    Apply every receipt that waits, a block a transaction. Safe to run again, at any moment, and beside
    itself.
    """
    total, after = Applied(), 0
    while True:
        with record.write() as connection:
            hold(connection, "receipts")
            rows = _read(connection, after, block)
            if not rows:
                return total
            total += _apply(connection, rows, clock.now())
            after = rows[-1].id


def _read(connection: Connection, after: int, limit: int) -> list[_Receipt]:
    rows = connection.execute(
        sa.select(*(receipt_inbox.c[name] for name in _Receipt._fields))
        .where(receipt_inbox.c.state == "waiting", receipt_inbox.c.id > after)
        .order_by(receipt_inbox.c.id)
        .limit(limit)
    )
    return [_Receipt._make(row) for row in rows]


def _apply(connection: Connection, rows: Sequence[_Receipt], now: datetime) -> Applied:
    rows = _with_references(connection, rows, now)
    known = _messages(connection, {row.reference for row in rows if row.reference is not None})
    found = _judge(rows, known, now, _under_way(connection, known.values()))
    if found.moves:
        _move(connection, found.moves, now)
    for fate in ("applied", "ignored", "unmatched"):
        ids = [key for key, value in found.fates.items() if value == fate]
        if ids:
            connection.execute(
                sa.update(receipt_inbox)
                .where(is_any_of(receipt_inbox.c.id, ids))
                .values(state=fate)
            )
    counts = Counter(found.fates.values())
    moved = frozenset(about.campaign_id for about, _ in found.moves.values())
    return Applied(
        counts["applied"], counts["waiting"], counts["ignored"], counts["unmatched"], moved
    )


def _with_references(
    connection: Connection, rows: Sequence[_Receipt], now: datetime
) -> list[_Receipt]:
    """The same, with our message where they name it by the gateway's id, and what is known of it whole."""
    named = [
        Named(
            row.id, row.reference, row.gateway, row.gateway_ref, row.recipient, row.mark, row.outcome,
            row.reason,
        )
        for row in rows
        if row.gateway_ref
    ]  # fmt: skip
    wholes = find_wholes(connection, named, now)
    return [row._replace(**wholes[row.id]._asdict()) if row.id in wholes else row for row in rows]


def _messages(connection: Connection, references: set[int]) -> dict[int, _About]:
    """
    The messages named, by id, with their campaigns; their batches are locked.

    Whoever records an answer or saves items holds the batch first: so neither can happen between our
    reading a message and our writing it.
    """
    named = is_any_of(message.c.id, sorted(references))
    batches = sa.select(message.c.batch_id).where(named)
    connection.execute(
        sa.select(batch.c.id).where(batch.c.id.in_(batches)).order_by(batch.c.id).with_for_update()
    ).all()
    rows = connection.execute(
        sa.select(
            message.c.id, message.c.state, message.c.reason, message.c.batch_id,
            message.c.campaign_id,
            sa.func.coalesce(message.c.gateway, campaign.c.gateway).label("gateway"),
            sa.case((message.c.gateway.is_(None), campaign.c.gateways)).label("gateways"),
        )
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .where(named)
    )  # fmt: skip
    return {
        row.id: _About(
            row.id, row.state, row.reason, row.batch_id, row.campaign_id,
            names_of(row.gateway, row.gateways),
        )
        for row in rows
    }  # fmt: skip


def _under_way(connection: Connection, messages: Iterable[_About]) -> set[int]:
    """The batches of messages that wait, of which an attempt is open: they may have left, and be told of."""
    waiting = {row.batch_id for row in messages if row.state == states.PENDING}
    if not waiting:
        return set()
    return set(
        connection.scalars(
            sa.select(submission.c.batch_id).where(
                is_any_of(submission.c.batch_id, sorted(waiting)),
                submission.c.state == states.INTENT,
            )
        )
    )


def _judge(
    rows: Sequence[_Receipt], known: Mapping[int, _About], now: datetime, under_way: set[int]
) -> _Block:
    found = _Block()
    reached = {key: (row.state, row.reason) for key, row in known.items()}
    for row in rows:
        about = None if row.reference is None else known.get(row.reference)
        if row.reference is None and row.gateway_ref and now - row.received_at <= NAME_WINDOW:
            found.fates[row.id] = "waiting"  # its message's answer may not be noted yet
        elif about is None or row.gateway not in about.gateways:
            found.fates[row.id] = "unmatched"
        elif about.state == states.PENDING:
            late = now - row.received_at > MATCH_WINDOW and about.batch_id not in under_way
            found.fates[row.id] = "unmatched" if late else "waiting"
        elif about.state not in _RANK:
            found.fates[row.id] = "ignored"
        else:
            found.fates[row.id] = "applied"
            state, reason = reached[about.id]
            if better(state, row.outcome) != state or _says_why(state, reason, row.outcome):
                reached[about.id] = (row.outcome, row.reason)
                found.moves[about.id] = (about, row)
    return found


def _says_why(state: str, reason: str | None, said: str) -> bool:
    """Whether the network's own reason comes after we had given up waiting for it."""
    return state == said == states.UNDELIVERED and reason == NO_RECEIPT


def _move(connection: Connection, moves: _Moves, now: datetime) -> None:
    """Write the messages' new states, and all that follows from them."""
    values = [_values(key, receipt, now) for key, (_, receipt) in sorted(moves.items())]
    update_rows(connection, message, ["id", "state", "reason", "error_text", "status_at"], values)
    told = told_with(connection, sorted(moves))
    update_rows(
        connection,
        clinical_item,
        ["id", "status", "error_code", "error_text", "status_at"],
        [
            (item, ITEM_STATUS[state], *((why, text) if state in _FAILED else (None, None)), at)
            for key, state, why, text, at in values
            for item in (key, *told.get(key, ()))
        ],
    )
    _save_delivered(connection, moves, now)
    _count(connection, moves)
    _look_again(connection, {about.batch_id for about, _ in moves.values()})
    _close(connection, {about.campaign_id for about, _ in moves.values()}, now)
    tell_moved(connection, "receipts", sorted(moves), now)


def _look_again(connection: Connection, batches: set[int]) -> None:
    """NEW-11: what changed of them is to be saved outside too, though they were over."""
    connection.execute(
        sa.delete(outside_batch).where(is_any_of(outside_batch.c.batch_id, sorted(batches)))
    )


def _values(key: int, receipt: _Receipt, now: datetime) -> tuple[Any, ...]:
    at = min(receipt.happened_at or receipt.received_at, now)
    # Of what was delivered, how it came to that is nobody's question
    told = receipt.outcome != states.DELIVERED
    return (
        key,
        receipt.outcome,
        receipt.reason if told else None,
        receipt.error_text if told else None,
        at,
    )


def _save_delivered(connection: Connection, moves: _Moves, now: datetime) -> None:
    """PAT-17: where the record gets what was delivered, it gets it now."""
    by_campaign: dict[int, list[int]] = {}
    for key, (about, receipt) in moves.items():
        if receipt.outcome == states.DELIVERED:
            by_campaign.setdefault(about.campaign_id, []).append(key)
    for job in campaigns_where(
        connection,
        is_any_of(campaign.c.id, list(by_campaign)),
        campaign.c.save_when == "delivered",
        campaign.c.save_to_record,
        ~campaign.c.dry_run,
    ):
        save_messages(connection, job, is_any_of(message.c.id, by_campaign[job.id]), now)


def _count(connection: Connection, moves: _Moves) -> None:
    """Keep the batches' counters right where a message moved from one to another."""
    changes: dict[int, Counter[str]] = {}
    for about, receipt in moves.values():
        old = _COUNTED.get(about.state, "accepted")
        new = _COUNTED.get(receipt.outcome, "accepted")
        if old != new:
            changes.setdefault(about.batch_id, Counter()).update({new: 1})
            changes[about.batch_id].subtract({old: 1})
    for batch_id, change in sorted(changes.items()):
        connection.execute(
            sa.update(batch)
            .where(batch.c.id == batch_id)
            .values({name: batch.c[name] + by for name, by in change.items()} | {"settled": False})
        )


def _close(connection: Connection, campaigns: set[int], now: datetime) -> None:
    """A campaign that only waited for the last unknown is complete."""
    unknown = sa.select(batch.c.id).where(batch.c.campaign_id == campaign.c.id, batch.c.unknown > 0)
    waited = is_any_of(campaign.c.id, sorted(campaigns))
    for campaign_id in move(
        connection, states.COMPLETED, waited, ~unknown.exists(), of=[states.RECONCILING]
    ):
        tell_ended(connection, campaign_id, now)
