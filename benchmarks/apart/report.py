"""
What the Outreach Report costs after a year of messages: one page on the screen, a day's, and all of it as CSV.

    python -m benchmarks.apart.report [messages] [database URL]      # 500000, SQLite in a temporary folder
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from cli.look.outreach import _write
from cli.wiring import LocalTime
from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.outcomes.outreach import Filter, list_sent
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema.messages import message
from clinic.settings import Settings
from tests.ledgers import add_campaign, add_patients

A_CAMPAIGN = 10_000
TEXT = "Dear patient, your flu vaccination is due. Please call the practice on 01632 960000. "


def fill(record: Record, messages: int) -> None:
    """Campaigns of ten thousand delivered texts each."""
    migrate(record)
    add_patients(record, A_CAMPAIGN)
    for _ in range(messages // A_CAMPAIGN):
        add_campaign(record, SystemClock(), A_CAMPAIGN, state=states.COMPLETED)
    now = SystemClock().now()
    with record.write() as connection:
        connection.execute(
            sa.update(message).values(state=states.DELIVERED, sent_at=now, status_at=now, body=TEXT)
        )


def measure(name: str, step: Callable[[], int]) -> None:
    """Print what a step took."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = step()
    print(
        f"{name:28} {count:9,} messages: {time.process_time() - cpu:6.2f} s of CPU, "
        f"{time.perf_counter() - wall:6.2f} s",
        flush=True,
    )


def main(messages: int, url: str | None) -> None:
    """Fill a record and read it."""
    with tempfile.TemporaryDirectory() as folder:
        record = Record.open(url or f"sqlite:///{folder}/record.db")
        fill(record, messages)
        tomorrow = Filter(sent_from=datetime.now(UTC) + timedelta(days=1))
        zone = LocalTime(Settings())
        measure("a page", lambda: len(list(islice(list_sent(record, Filter()), 100))))
        measure("a day of which there is none", lambda: len(list(list_sent(record, tomorrow))))
        with (Path(folder) / "all.csv").open("w", newline="", encoding="utf-8") as file:
            measure("all, as CSV", lambda: _write(file, list_sent(record), zone))
        record.close()


if __name__ == "__main__":
    count = int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 500_000
    main(count, sys.argv[2] if len(sys.argv) > 2 else None)
