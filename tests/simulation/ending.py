"""What the year came to, judged against what is true: outcomes, receipts, clinical items and counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import clinical_item
from clinic.record.schema.receipts import receipt_inbox
from tests.fakes import FakeClock
from tests.simulation.settler import Apply
from tests.simulation.truth import ITEM, Truth

RISES = tuple(ITEM)  # a message that was tried only moves up
_WITNESS = (
    "CREATE TABLE moved (what TEXT, was TEXT, became TEXT)",
    "CREATE TRIGGER witness_message AFTER UPDATE OF state ON message WHEN old.state <> new.state "
    "BEGIN INSERT INTO moved VALUES ('message', old.state, new.state); END",
    "CREATE TRIGGER witness_item AFTER UPDATE OF status ON clinical_item WHEN old.status <> new.status "
    "BEGIN INSERT INTO moved VALUES ('clinical_item', old.status, new.status); END",
)


@dataclass
class Result:
    """What the year came to. `faults` must be empty."""

    faults: list[str]
    messages: int = 0
    arrived: int = 0
    kills: int = 0
    receipts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    inbox: Counter[str] = field(default_factory=Counter)


def set_witness(record: Record) -> None:
    """From now on the database itself (SQLite) notes each move that is committed."""
    with record.write() as connection:
        for statement in _WITNESS:
            connection.execute(sa.text(statement))


def judge_ending(record: Record, clock: FakeClock, truth: Truth, apply: Apply) -> Result:
    """Count everything, and name all that should not be so."""
    result = Result([], arrived=len(truth.arrived), receipts=len(truth.events))
    with record.read() as connection:
        for faults in (
            _campaigns(connection, result), _messages(connection, truth, result),
            _items(connection), _counters(connection), _moves(connection),
            _inbox(connection, truth, result),
        ):  # fmt: skip
            result.faults += faults
    result.faults += _again(record, clock, apply)
    return result


def _campaigns(connection: Connection, result: Result) -> Iterator[str]:
    unknown = sa.select(batch.c.campaign_id).where(batch.c.unknown > 0)
    some = set(connection.scalars(unknown))
    for job in connection.execute(sa.select(campaign)).all():
        counts = count_outcomes(connection, job.id)
        result.outcomes.update(counts)
        result.states[job.state] += 1
        if sum(counts.values()) != job.rows or counts.keys() & {"waiting", "in_flight"}:
            yield f"campaign does not add up: {job.id} {counts} of {job.rows}"
        if job.state != states.CANCELLED_CAMPAIGN:
            expected = states.RECONCILING if job.id in some else states.COMPLETED
            if job.state != expected:
                yield f"campaign not ended: {job.id} is {job.state}, not {expected}"


def _messages(connection: Connection, truth: Truth, result: Result) -> Iterator[str]:
    for row in connection.execute(sa.select(message.c.id, message.c.state, message.c.reason)):
        result.messages += 1
        if not truth.is_possible(row.id, row.state, row.reason):
            told = truth.said.get(row.id), truth.settled.get(row.id), row.id in truth.arrived
            yield f"not what was told: {row.id} is {row.state}, {row.reason}; told {told}"


def _items(connection: Connection) -> Iterator[str]:
    """COM-7, COM-9: one item for each message that was tried, and it says what the message says."""
    query = (
        sa.select(
            message.c.id, message.c.state, message.c.reason, campaign.c.save_when,
            clinical_item.c.status, clinical_item.c.error_code,
        )
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .outerjoin(clinical_item, clinical_item.c.id == message.c.id)
    )  # fmt: skip
    for row in connection.execute(query):
        expected = ITEM.get(row.state)
        if row.save_when == "delivered" and row.state != states.DELIVERED:
            expected = None
        why = row.reason if expected == "failed" else None
        if (row.status, row.error_code) != (expected, why):
            yield f"item disagrees: {row.id} is {row.state}, {row.reason}; item {row.status}, {row.error_code}"


def _counters(connection: Connection) -> Iterator[str]:
    """Each batch's own counters, by which people are told of progress, against its messages."""
    counts: dict[int, Counter[str]] = {}
    for key, state, count in connection.execute(
        sa.select(message.c.batch_id, message.c.state, sa.func.count()).group_by(
            message.c.batch_id, message.c.state
        )
    ):
        name = "accepted" if state in states.LEFT else state
        name = name if name in ("accepted", "rejected", "unknown") else "suppressed"
        counts.setdefault(key, Counter())[name] += count
    for row in connection.execute(sa.select(batch)):
        told = Counter(
            accepted=row.accepted, rejected=row.rejected, unknown=row.unknown,
            suppressed=row.suppressed,
        )  # fmt: skip
        if +told != counts[row.id]:
            yield f"counters: batch {row.id} has {dict(told)}, is {dict(counts[row.id])}"
        if not (row.settled and row.saved):
            yield f"not settled: batch {row.id}"


def _moves(connection: Connection) -> Iterator[str]:
    """No message left a final state for a lesser one; nothing that was Sent Successfully is not."""
    moves = sa.text("SELECT what, was, became, count(*) FROM moved GROUP BY what, was, became")
    counts = {(what, was, new): count for what, was, new, count in connection.execute(moves)}
    taken_after_all = counts.get(("message", "rejected", "accepted"), 0)
    for (what, was, new), count in counts.items():
        if what == "message":
            good = was == states.PENDING or (was in RISES and new in RISES[RISES.index(was) + 1 :])
        else:
            good = was == "pending" or new == "sent" or count <= taken_after_all
        if not good or was in ("sent", states.DELIVERED):
            yield f"moved back: {what} from {was} to {new}, {count} times"


def _inbox(connection: Connection, truth: Truth, result: Result) -> Iterator[str]:
    """Every receipt is kept once, and has one fate."""
    by_state = sa.select(receipt_inbox.c.state, sa.func.count()).group_by(receipt_inbox.c.state)
    result.inbox.update(dict(connection.execute(by_state).tuples().all()))
    total = len(truth.events) + len(truth.settled)
    expected = Counter(unmatched=truth.unmatched, ignored=truth.ignored)
    expected["applied"] = total - expected.total()
    if result.inbox != expected:
        yield f"inbox: {dict(result.inbox)}, not {dict(expected)}"


def _again(record: Record, clock: FakeClock, apply: Apply) -> Iterator[str]:
    """Every receipt of the year applied once more changes nothing."""
    before = _everything(record)
    with record.write() as connection:
        connection.execute(sa.update(receipt_inbox).values(state="waiting"))
    apply(record, clock)
    if _everything(record) != before:
        yield "applied again: something changed"


def _everything(record: Record) -> list[list[tuple[object, ...]]]:
    tables = (message, clinical_item, batch, campaign, receipt_inbox)
    with record.read() as connection:
        return [
            [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]
            for table in tables
        ]
