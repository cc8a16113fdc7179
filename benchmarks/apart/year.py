"""
The simulated year at full size: 200 campaigns, faults of every kind, many seeds.

    python -m benchmarks.apart.year --campaigns 200 --people 1000 --seeds 3

Prints a line a seed; a fault ends it with exit code 1 and the seed to reproduce it from.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.simulation.year import Result, Year


def main() -> int:
    """Live the years; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    asked = parser.parse_args()
    for seed in range(asked.first, asked.first + asked.seeds):
        begun = time.process_time()
        result = live(seed, campaigns=asked.campaigns, people=asked.people)
        seconds = time.process_time() - begun
        print(
            f"seed {seed}: {result.messages:,} messages, {result.arrived:,} arrived, "
            f"{result.kills:,} kills, {result.receipts:,} receipts, {dict(result.outcomes)}, "
            f"receipts {dict(result.inbox)}, {len(result.faults)} faults, {seconds:,.0f} s of CPU",
            flush=True,
        )
        if result.faults:
            print(*result.faults[:20], sep="\n")
            return 1
    return 0


def live(seed: int, *, campaigns: int, people: int) -> Result:
    """One year in a record of its own."""
    with tempfile.TemporaryDirectory() as folder:
        record = Record.open(f"sqlite:///{folder}/record.db")
        migrate(record)
        year = Year(record, Path(folder), seed=seed, campaigns=campaigns, people=people)
        result = year.run()
        record.close()
    return result


if __name__ == "__main__":
    sys.exit(main())
