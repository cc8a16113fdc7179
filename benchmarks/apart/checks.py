"""
What the safety checks cost beside reading and checking a list: one campaign to 100,000 patients, prepared.

    python -m benchmarks.apart.checks [ROWS] [RUNS]

Prints CPU seconds of each check, and their share of reading and checking the same list: medians of RUNS (3)
processes, each of which prepares one campaign as a process does, imports included, and then another, when all
is imported. Each check is called once for a block of rows, with a clock around it, where the list is checked
and where texts are staged; no two texts are alike.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.people import fill
from clinic.clock import SystemClock
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.prepare.stage import stage
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.message.template.variables import setting_of
from clinic.record.database import Record
from clinic.settings import load_settings
from data_checks.cohort import check_cohort

ROWS, RUNS = 100_000, 3
# As the others' text is, with a name that nobody else has
BODY = "Dear {{ patient.full_name }}, your flu jab is due. Call {{ organisation.name }}."
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
    "messages in seven days": ((FACTS, "_contacted"), (FACTS, "_had_enough")),
    "how old the list is, its columns, its name": (
        ("data_checks.cohort", "_judge_age"),
        ("data_checks.cohort", "printed"),
        ("data_checks.cohort", "named_alike"),
    ),
    "what patients will read": ((STAGE, "judge_block"), (STAGE, "keep_findings")),
    "children and shared numbers": (
        *((STAGE, name) for name in ("manner_of", "look_into", "look", "speak", "without_names")),
        (STAGE, "find_tellers"),
    ),
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
    add_template(record, clock, NewTemplate("named", "Bench", "notice", BODY), by="bench")
    request = MessageRequest(
        list_name="Bench", cohort=CohortChoice(file=str(path)), template="named", requested_by="x"
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


@dataclass(frozen=True)
class Measured:
    """CPU seconds of reading and checking, of rendering and staging, and of each check in them."""

    read: float
    rendered: float
    checks: Timed

    @property
    def share(self) -> float:
        """Of all checks, of reading and checking."""
        return sum(self.checks.values()) / self.read


def measure(rows: int) -> tuple[Measured, Measured]:
    """Of a process that does this alone: with its imports, and once more without them."""
    os.environ |= {
        "COHORT_CONFIG": os.devnull,
        "COHORT_ORGANISATION__ID_SCHEME": "emis",
        "COHORT_ORGANISATION__CAMPAIGN_CAP": "1000000",
        "COHORT_OUTBOX": "true",
    }
    took = watch()
    gc.set_threshold(50_000, 20, 50)  # as tasks/wiring.py has it
    gc.freeze()
    return _once(rows, took), _once(rows, took)


def _once(rows: int, took: Timed) -> Measured:
    took.clear()
    with tempfile.TemporaryDirectory(prefix="cohort-bench-") as folder:
        read, rendered = prepare(Path(folder), rows, took)
    return Measured(read, rendered, dict(took))


def median(runs: Sequence[Measured]) -> Measured:
    """Each figure's own."""
    checks = {name: statistics.median(run.checks[name] for run in runs) for name in CHECKS}
    return Measured(
        statistics.median(run.read for run in runs),
        statistics.median(run.rendered for run in runs),
        checks,
    )


def table_of(title: str, runs: Sequence[Measured]) -> Table:
    """The checks by what they cost, their sum, and what they are held against."""
    one = median(runs)
    table = Table("check", "CPU s", "of read + check", title=title)
    for check, seconds in sorted(one.checks.items(), key=lambda each: -each[1]):
        table.add_row(check, f"{seconds:.2f}", f"{seconds / one.read:.1%}")
    table.add_section()
    share = statistics.median(run.share for run in runs)
    table.add_row("all of them", f"{sum(one.checks.values()):.2f}", f"{share:.1%}")
    table.add_row("list read, kept and checked", f"{one.read:.2f}", "100 %")
    table.add_row(
        "texts rendered, judged and staged", f"{one.rendered:.2f}", f"{one.rendered / one.read:.1%}"
    )
    return table


def main() -> None:
    """Print both tables."""
    rows, runs = ([int(text) for text in sys.argv[1:]] + [ROWS, RUNS][len(sys.argv) - 1 :])[:2]
    spawn = multiprocessing.get_context("spawn")
    measured = []
    for _ in range(runs):
        with spawn.Pool(1) as process:
            measured.append(process.apply(measure, (rows,)))
    first, again = zip(*measured, strict=True)
    console = Console()
    console.print(table_of(f"{rows:,} rows, a process with its imports", first))
    console.print(table_of(f"{rows:,} rows, when all is imported", again))


if __name__ == "__main__":
    main()
