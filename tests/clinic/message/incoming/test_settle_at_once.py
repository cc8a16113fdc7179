"""COM-6, ACX-34: several apply one inbox at once; each receipt counts once, and nobody waits for ever."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from clinic.gateway.received import Receipt
from clinic.message import states
from clinic.message.incoming.apply_receipts import Applied, apply_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import Inbox, count_inbox, keep_receipts
from clinic.message.outcomes.save import save_batches
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from clinic.record.schema.people import clinical_item
from clinic.settings import Receipts
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

PEOPLE, BLOCK = 60, 7


def receipts(number: int) -> list[Receipt]:
    """Of every third message none; of the others two, in any order, which do not agree for every fifth."""
    said: list[Receipt] = []
    for n in range(1, PEOPLE + 1):
        if n % 3:
            reference = message_id(number, n)
            said.append(Receipt("fake", f"a{n}", reference, "accepted", None))
            last = Receipt("fake", f"b{n}", reference, "delivered", None)
            said.append(last if n % 5 else replace(last, outcome="undelivered", reason="busy"))
    random.Random(1).shuffle(said)
    return said


def apply_when(url: str, clock: FakeClock, begin: threading.Barrier) -> Applied:
    """What a process does, with connections of its own."""
    record = Record.open(url)
    begin.wait(10)
    found = apply_receipts(record, clock, block=BLOCK)
    record.close()
    return found


def end_when(url: str, clock: FakeClock, begin: threading.Barrier) -> int:
    """What another does meanwhile: it holds the same batches."""
    record = Record.open(url)
    begin.wait(10)
    found = end_waiting(record, clock, Receipts())
    save_batches(record, clock, 1, 1, 20)
    record.close()
    return found


def test_one_inbox_applied_by_three_at_once_while_the_waiting_is_ended(
    record: Record, record_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    """Each receipt once, batches and items right whoever came first, and no deadlock."""
    add_patients(record, PEOPLE)
    number = add_campaign(record, clock, PEOPLE, batch_size=10)
    deliver(make_ledger(record, clock, tmp_path), FakeGateway(), number, 1, 20)
    save_batches(record, clock, number, 1, 20)
    said = receipts(number)
    keep_receipts(record, clock, said)
    clock.sleep(timedelta(hours=73).total_seconds())
    begin = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        applying: list[Future[Applied]] = [
            threads.submit(apply_when, record_url, clock, begin) for _ in range(3)
        ]
        ending = threads.submit(end_when, record_url, clock, begin)
        applied = [one.result(60) for one in applying]
        ending.result(60)
    assert sum(one.applied for one in applied) == len(said)
    assert count_inbox(record) == Inbox(
        waiting=0, applied=len(said), ignored=0, unmatched=0, not_understood=0
    )
    silent = PEOPLE // 3
    failed = sum(1 for n in range(1, PEOPLE + 1) if n % 3 and not n % 5)
    end_waiting(record, clock, Receipts())
    assert message_states(record, number) == {
        states.DELIVERED: PEOPLE - silent - failed,
        states.UNDELIVERED: silent + failed,
    }
    with record.read() as connection:
        statuses = Counter(connection.scalars(sa.select(clinical_item.c.status)))
        counted = connection.execute(sa.select(batch.c.accepted, batch.c.rejected, batch.c.unknown))
        assert {tuple(row) for row in counted} == {(10, 0, 0)}
    assert statuses == {"sent": PEOPLE - silent - failed, "failed": silent + failed}
