"""The ledger's database work, against the same rows written bare: one insert, one update, 1,000 a commit."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from clinic.clock import SystemClock
from clinic.gateway.rehearsal import RehearsalGateway
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.sqlite import library
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

Timer = Callable[[], float]

MESSAGES = 100_000
_names = itertools.count()


def drain(folder: Path, timer: Timer = time.perf_counter) -> float:
    """
    Messages a second from claim to record (SQLite, FULL durability): of wall time, or of this process's own.
    """
    record, clock = Record.open(f"sqlite:///{folder / f'ledger-{next(_names)}.db'}"), SystemClock()
    migrate(record)
    add_patients(record, MESSAGES)
    number = add_campaign(record, clock, MESSAGES)
    ledger = make_ledger(record, clock, folder)
    gateway = RehearsalGateway("sms", batch_limit=1000, per_request=1000)
    began = timer()
    deliver(ledger, gateway, number, 1, MESSAGES // 1000)
    seconds = timer() - began
    assert message_states(record, number) == {"delivered": MESSAGES}
    ledger.worker.close()
    record.close()
    return MESSAGES / seconds


def bare_rows(folder: Path, timer: Timer = time.perf_counter) -> float:
    """Rows a second by the same clock, each inserted and updated once, a thousand a commit."""
    connection = library().connect(folder / f"bare-{next(_names)}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE message (id INTEGER PRIMARY KEY, body TEXT, state TEXT, ref TEXT)"
    )
    began = timer()
    for first in range(0, MESSAGES, 1000):
        ids = range(first, first + 1000)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO message VALUES (?, ?, 'pending', NULL)", ((n, f"Hello {n}") for n in ids)
        )
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE message SET state = 'accepted', ref = ? WHERE id = ?",
            ((f"g{n}", n) for n in ids),
        )
        connection.execute("COMMIT")
    seconds = timer() - began
    connection.close()
    return MESSAGES / seconds
