"""
How many receipts a second are taken in and applied, without loss.

    .venv/bin/python -m benchmarks.apart.receipts [receipts] [database URL]

Three figures, each on a campaign that was sent and saved: *kept*, receipts written to the inbox by the
thousand; *pushed*, over HTTP, signed, one receipt a request from many connections, each answered once it
is on disk; *applied*, inbox to messages, clinical items and counters. Then every message is counted.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import orjson
import sqlalchemy as sa
from aiohttp.test_utils import TestServer

from clinic.clock import SystemClock
from clinic.gateway.incoming.server import ReceiptServer
from clinic.gateway.incoming.signature import secret_key, sign
from clinic.gateway.received import Receipt
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.inbox import RecordKeeper
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.save import save_batches
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import LAST
from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.messages import message
from clinic.record.schema.people import clinical_item
from clinic.settings import Phones
from tests.fakes import FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id

CLOCK = SystemClock()
KEY = secret_key("a secret for the benchmark")
CONNECTIONS = 64


def prepare(record: Record, folder: Path, count: int) -> int:
    """A campaign to as many patients, sent and saved; its number."""
    add_patients(record, count)
    number = add_campaign(record, CLOCK, count)
    deliver(make_ledger(record, CLOCK, folder), FakeGateway(), number, 1, LAST)
    save_batches(record, CLOCK, number, 1, LAST)
    return number


def keep(record: Record, number: int, rows: range) -> None:
    for first in range(rows.start, rows.stop, 1000):
        some = range(first, min(first + 1000, rows.stop))
        said = [Receipt("fake", f"k{n}", message_id(number, n), "delivered") for n in some]
        keep_receipts(record, CLOCK, said)


def push(record: Record, number: int, rows: range) -> None:
    keeper = RecordKeeper(record, CLOCK, Phones(test_range=True))
    server = TestServer(ReceiptServer(keeper, CLOCK, key=KEY, gateway="fake").app())
    turns = iter(rows)

    async def work(session: aiohttp.ClientSession) -> None:
        for n in turns:
            entry = {"id": f"p{n}", "reference": str(message_id(number, n)), "status": "delivered"}
            body, stamp = orjson.dumps(entry), str(int(time.time()))
            signed = {"X-Cohort-Timestamp": stamp, "X-Cohort-Signature": sign(KEY, stamp, body)}
            async with session.post(server.make_url("/receipts"), data=body, headers=signed) as got:
                assert got.status == 200

    async def run() -> None:
        await server.start_server()
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(work(session) for _ in range(CONNECTIONS)))
        await server.close()

    asyncio.run(run())


def rate(count: int, work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def measure(record: Record, folder: Path, count: int) -> None:
    number = prepare(record, folder, count)
    half = count // 2
    first, second = range(1, half + 1), range(half + 1, count + 1)
    print(f"  kept     {rate(len(first), lambda: keep(record, number, first)):9,.0f} a second")
    print(f"  pushed   {rate(len(second), lambda: push(record, number, second)):9,.0f} a second")
    print(f"  applied  {rate(count, lambda: apply_receipts(record, CLOCK)):9,.0f} a second")
    with record.read() as connection:
        for table, column, word in (
            (message, message.c.state, "delivered"),
            (clinical_item, clinical_item.c.status, "sent"),
        ):
            query = sa.select(sa.func.count()).select_from(table).where(column == word)
            found = connection.execute(query).scalar_one()
            print(f"  {table.name} {word}: {found:,} of {count:,}")
            assert found == count


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        urls = sys.argv[2:] or [f"sqlite:///{folder}/record.db"]
        for url in urls:
            record = Record.open(url)
            drop_everything(record)
            migrate(record)
            print(f"{record.dialect}, {count:,} receipts")
            measure(record, Path(folder), count)
            record.close()


if __name__ == "__main__":
    main()
