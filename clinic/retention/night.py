"""
The plan of a night, and the night: what is due of each class; copies go, records wait for two people.

    plan(record, …)    nothing is removed
    purge(record, …)   every night, and `cohort retention run`: again it does what is left

Each class is removed in blocks of its own, so that nobody waits for it and a kill costs nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from clinic.clock import Clock
from clinic.record.database import Record
from clinic.retention.copies.files import plan_files, remove_files
from clinic.retention.copies.list_rows import due_lists, empty_list, plan_lists
from clinic.retention.copies.outbox import empty_outbox, plan_outbox
from clinic.retention.decided import CLASSES, finish_all
from clinic.retention.due import Due
from clinic.settings import Settings


def plan(record: Record, settings: Settings, now: datetime) -> list[Due]:
    """What is due at that time, class by class; a class of which nothing is due is there too."""
    own = settings.retention
    with record.read() as connection:
        return [
            plan_lists(connection, now, own),
            plan_outbox(connection, now, own),
            plan_files(connection, _home(settings), now, own),
            *(one.plan(connection, now, own) for one in CLASSES.values()),
        ]


def purge(record: Record, clock: Clock, settings: Settings) -> dict[str, int]:
    """
    Remove the copies that are due: class → lists, messages, files.

    What two people decided of records, and a kill interrupted, is brought to its end first.
    """
    own = settings.retention
    finish_all(record, clock, settings)
    with record.read() as connection:
        lists = due_lists(connection, clock.now(), own)
    for one in lists:
        empty_list(record, clock, one)
    return {
        "lists": len(lists),
        "outbox": empty_outbox(record, clock, own),
        "files": remove_files(record, clock, _home(settings), own),
    }


def _home(settings: Settings) -> Path:
    return settings.home
