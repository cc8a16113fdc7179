"""A process that sends a campaign by a slow, blind gateway, and drains when asked; for test_draining."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from clinic.clock import SystemClock
from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.sending.deliver import deliver
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.settings import Settings
from tasks import wiring
from tasks.runs.stopping import drained
from tests.fakes import FakeGateway


class Slow(FakeGateway):
    """Writes down each message that it takes, half a batch before and half a batch after a while."""

    def __init__(self, log: Path) -> None:
        super().__init__("B")
        self.log = log

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        for half in (messages[: len(messages) // 2], messages[len(messages) // 2 :]):
            with self.log.open("a") as file:
                file.writelines(f"{one.reference}\n" for one in half)
            time.sleep(0.1)
        return super().send(key, messages, per_request=per_request, only=only)


def main(url: str, folder: str) -> None:
    home, record = Path(folder), Record.open(url)
    parts = wiring.Wiring(
        settings=Settings(home=home), record=record, clock=SystemClock(),
        worker=Worker(home / "workers"),
    )  # fmt: skip
    wiring.use(parts)
    drained(lambda: deliver(parts.ledger(), Slow(home / "log"), 1, 1, 1000))()
    parts.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
