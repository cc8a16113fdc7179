"""Applies an operation in a process of its own, to be killed (tests/clinic/change/run/test_kills.py)."""

from __future__ import annotations

from multiprocessing.connection import Connection

from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.clock import SystemClock
from clinic.record.database import Record
from tests.clinic.change.practice import SETTINGS


def apply_when_told(url: str, operation_id: int, told: Connection) -> None:
    """Say that all is loaded, wait for a word, then work to the end."""
    record, clock = Record.open(url), SystemClock()
    told.send("ready")
    told.recv()
    begin(record, clock, operation_id)
    for number in chunks_left(record, operation_id):
        apply_chunk(record, clock, operation_id, number)
    finish(record, clock, SETTINGS, operation_id)
    record.close()
