"""Whoever is interrupted or killed leaves no query behind on PostgreSQL, nor its locks."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from tests.servers.postgres_copies import Copies

SOON = 120  # seconds; it takes three

# Both hold a lock on all tags meanwhile; one waits, the other reckons
QUERIES = {
    "waits": "SELECT pg_sleep(3600)",
    "reckons": "SELECT count(*) FROM generate_series(1, 1000000000000) AS n WHERE mod(n, 2) = 3",
}
CLIENT = """
import sys
from clinic.record.database import Record
with Record.open(sys.argv[1]).write() as connection:
    connection.exec_driver_sql("LOCK TABLE tag IN EXCLUSIVE MODE")
    print("begun", flush=True)
    connection.exec_driver_sql(sys.argv[2])
"""


@pytest.fixture
def url(postgres_copies: Copies) -> Iterator[str]:
    with postgres_copies.empty() as url:
        yield url


def running(record: Record) -> int:
    """Queries of others in this database."""
    others = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state = 'active'"
    )
    with record.read() as connection:
        return int(connection.scalar(others) or 0)


def until(record: Record, count: int) -> bool:
    """Whether so many queries run before long."""
    end = time.monotonic() + SOON
    while running(record) != count:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("query", QUERIES)
def test_nothing_runs_on_for_who_is_gone(url: str, how: signal.Signals, query: str) -> None:
    """Ctrl-C, the end of a session, a kill: its locks are free for the next."""
    record = Record.open(url)
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, url, QUERIES[query]],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert client.stdout is not None
    assert client.stdout.readline() == b"begun\n"
    assert until(record, 1)
    client.send_signal(how)
    client.wait()
    client.stdout.close()
    assert until(record, 0)
    with record.write() as connection:
        connection.exec_driver_sql("LOCK TABLE tag IN EXCLUSIVE MODE NOWAIT")
    record.close()
