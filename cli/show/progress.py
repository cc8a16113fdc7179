"""
The live progress of a campaign: read from the ledger, so it is right whoever sends.

It is also the first to see that the record is away or its disk is full, and says so at once.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cli import console
from clinic.beside import beside
from clinic.message.outcomes.summary import progress
from clinic.record.database import Record
from clinic.record.outage import full_disk, outage

EVERY_SECONDS = 0.4
WAITS = "Meanwhile it is waited for, some minutes; Ctrl-C stops now."


@contextlib.contextmanager
def watching(record: Record, campaign_id: int) -> Iterator[None]:
    """A bar while the block runs: messages done of all, errors, time left."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[red]{task.fields[errors]} errors[/]"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console.err(),
        disable=not console.err().is_terminal,
    )
    watch = functools.partial(_watch, bar, record, campaign_id)
    with bar, beside(watch, name="progress"):
        yield


def _watch(bar: Progress, record: Record, campaign_id: int, ended: threading.Event) -> None:
    task = bar.add_task(f"Campaign {campaign_id}", total=None, errors=0)
    told = False
    while True:
        last = ended.is_set()  # asked before looking, so that the last look sees the end
        try:
            now = progress(record, campaign_id)
            bar.update(task, total=now.total, completed=now.processed, errors=now.errors)
            trouble = full_disk()
        except Exception as error:  # the work itself fails by it, or waits until it is over
            trouble = outage(error)
        if trouble is not None and not told and not last:
            told = True
            console.say_plain(f"{trouble.says}. {WAITS}")
        if last:
            return
        ended.wait(EVERY_SECONDS)
