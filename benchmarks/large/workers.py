"""
One campaign sent by one, two and four processes from one PostgreSQL: what each more of them brings.

    python -m benchmarks.large.workers [--people 20000] [--processes 1,2,4] [--latency-ms 20]

Wall time tells on a machine with as many free processors as processes. On any machine tells the processor time
of a message, of the processes and of PostgreSQL, which should not grow with their number.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.kill.harness import judge, prepare
from tests.kill.job import Job
from tests.kill.many import Share, release, send, share_of
from tests.processes import processes
from tests.servers.postgres import running_server
from tests.servers.recorder import running_gateway


@dataclass(frozen=True)
class Sent:
    """seconds: of wall time; own_ms, database_ms: processor milliseconds a message."""

    count: int
    people: int
    seconds: float
    own_ms: float
    database_ms: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.people / self.seconds


def measure(count: int, people: int, latency_ms: float) -> Sent:
    """Send a campaign with so many processes; everybody must have it once."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server() as server,
        running_gateway(mode="I", latency_ms=latency_ms) as gateway,
    ):
        record = Record.open(server.url)
        migrate(record)
        record.close()
        file = prepare(server.url, Path(folder), people)
        job = Job(
            url=server.url, home=folder, file=str(file), gateway=gateway.url, gateway_class="I",
            batch_size=500, per_request=100, timeout_seconds=30,
        )  # fmt: skip
        share = share_of(job)
        number = release(share)
        answers: Queue[float] = processes.Queue()
        before, began = _database_seconds(server.url), time.perf_counter()
        running = [
            processes.Process(target=_timed, args=(share, number, answers)) for _ in range(count)
        ]
        for one in running:
            one.start()
        own = sum(answers.get(timeout=1_800) for _ in running)
        seconds = time.perf_counter() - began
        for one in running:
            one.join()
        database = _database_seconds(server.url) - before
        fate = judge(server.url, gateway.report().taken, people=people, kills=0)
        if fate.doubled or fate.lost:
            raise RuntimeError(f"nobody twice and nobody lost, but {fate}")
        return Sent(count, people, seconds, 1e3 * own / people, 1e3 * database / people)


def _timed(share: Share, number: int, answers: Queue[float]) -> None:
    began = time.process_time()
    send(share, number)
    answers.put(time.process_time() - began)


def _database_seconds(url: str) -> float:
    """Processor seconds of PostgreSQL and of every process of its that has ended."""
    engine = sa.create_engine(url)
    engine.dispose()
    port = f"port={make_url(url).port}".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if port in words and words[0].endswith(b"postgres"):
            fields = path.with_name("stat").read_text().rsplit(")", 1)[1].split()
            return sum(map(int, fields[11:15])) / 100
    return 0.0


def compare(counts: Iterable[int], people: int, latency_ms: float) -> list[Sent]:
    """One after the other."""
    return [measure(count, people, latency_ms) for count in counts]


def main() -> None:
    """Print what each number of processes does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--latency-ms", type=float, default=20)
    options = parser.parse_args()
    counts = [int(one) for one in options.processes.split(",")]
    for one in compare(counts, options.people, options.latency_ms):
        print(
            f"{one.count} processes: {one.rate:8,.0f} messages a second; a message costs "
            f"{one.own_ms:.3f} ms of theirs and {one.database_ms:.3f} ms of PostgreSQL's processor time"
        )


if __name__ == "__main__":
    main()
