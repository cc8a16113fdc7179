"""
What a year of messages costs a look, a cap, a report and a receipt, against three weeks of them.

    python -m benchmarks.large.history [--messages 10000000] [--database postgresql|sqlite]

A record with patients and three weeks of campaigns is measured (so far the rules look back), and one with
a year of them, filled by SQL (generate_series, or a recursive query on SQLite). Besides the
seconds, which another load changes, the pages that a query touches are counted (PostgreSQL), or hundreds of
steps of the database's own machine (SQLite): those tell on any machine. Of each the median of five.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from clinic.clock import Clock
from clinic.gateway.received import Receipt
from clinic.gateway.rehearsal import RehearsalGateway
from clinic.message.eligibility.contact import recently_contacted
from clinic.message.eligibility.same_text import had_the_same
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.outreach import Filter, count_sent, list_waiting, outreach_card
from clinic.message.outcomes.report import list_campaigns, show_campaign
from clinic.message.prepare.due import due_campaigns
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import patient
from clinic.settings import Contact
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, make_ledger
from tests.servers.postgres import running_server

WEEKS = 52
TIMES = 5
BAR = 2.0  # of what it costs with three weeks
NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
# Each patient's own: where all have one number, PostgreSQL expects to find everybody by it, and reads them all
_MOBILE = "'+44' || CAST(7400000000 + n AS VARCHAR(10))"
_COUNT = Template("WITH series AS (SELECT n FROM generate_series(1, $count) AS n)")
_COUNT_SQLITE = Template(
    "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < $count)"
)
_PATIENTS = Template(
    "INSERT INTO patient (id, given_name, family_name, nhs_number, mobile) $series "
    "SELECT n, 'Given', 'Family', CAST(9000000000 + n AS VARCHAR(10)), $mobile FROM series"
)
# One in fifty failed in the network, one in 33 at the gateway
_MESSAGES = Template(
    "INSERT INTO message (id, campaign_id, batch_id, patient_id, row_number, channel, address, body, state, "
    "gateway_ref, sent_at, status_at) $series "
    "SELECT $base + n, $number, $first + 1 + (n - 1) / 1000, n, n, 'sms', $mobile, "
    "'The surgery is closed on Friday. This is message ' || n, "
    "CASE WHEN n % 50 = 0 THEN 'undelivered' WHEN n % 33 = 0 THEN 'rejected' ELSE 'delivered' END, "
    "'g' || n, $at, $at FROM series"
)
_BATCHES = Template(
    "INSERT INTO batch (id, campaign_id, number, state, size, accepted, saved, settled) $batches "
    "SELECT $first + n, $number, n, 'done', 1000, 1000, true, true FROM series"
)
_ITEMS = Template(
    "INSERT INTO clinical_item (id, patient_id, campaign_id, channel, status, sent_at, status_at) $series "
    "SELECT $base + n, n, $number, 'sms', 'sent', $at, $at FROM series"
)
_ROWS = Template(
    "INSERT INTO recipient (campaign_id, row_number, patient_id, outcome, address) $series "
    "SELECT $number, n, n, 'accepted', $mobile FROM series"
)
_RECEIPTS = Template(
    "INSERT INTO receipt_inbox (gateway, event_id, reference, outcome, received_at, state) $series "
    "SELECT 'http-sms', '$number-' || n, $base + n, 'delivered', $at, 'applied' FROM series"
)


@dataclass(frozen=True)
class Size:
    """messages: of the year; each week has as many as any other."""

    messages: int

    @property
    def a_week(self) -> int:
        return self.messages // WEEKS

    @property
    def patients(self) -> int:
        """Each has one a week."""
        return max(2_000, self.a_week)


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time, and pages of the database that were touched, or hundreds of its steps."""

    seconds: float
    pages: int


class Steps:
    """How many hundreds of steps SQLite took, in all records."""

    def __init__(self) -> None:
        self.hundreds = 0

    def note(self) -> int:
        """Called after every hundred; 0: go on."""
        self.hundreds += 1
        return 0

    def watch(self, connection: Any, *_: Any) -> None:
        """Count this connection's."""
        connection.set_progress_handler(self.note, 100)


