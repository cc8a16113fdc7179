"""
What the access log costs a command that only looks: python -m benchmarks.apart.looks [patients]

    cohort report, cohort patient     CPU seconds of the whole process, the least of five rounds
    the log                           of these: importing it, the transaction, the way to the disk

The log's share is measured inside the process, around the one call that writes it (cli/looks/noting.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.migrate import migrate
from tests.ledgers import add_campaign, add_patients

ROUNDS = 5
LEAST = "9990000018"
_TIMED = """
import sys, time
from cli.looks import noting
spent, own = 0.0, noting.looked
def looked(*given, **named):
    global spent
    began = time.process_time()
    own(*given, **named)
    spent += time.process_time() - began
noting.looked = looked
from cli.program import app
try:
    app(sys.argv[1:])
finally:
    print("CPU", spent, time.process_time(), file=sys.stderr)
"""


def measure(home: Path, *words: str) -> tuple[float, float]:
    """CPU seconds of the log, and of all of it: the round with the least."""
    environment = {**os.environ, "COHORT_HOME": str(home), "COHORT_CONFIG": os.devnull}
    found = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", _TIMED, *words],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        _, spent, whole = done.stderr.strip().splitlines()[-1].split()
        found.append((float(spent), float(whole)))
    return min(found, key=lambda each: each[1])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        record = Record.open(f"sqlite:///{home / 'record.db'}")
        migrate(record)
        clock = SystemClock()
        add_patients(record, count)
        add_campaign(record, clock, count)
        install(record, clock)
        with record.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE patient SET nhs_number = '{LEAST}' WHERE id = 1"  # noqa: S608  our own
            )
            connection.exec_driver_sql("UPDATE message SET state = 'delivered'")
        record.close()
        told = {}
        for name, words in {
            "patient": ("patient", LEAST, "--reason", "care"),
            "report": ("report",),
            "report to a file": ("report", "--csv", str(home / "sent.csv")),
        }.items():
            spent, whole = measure(home, *words)
            told[name] = {
                "cpu_ms": round(whole * 1000, 1),
                "log_ms": round(spent * 1000, 2),
                "share": round(spent / (whole - spent), 4),
            }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
