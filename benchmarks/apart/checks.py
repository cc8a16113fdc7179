"""
What the safety checks cost beside reading and checking a list: one campaign to 100,000 patients, prepared.

    python -m benchmarks.apart.checks [ROWS]

Prints CPU seconds of each check, and their share of reading and checking the same list. Each is called once for
a block of rows, with a clock around it.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.people import fill
from clinic.clock import SystemClock
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.prepare.stage import stage
from clinic.message.template.variables import setting_of
from clinic.record.database import Record
from clinic.settings import load_settings
from data_checks.cohort import check_cohort

ROWS = 100_000
FACTS, STAGE = "clinic.message.eligibility.facts", "clinic.message.prepare.stage"
# Each check of NEW-24 to NEW-32: the module that calls it, and its name there
CHECKS: dict[str, tuple[tuple[str, str], ...]] = {
    "numbers and names against the record": ((FACTS, "_compare"),),
    "safe contact": ((FACTS, "read_safe_contact"),),
    "a list that says no": ((FACTS, "_says_no"),),
    "needs and proxies": ((FACTS, "_see_needs"), (STAGE, "judge_needs")),
    "held by a reply": ((FACTS, "held"),),
    "whom the template is for": ((FACTS, "outside_of"),),
    "the same text lately": ((FACTS, "_had_this"),),
    "messages in seven days": ((FACTS, "_had_enough"),),
    "how old the list is, its columns, its name": (
        ("data_checks.cohort", "_judge_age"),
        ("data_checks.cohort", "printed"),
        ("data_checks.cohort", "named_alike"),
    ),
    "what patients will read": ((STAGE, "judge_block"),),
    "children and shared numbers": ((STAGE, "look"), (STAGE, "speak"), (STAGE, "without_names")),
    "unusual size, the campaign as a whole": ((STAGE, "judge_whole"),),
}

Timed = dict[str, float]


def watch() -> Timed:
    """Put a clock around each check; a name that is gone raises, so that none is forgotten."""
    took: Timed = defaultdict(float)
    for check, places in CHECKS.items():
        for module, name in places:
            caller = importlib.import_module(module)
            setattr(caller, name, _clocked(getattr(caller, name), check, took))
    return took


def _clocked(function: Callable[..., Any], check: str, took: Timed) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        began = time.process_time()
        try:
            return function(*args, **more)
        finally:
            took[check] += time.process_time() - began

    return call


def prepare(folder: Path, rows: int, took: Timed) -> tuple[float, float]:
    """
    CPU seconds of a campaign's preparation, checks included: of reading and checking its list, and of
    rendering its texts.
    """
    url = f"sqlite:///{folder / 'record.db'}"
    path = fill(url, rows, folder)
    settings, clock, record = load_settings(), SystemClock(), Record.open(url)
    request = MessageRequest(
        list_name="Bench", cohort=CohortChoice(file=str(path)), template="bench", requested_by="x"
    )
    began = time.process_time()
    number = begin_campaign(
        record, clock, settings, request, request_key="x", gateway="outbox", batch_limit=1_000
    )
    check_cohort(record, clock, settings, number)
    checked = time.process_time()
    setting = setting_of(settings, clock.now())
    if not stage(record, number, setting=setting, most_segments=6):
        raise RuntimeError("nothing was staged")
    rendered = time.process_time()
    record.close()
    if unseen := CHECKS.keys() - took.keys():
        raise RuntimeError(f"never asked: {', '.join(sorted(unseen))}")
    return checked - began, rendered - checked


def measure(folder: Path, rows: int = ROWS) -> tuple[float, float, Timed]:
    """Seconds of reading and checking, of rendering, and of each check in them."""
    os.environ |= {
        "COHORT_CONFIG": os.devnull,
        "COHORT_ORGANISATION__ID_SCHEME": "emis",
        "COHORT_ORGANISATION__CAMPAIGN_CAP": "1000000",
        "COHORT_OUTBOX": "true",
    }
    took = watch()
    read, rendered = prepare(folder, rows, took)
    return read, rendered, took


def main() -> None:
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory(prefix="cohort-bench-") as folder:
        read, rendered, took = measure(Path(folder), rows)
    table = Table("check", "CPU s", "of read + check", title=f"{rows:,} rows")
    for check, seconds in sorted(took.items(), key=lambda each: -each[1]):
        table.add_row(check, f"{seconds:.2f}", f"{seconds / read:.1%}")
    whole = sum(took.values())
    table.add_section()
    table.add_row("all of them", f"{whole:.2f}", f"{whole / read:.1%}")
    table.add_row("list read, kept and checked", f"{read:.2f}", "100 %")
    table.add_row("texts rendered, judged and staged", f"{rendered:.2f}", f"{rendered / read:.1%}")
    Console().print(table)


if __name__ == "__main__":
    main()
