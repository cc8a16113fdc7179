"""
What an export costs: CPU seconds and the peak memory of a process of its own, by table and format.

    python benchmarks/apart/export.py [patients] [what.format …]      # 100000 patients.csv patients.xlsx

A made-up practice on SQLite. Each export is planned, approved, noted in the audit trail chunk by chunk, and
written, as its flow does. Two sizes side by side show whether memory grows with the number of patients.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from clinic.change.export.export import folder_of
from clinic.change.exported import export
from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review.approve import ask
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.clock import SystemClock
from clinic.cohort.filters import PatientFilter
from clinic.govern.people.operators import Operator, add_operator
from clinic.practice.people import Practice
from clinic.practice.synthetic import fill_practice
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.settings import Settings
from tests.selections import select_by_filter

CLOCK = SystemClock()
MANAGER = Operator("manager", "manager", active=True)


def apart(step: Callable[[], None]) -> None:
    """Do it in a process of its own, whose peak memory is that of this step alone."""
    child = os.fork()
    if not child:
        step()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("a step failed")


def fill(settings: Settings, patients: int) -> None:
    """The practice, its staff, and a selection of all its patients."""
    record = Record.open(settings.database_url)
    migrate(record)
    fill_practice(record, Practice(patients=patients), clock=CLOCK)
    for name, role in (("root", "admin"), ("asker", "operator"), ("manager", "manager")):
        add_operator(record, CLOCK, name=name, role=role, secret="a long secret of mine", by="root")  # type: ignore[arg-type]
    everybody = PatientFilter(status="active")
    taken = select_by_filter(record, CLOCK, settings, everybody, taken_by="asker")
    print(f"{patients:,} patients, {taken.outcomes['selected']:,} of them active")


def export_one(settings: Settings, what: str, format_: str) -> None:
    """Export the selection, and print what that took."""
    record = Record.open(settings.database_url)
    started, cpu = time.perf_counter(), time.process_time()
    asked = Request(
        kind="export", selection_id=1,
        parameters={"what": what, "format": format_, "purpose": "care", "recipient": "Bench"},
        requested_by="asker", reason="benchmark", request_key=f"{what}.{format_}",
    )  # fmt: skip
    number = request_operation(record, CLOCK, settings, asked)
    make_plan(record, CLOCK, settings, number)
    ask(record, CLOCK, settings, number, flow_run_id=None)
    approval = get_operation(record, number).approval_id or 0
    decide(record, CLOCK, approval, operator=MANAGER, decision="approved", note="")
    begin(record, CLOCK, number)
    for chunk in chunks_left(record, number):
        apply_chunk(record, CLOCK, number, chunk)
    noted = time.process_time()
    written = export(record, CLOCK, settings, number)
    finish(record, CLOCK, settings, number).raise_if_incomplete()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {what}.{format_:5} {written.rows:9,} rows {written.size / 2**20:7.1f} MB: CPU "
        f"{noted - cpu:6.1f} s to plan and note, {time.process_time() - noted:6.1f} s to write; "
        f"{time.perf_counter() - started:6.1f} s in all; peak {peak:.0f} MB",
        flush=True,
    )
    (folder_of(settings) / written.name).unlink()


def main(patients: int, wanted: list[str]) -> None:
    """Fill once, then each export in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        apart(lambda: fill(settings, patients))
        for each in wanted:
            what, format_ = each.split(".")
            apart(lambda what=what, format_=format_: export_one(settings, what, format_))  # type: ignore[misc]


if __name__ == "__main__":
    count = int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 100_000
    main(count, sys.argv[2:] or ["patients.csv", "patients.xlsx"])
