"""Applies an operation in a process of its own, to be killed (tests/clinic/change/test_kills.py)."""

from __future__ import annotations

import sys

from clinic.change.apply import apply_chunk, begin, chunks_left
from clinic.change.finish import finish
from clinic.clock import SystemClock
from clinic.record.database import Record
from tests.clinic.change.practice import SETTINGS


def main(url: str, operation_id: int) -> None:
    """Say that all is loaded, wait for a line, then work to the end."""
    record, clock = Record.open(url), SystemClock()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begin(record, clock, operation_id)
    for number in chunks_left(record, operation_id):
        apply_chunk(record, clock, operation_id, number)
    finish(record, clock, SETTINGS, operation_id)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
