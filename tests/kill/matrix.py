"""
The full kill matrix: `make kill-matrix`. Takes some twelve minutes on two cores that are free.

    every point × hits 1, 2, 5 × gateway class I, B × SQLite, PostgreSQL      no other faults
    50 random instants × class I, B × SQLite, PostgreSQL                      a gateway that misbehaves
    every point and 10 random runs over SMPP × SQLite, PostgreSQL            an SMSC that misbehaves
    the database restarted 6 times in mid-send × class I, B × PostgreSQL      tests/kill/outages.py
    the Prefect server killed in mid-send × class I, B × SQLite, PostgreSQL   tests/kill/outages.py

A part alone: `python -m tests.kill.matrix restarts`; of one way alone: `… points sqlite B`. Each over a
campaign of 5,000 messages. An instant counts when it found the job alive. Prints a line a row and a table at
the end; exits with 1 if anybody was messaged twice or lost, or if anything is unknown that need not be: with
a class I gateway, or where nobody was killed.
"""

from __future__ import annotations

import itertools
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.kill.harness import POINTS, Fate, finish, judge, kill_at, kill_within, prepare
from tests.kill.job import Job
from tests.kill.outages import prefect_dies, restart_database
from tests.kill.smpp_kills import kill_over_smpp
from tests.servers.postgres import running_postgres, running_server
from tests.servers.recorder import running_gateway

PEOPLE = 5_000
RANDOM_KILLS = 50  # of each database and gateway class
TRIES_A_RUN = 5
INSTANT = 0.8  # seconds: a job that is not killed takes about one


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
                kills = sum(kill_within(job, rng, seconds=INSTANT) for _ in range(TRIES_A_RUN))
            finish(job)
            return judge(url, gateway.report().taken, people=PEOPLE, kills=kills)


WAYS = [(d, c) for d in ("sqlite", "postgresql") for c in ("I", "B")]
PARTS = ("points", "instants", "smpp", "restarts", "prefect")
RESTARTS = 6
SMPP_RUNS = 10  # at random instants, of each database


class Matrix:
    """Runs, prints a line of each, and keeps the sums."""

    def __init__(self, server: str, ways: Sequence[tuple[str, str]] = WAYS) -> None:
        self._server = server
        self._ways = ways
        self._console = Console(width=None if sys.stdout.isatty() else 120)
        self._totals: dict[tuple[str, str, str], Counter[str]] = {}
        self.faulty = 0

    def points(self) -> None:
        """Every point of the ledger, at its first, second and fifth time."""
        for database, gateway_class in self._ways:
            for point in POINTS:
                for hit in (1, 2, 5):
                    self._run(database, gateway_class, seed=0, point=point, hit=hit)

    def instants(self) -> None:
        """At random instants, until so many found the job alive."""
        for database, gateway_class in self._ways:
            seeds = itertools.count()
            while (
                self._totals.get((database, gateway_class, "instants"), {}).get("kills", 0)
                < RANDOM_KILLS
            ):
                self._run(database, gateway_class, seed=next(seeds), point="", hit=0)

    def _run(self, database: str, gateway_class: str, *, seed: int, point: str, hit: int) -> None:
        fate = run(database, self._server, gateway_class, seed=seed, point=point, hit=hit)
        name = f"{point}#{hit}" if point else f"random, seed {seed}"
        self._note(database, gateway_class, "points" if point else "instants", name, fate)

    def smpp(self) -> None:
        """Over SMPP: every point once, and random instants beside an SMSC that drops, refuses and is silent."""
        for database in sorted({d for d, c in self._ways if c == "B"}):
            for number in range(len(POINTS) + SMPP_RUNS):
                point = POINTS[number] if number < len(POINTS) else ""
                with fresh_record(database, self._server) as (url, folder):
                    fate = kill_over_smpp(url, folder, people=PEOPLE, seed=number, point=point)
                self._note(database, "B", "smpp", point or f"random, seed {number}", fate)

    def restarts(self) -> None:
        """The database is restarted while a campaign is sent; nobody is killed, and nothing may be unknown."""
        for gateway_class in sorted({c for d, c in self._ways if d == "postgresql"}):
            fate = restart_database(
                gateway_class, people=PEOPLE, times=RESTARTS, folder=Path(tempfile.mkdtemp())
            )
            self._note(
                "postgresql", gateway_class, "restarts", f"{RESTARTS} restarts", fate, strict=True
            )

    def prefect(self) -> None:
        """Prefect's server is killed while `cohort message` sends: it goes on, and nothing may be unknown."""
        for database, gateway_class in self._ways:
            # The programs refuse a server that is not durable, as the other parts' is
            with (
                running_server(durable=True) as own,
                fresh_record(database, own.url) as (url, folder),
            ):
                fate = prefect_dies(url, folder, gateway_class, people=PEOPLE)
            self._note(database, gateway_class, "prefect", "server killed", fate, strict=True)

    def _note(
        self,
        database: str,
        gateway_class: str,
        part: str,
        name: str,
        fate: Fate,
        *,
        strict: bool = False,
    ) -> None:
        bad = not fate.is_clean or ((strict or gateway_class == "I") and fate.unknown > 0)
        self.faulty += bad
        verdict = "FAULT" if bad else "ok"
        self._console.print(f"{database} {gateway_class} {name}: {verdict} {fate}")
        key = (database, gateway_class, part)
        total = self._totals.setdefault(key, Counter())
        total.update(runs=1, kills=fate.kills, doubled=fate.doubled, lost=fate.lost)
        total.update(unknown=fate.unknown, uncounted=fate.uncounted, unsaved=fate.unsaved)

    def show(self) -> None:
        """The table of sums."""
        columns = ("runs", "kills", "doubled", "lost", "unknown", "uncounted", "unsaved")
        table = Table("database", "class", "kills at", *columns, title=f"{PEOPLE:,} messages a run")
        for key, total in self._totals.items():
            table.add_row(*key, *(f"{total[name]:,}" for name in columns))
        self._console.print(table)


def main(*words: str) -> int:
    """Run all of it, or the parts and ways that are named; the exit code."""
    ways = [way for way in WAYS if all(word in (*PARTS, *way) for word in words)]
    with running_postgres() as server:
        matrix = Matrix(server, ways)
        for part in [part for part in PARTS if part in words] or PARTS:
            getattr(matrix, part)()
    matrix.show()
    return int(matrix.faulty > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
