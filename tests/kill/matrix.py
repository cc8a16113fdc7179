"""
The full kill matrix: `make kill-matrix`. Takes the better part of an hour on two cores.

    every point × hits 1, 2, 5 × gateway class I, B × SQLite, PostgreSQL      no other faults
    200 random instants × class I, B × SQLite, PostgreSQL in turn             a gateway that misbehaves

Each over a campaign of 5,000 messages. Prints a line a row and a table at the end; exits with 1 if
anybody was messaged twice or lost, or if a class I gateway left anything unknown.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.kill.harness import POINTS, Fate, finish, judge, kill_at, kill_within, prepare
from tests.kill.job import Job
from tests.postgres import running_postgres
from tests.servers.recorder import running_gateway

PEOPLE = 5_000
RANDOM_KILLS = 200
KILLS_A_RUN = 5


@contextmanager
def fresh_record(database: str, server: str) -> Iterator[tuple[str, Path]]:
    """An empty, migrated record, and a folder, for one run."""
    folder = Path(tempfile.mkdtemp(prefix="cohort-kill-"))
    url = f"sqlite:///{folder / 'record.db'}"
    if database == "postgresql":
        name = f"kill_{time.monotonic_ns()}"
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        url = server.rsplit("/", 1)[0] + f"/{name}"
    record = Record.open(url)
    migrate(record)
    record.close()
    try:
        yield url, folder
    finally:
        shutil.rmtree(folder)


def run(database: str, server: str, gateway_class: str, *, seed: int, point: str, hit: int) -> Fate:
    """One campaign, killed at a point, or (no point) at random instants; then run to its end."""
    with fresh_record(database, server) as (url, folder):
        file = prepare(url, folder, PEOPLE)
        faults = "none" if point else "mix"
        with running_gateway(mode=gateway_class, faults=faults, seed=seed, late_ms=1500) as gateway:
            job = Job(
                url=url, home=str(folder), file=str(file), gateway=gateway.url,
                gateway_class=gateway_class, point=point, hit=hit,
            )  # fmt: skip
            rng = random.Random(seed)
            if point:
                kills = kill_at(job)
            else:
                kills = sum(kill_within(job, rng, seconds=1.5) for _ in range(KILLS_A_RUN))
            finish(job)
            return judge(url, gateway.report().taken, people=PEOPLE, kills=kills)


def plans() -> Iterator[tuple[str, str, int, str, int]]:
    """(database, class, seed, point, hit) of every run."""
    ways = [(d, c) for d in ("sqlite", "postgresql") for c in ("I", "B")]
    for database, gateway_class in ways:
        for point in POINTS:
            for hit in (1, 2, 5):
                yield database, gateway_class, 0, point, hit
    for seed in range(RANDOM_KILLS // KILLS_A_RUN):
        database, gateway_class = ways[seed % len(ways)]
        yield database, gateway_class, seed, "", 0


def main() -> int:
    """Run all of it; the exit code."""
    console = Console()
    totals: dict[tuple[str, str, str], Counter[str]] = {}
    faulty = 0
    with running_postgres() as server:
        for database, gateway_class, seed, point, hit in plans():
            fate = run(database, server, gateway_class, seed=seed, point=point, hit=hit)
            bad = not fate.is_clean or (gateway_class == "I" and fate.unknown > 0)
            faulty += bad
            name = f"{point}#{hit}" if point else f"random, seed {seed}"
            console.print(f"{database} {gateway_class} {name}: {'FAULT' if bad else 'ok'} {fate}")
            key = (database, gateway_class, "points" if point else "random")
            total = totals.setdefault(key, Counter())
            total.update(runs=1, kills=fate.kills, doubled=fate.doubled, lost=fate.lost)
            total.update(unknown=fate.unknown, uncounted=fate.uncounted, unsaved=fate.unsaved)
    columns = ("runs", "kills", "doubled", "lost", "unknown", "uncounted", "unsaved")
    table = Table("database", "class", "kills at", *columns, title=f"{PEOPLE:,} messages a run")
    for key, total in totals.items():
        table.add_row(*key, *(f"{total[name]:,}" for name in columns))
    console.print(table)
    return int(faulty > 0)


if __name__ == "__main__":
    sys.exit(main())
