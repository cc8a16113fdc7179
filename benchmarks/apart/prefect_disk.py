"""
What runs cost of the disk beside the record: Prefect's database and the log. Prints bytes a run, what a week
adds, and what it comes to in a year, once as much is removed as is written.

    python -m benchmarks.apart.prefect_disk [settles]      # 4; a real server and worker in a temporary home

Measured is one run of each kind; multiplied is how many there are a day, and for how long each part is kept
(tasks/processes/environment.py, tasks/runs/old_runs.py, tasks/processes/log_file.py).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.people import fill
from clinic.settings import Settings
from tasks.processes.log_file import KEPT, MOST_BYTES
from tests.servers.prefect_server import free_port

RECIPIENTS: Final = 1_000
# A practice's day: settle by the clock; four campaigns, an operation and the reminders beside it
SETTLES, OTHERS, WEEK = 288, 6, 7
KEPT_DAYS = Settings().prefect_keep_days
EVENTS_HOURS, SETTLE_HOURS, VACUUM_HOURS = 0.5, 1.0, 0.25
PLAIN_LOG, PACKED = (
    2 * MOST_BYTES,
    8,
)  # two files of the log are as they were written, older ones an eighth
LONGEST_LOG = MOST_BYTES * (KEPT + 1)
QUIET: Final = (
    12.0  # seconds: the server writes a second behind, and the worker tells what it ended
)
PRACTICES: Final = 40


@dataclass(frozen=True)
class Size:
    """Bytes in use: `events` and `runs` of Prefect's database, and the log's; and how often settle has run."""

    events: float
    runs: float
    log: float
    settles: int

    def __sub__(self, other: Size) -> Size:
        return Size(
            self.events - other.events, self.runs - other.runs, self.log - other.log,
            self.settles - other.settles,
        )  # fmt: skip

    def each(self) -> Size:
        """Of one run of settle: the schedule may have run it besides."""
        count = self.settles
        return Size(self.events / count, self.runs / count, self.log / count, 1)

    def without(self, settle: Size) -> Size:
        """What is not the runs of settle that came between."""
        count = self.settles
        return Size(
            self.events - count * settle.events, self.runs - count * settle.runs,
            self.log - count * settle.log, 0,
        )  # fmt: skip


class Home:
    """An installation with server and worker, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "COHORT_HOME": str(folder / "home"),
            "COHORT_NOTES_FOLDER": str(folder / "notes"),
            "COHORT_CONFIG": os.devnull,
            "COHORT_PREFECT_PORT": str(free_port()),
            "COHORT_ORGANISATION__ID_SCHEME": "emis",
            "COHORT_OUTBOX": "true",
            "COHORT_PHONES__TEST_RANGE": "true",
        }

    def cohort(self, *words: str) -> None:
        """Type a command."""
        program = str(Path(sys.executable).with_name("cohort"))
        subprocess.run(
            [program, *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip

    def settle(self) -> None:
        """One run of settle by the worker, to its end."""
        program = [sys.executable, "-m", "benchmarks.apart.prefect_disk", "--settle"]
        subprocess.run(program, env=self.environment, check=True)

    def size(self) -> Size:
        """Now, or as soon as nothing is written any more."""
        time.sleep(QUIET)
        database = self.folder / "home" / "prefect" / "prefect.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as read:
            tables = read.execute(
                "SELECT m.tbl_name, sum(s.pgsize - s.unused) FROM dbstat s "
                "JOIN sqlite_master m ON m.name = s.name GROUP BY 1"
            ).fetchall()
            (settles,) = read.execute(
                "SELECT count(*) FROM flow_run WHERE name = 'settle' AND state_type = 'COMPLETED'"
            ).fetchone()
        used = dict(tables)
        events = sum(used.get(name, 0) for name in ("events", "event_resources"))
        log = sum(path.stat().st_size for path in (self.folder / "home" / "logs").iterdir())
        return Size(events, sum(used.values()) - events, log, settles)

    def beside_the_record(self) -> int:
        """Bytes of all files of the home but the record's."""
        paths = [path for path in (self.folder / "home").rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in paths if not path.name.startswith("record.db"))


def measure(settles: int) -> None:
    """Run each kind, and print."""
    with tempfile.TemporaryDirectory(prefix="cohort-disk-") as folder:
        home = Home(Path(folder))
        (Path(folder) / "home").mkdir(mode=0o700)
        people = fill(f"sqlite:///{folder}/home/record.db", RECIPIENTS, Path(folder))
        home.cohort("init", "--yes")
        home.cohort("server", "start")
        try:
            home.settle()  # what only the first does is no matter
            first, empty = home.size(), home.beside_the_record()
            for _ in range(settles):
                home.settle()
            second = home.size()
            home.cohort("message", str(people), "--name", "Disk", "--template", "bench", "--yes")
            third = home.size()
        finally:
            home.cohort("server", "stop")
    settle = (second - first).each()
    show(empty, settle, (third - second).without(settle))


def show(empty: int, settle: Size, campaign: Size) -> None:
    """What was measured, and what it comes to."""
    print(f"a home without runs, record aside      {empty / 1e6:8.2f} MB")
    for name, size in (("a run of settle", settle), (f"a campaign of {RECIPIENTS:,}", campaign)):
        print(
            f"{name:38} {(size.events + size.runs) / 1e3:8,.0f} KB of Prefect's database, "
            f"of which events {size.events / 1e3:,.0f}; {size.log / 1e3:,.1f} KB of log"
        )
    written = SETTLES * (settle.events + settle.runs) + OTHERS * (campaign.events + campaign.runs)
    print(f"written a day, were nothing removed    {written / 1e6:8,.0f} MB")
    for name, days in (("a week", WEEK), ("a year", 365)):
        events, runs, log = grown(settle, campaign, days)
        more = events + runs + log
        print(
            f"more after {name}: events {events / 1e6:.1f}, runs {runs / 1e6:.1f}, log {log / 1e6:.1f} MB"
        )
        print(f"{PRACTICES} practices, more after {name:14} {PRACTICES * more / 1e6:8,.0f} MB")
        print(f"  all beside the record                {PRACTICES * (empty + more) / 1e6:8,.0f} MB")


def grown(settle: Size, campaign: Size, days: int) -> tuple[float, float, float]:
    """Bytes of events, runs and log that are there after so many days."""
    events = (EVENTS_HOURS + VACUUM_HOURS) / 24 * SETTLES * settle.events + OTHERS * campaign.events
    kept = min(days, KEPT_DAYS)
    runs = SETTLE_HOURS / 24 * SETTLES * settle.runs + kept * OTHERS * campaign.runs
    log = min(days * (SETTLES * settle.log + OTHERS * campaign.log), LONGEST_LOG)
    return events, runs, min(log, PLAIN_LOG) + max(log - PLAIN_LOG, 0) / PACKED


def settle_once() -> None:
    """Start a run of settle as the schedule does, and wait for its end."""
    from clinic.settings import load_settings
    from tasks.processes.environment import apply_environment

    settings = load_settings()
    apply_environment(settings)
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        (wanted,) = [one for one in client.read_deployments() if one.name.startswith("settle (")]
        while True:
            run = client.create_flow_run_from_deployment(wanted.id)
            while (state := client.read_flow_run(run.id).state) is None or not state.is_final():
                time.sleep(1)
            if not state.is_cancelled():  # one of the schedule's was at it
                break
            time.sleep(5)
    if not state.is_completed():
        raise SystemExit(f"settle ended as {state.name}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--settle"]:
        settle_once()
    else:
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