_steps = Steps()


@contextmanager
def fresh(database: str) -> Iterator[Record]:
    """An empty record."""
    with tempfile.TemporaryDirectory(prefix="cohort-history-") as folder:
        if database == "sqlite":
            record = Record.open(f"sqlite:///{folder}/record.db")
            migrate(record)
            event.listen(record.engine, "checkout", _steps.watch)
            yield record
            record.close()
            return
        with running_server(in_memory=False) as server:
            record = Record.open(server.url)
            migrate(record)
            yield record
            record.close()


def fill_patients(record: Record, size: Size) -> None:
    """Patients 1 to the last, alive, with a mobile each."""
    series = _series(record, size.patients)
    _run(record, _PATIENTS.substitute(series=series, mobile=_MOBILE))


def fill_week(record: Record, size: Size, week: int) -> int:
    """One campaign of a week, sent, saved and reconciled; its number."""
    at = NOW - timedelta(weeks=week, hours=3)
    number = add_campaign(
        record, FakeClock(at), 0, state="completed", finished_at=at + timedelta(hours=1),
        send_guard=f"week-{week}", gateway="http-sms",
    )  # fmt: skip
    values = {
        "series": _series(record, size.a_week), "number": number, "base": _base(record, number),
        "first": number << 20, "at": _stamp(record, at), "mobile": _MOBILE,
        "batches": _series(record, -(-size.a_week // 1000)),
    }  # fmt: skip
    # Of the newest week alone: what is looked up by its key costs the same however much of it there is
    for into in (_MESSAGES, _BATCHES, *(() if week else (_ITEMS, _ROWS, _RECEIPTS))):
        _run(record, into.substitute(values))
    with record.write() as connection:
        own = campaign.c.id == number
        connection.execute(sa.update(campaign).where(own).values(rows=size.a_week))
    return number


def fill_three_weeks(record: Record, size: Size) -> None:
    """The newest, and the two that a rule of fourteen days looks at besides."""
    for week in (2, 1, 0):
        fill_week(record, size, week)


def fill_year(record: Record, size: Size) -> None:
    """All weeks, the oldest first. The indexes are made at the end: so it takes a third of the time."""
    later = _drop_indexes(record)
    for week in range(WEEKS - 1, 0, -1):
        fill_week(record, size, week)
    for statement in later:
        _run(record, statement)
    fill_week(record, size, 0)


def _drop_indexes(record: Record) -> list[str]:
    """Those of `message` but its constraints' own; the statements that make them again."""
    if _is_sqlite(record):
        query = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'message' AND name LIKE 'ix%'"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'message' AND indexname ~ '^ix_'"
    with record.write() as connection:
        found = connection.execute(sa.text(query)).all()
        for name, _ in found:
            connection.execute(sa.text(f"DROP INDEX {name}"))
    return [made for _, made in found]


def measures(record: Record, folder: Path, latest: int) -> dict[str, Callable[[], object]]:
    """What is measured, by its name. latest: the campaign of this week."""
    clock, contact = FakeClock(NOW), Contact()
    some = sa.select(patient.c.id).where(patient.c.id.between(501, 1_500))
    week = Filter(sent_from=NOW - timedelta(days=7))
    base = _base(record, latest)
    turns = iter(range(1_000_000))

    def capped() -> object:
        with record.read() as connection:
            return connection.execute(recently_contacted(contact, some, NOW)).all()

    def same() -> object:
        with record.read() as connection:
            return had_the_same(connection, latest, contact, range(501, 1_501), NOW)

    def receipts() -> object:
        turn = next(turns)
        said = [
            Receipt("http-sms", f"late-{turn}-{n}", base + n, "delivered") for n in range(1, 1_001)
        ]
        keep_receipts(record, clock, said)
        return apply_receipts(record, clock)

    return {
        "show": lambda: show_campaign(record, latest),
        "campaigns": lambda: list_campaigns(record, limit=1),
        "patient": lambda: (outreach_card(record, 700), list_waiting(record, 700)),
        "report of the week": lambda: count_sent(record, week),
        "frequency cap, 1,000 patients": capped,
        "same text, 1,000 patients": same,
        "1,000 receipts": receipts,
        "due": lambda: due_campaigns(record, NOW),
        "sending 1,000": lambda: _send(record, clock, folder),
    }


def _send(record: Record, clock: Clock, folder: Path) -> None:
    number = add_campaign(record, clock, 1_000, gateway="http-sms", dry_run=True)
    ledger = make_ledger(record, clock, folder)
    deliver(ledger, RehearsalGateway("sms", batch_limit=1000, per_request=1000), number, 1, 1)
    ledger.worker.close()


def measure(record: Record, what: Callable[[], object]) -> Cost:
    """The median of five, after one that nobody counts."""
    what()
    costs: list[Cost] = []
    for _ in range(TIMES):
        before, began = _pages(record), time.perf_counter()
        what()
        seconds = time.perf_counter() - began
        costs.append(Cost(seconds, _pages(record) - before))
    return Cost(
        statistics.median(one.seconds for one in costs),
        int(statistics.median(one.pages for one in costs)),
    )


def compare(database: str, size: Size) -> dict[str, tuple[Cost, Cost]]:
    """What each costs with three weeks of messages, and with a year of them."""
    small = _measured(database, size, lambda record: fill_three_weeks(record, size))
    large = _measured(database, size, lambda record: fill_year(record, size))
    return {name: (small[name], large[name]) for name in small}


def _measured(database: str, size: Size, fill: Callable[[Record], object]) -> dict[str, Cost]:
    with fresh(database) as record, tempfile.TemporaryDirectory() as folder:
        fill_patients(record, size)
        fill(record)
        _count(record)
        return measure_all(record, Path(folder))


def measure_all(record: Record, folder: Path) -> dict[str, Cost]:
    """Each, of the newest campaign."""
    with record.read() as connection:
        latest = int(connection.scalar(sa.select(sa.func.max(campaign.c.id))) or 0)
    return {name: measure(record, what) for name, what in measures(record, folder, latest).items()}


def _base(record: Record, number: int) -> int:
    with record.read() as connection:
        query = sa.select(campaign.c.message_base).where(campaign.c.id == number)
        return int(connection.scalar(query) or 0)


def _is_sqlite(record: Record) -> bool:
    return record.engine.dialect.name == "sqlite"


def _series(record: Record, count: int) -> str:
    """`series(n)`: 1 to `count`."""
    return (_COUNT_SQLITE if _is_sqlite(record) else _COUNT).substitute(count=count)


def _stamp(record: Record, at: datetime) -> str:
    """An instant as this database keeps it."""
    if _is_sqlite(record):
        return f"'{at:%Y-%m-%d %H:%M:%S}.000000'"
    return f"TIMESTAMPTZ '{at.isoformat()}'"


def _run(record: Record, statement: str) -> None:
    with record.write() as connection:
        connection.execute(sa.text(statement))


def _count(record: Record) -> None:
    """As autovacuum does by and by."""
    engine = record.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        words = ("ANALYZE",) if _is_sqlite(record) else ("VACUUM ANALYZE",)
        for word in words:
            connection.exec_driver_sql(word)


def _pages(record: Record) -> int:
    """Pages touched by all so far; on SQLite, which does not count them, its steps."""
    if _is_sqlite(record):
        return _steps.hundreds
    with record.read() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with record.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(found.scalar() or 0)


def main() -> None:
    """Print what each costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    options = parser.parse_args()
    found = compare(options.database, Size(options.messages))
    for name, (small, large) in found.items():
        ratio = large.seconds / small.seconds
        pages, times = f"{small.pages:,} → {large.pages:,}", large.pages / max(1, small.pages)
        unit = "pages" if options.database == "postgresql" else "hundred steps"
        seconds = f"{1e3 * small.seconds:9.2f} ms → {1e3 * large.seconds:9.2f} ms  ×{ratio:.2f}"
        print(f"{name:32} {seconds}  {pages} {unit}  ×{times:.2f}")


if __name__ == "__main__":
    main()
