"""
What SMPP costs: our gateway against the client library's bare loop, to the same SMSC in the same run.

    python -m benchmarks.smpp [MESSAGES [MESSAGES_IN_A_BATCH]]

The floor is smpp34's own client with as large a window: one submit_sm a message and nothing else, no record, no
receipt read. Beside it: the gateway's `send` in batches, four at once as a run does; and the ledger's
sending: intent, send, answer and ids in an SQLite record. Processor time is of this process alone, and worth
more than the wall's where other work is beside it. Needs node and npm's smpp (tests/servers/smsc).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import smpp34

from clinic.clock import SystemClock
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing
from clinic.gateway.smpp.sms import SmppSms
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.settings.gateways.smpp import SmppGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.servers.smsc import PASSWORD, running_smsc

BODY = "Dear Given, your flu vaccination is due. Please call the practice to book. " + "x" * 54
WINDOW = 50
BATCH = 50  # class B: what one kill may leave unknown


def floor(port: int, count: int) -> None:
    """The library's bare loop."""

    async def run() -> None:
        client = smpp34.Client(
            host="127.0.0.1", port=port, system_id="a", password=PASSWORD, bind_type="TRX", window_size=WINDOW
        )  # fmt: skip
        smsc = await client.connect()
        numbers = iter(range(count))

        async def work() -> None:
            for n in numbers:
                answer = await smsc.submit_sm(
                    f"4477009{n:05}", BODY.encode(), source_addr="Practice", registered_delivery=0
                )
                assert answer.is_success

        await asyncio.gather(*[work() for _ in range(WINDOW)])
        await smsc.unbind()

    asyncio.run(run())


def gateway(port: int, batch: int) -> SmppSms:
    section = SmppGateway.model_validate(
        {
            "type": "smpp", "host": "127.0.0.1", "port": port, "tls": False, "system_id": "a",
            "password": PASSWORD, "sender": "Practice", "window": WINDOW, "batch_limit": batch,
            "receipts": False,
        }
    )  # fmt: skip
    return SmppSms(section, Opening(name="fake", channel="sms"))


def sending(port: int, count: int, size: int) -> None:
    """The gateway alone."""
    ours = gateway(port, size)

    def one(first: int) -> None:
        batch = [Outgoing(n, f"+4477009{n:05}", BODY) for n in range(first, first + size)]
        answer = ours.send("k", batch, per_request=1, only=frozenset(m.reference for m in batch))
        assert len(answer.results) == size

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one, range(1, count + 1, size)))
    ours.close()


def flow(port: int, count: int, size: int, folder: Path) -> Callable[[], None]:
    """The ledger's sending, staged beforehand."""
    record, clock = Record.open(f"sqlite:///{folder / 'record.db'}"), SystemClock()
    migrate(record)
    add_patients(record, count)
    number = add_campaign(record, clock, count, batch_size=size)
    batches = count // size

    def run() -> None:
        ours = gateway(port, size)
        ledger = make_ledger(record, clock, folder)
        spans = [(1 + batches * n // 4, batches * (n + 1) // 4) for n in range(4)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda span: deliver(ledger, ours, number, *span), spans))
        ours.close()
        record.close()

    return run


def measured(name: str, count: int, work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    rate = count / (time.perf_counter() - wall)
    each = (time.process_time() - cpu) / count * 1e6
    print(f"{name:28} {rate:8,.0f} messages/s   {each:6.0f} µs of processor time a message")
    return rate, each


def main(count: int = 10_000, size: int = BATCH) -> None:
    """Two rounds in turn, the better of each: the machine is never quiet for long."""
    found: dict[str, list[tuple[float, float]]] = {}
    with running_smsc(receipts=False) as smsc, tempfile.TemporaryDirectory() as folder:
        for turn in range(2):
            place = Path(folder) / str(turn)
            place.mkdir()
            whole = flow(smsc.port, count, size, place)
            for name, work in (
                ("smpp34's bare loop", lambda: floor(smsc.port, count)),
                ("the gateway", lambda: sending(smsc.port, count, size)),
                ("the ledger's sending", whole),
            ):
                found.setdefault(name, []).append(measured(name, count, work))
                smsc.tell("forget")
    (rate, each), *ours = [
        (max(r for r, _ in rows), min(e for _, e in rows)) for rows in found.values()
    ]
    for name, (own_rate, own_each) in zip(list(found)[1:], ours, strict=True):
        print(
            f"{name}: {own_rate / rate:.0%} of the floor's rate, {own_each / each:.2f} of its time"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
