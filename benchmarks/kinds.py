"""
What a patient costs in every kind of operation, among 6,000 and among 100,000, on both databases.

    .venv/bin/python -m benchmarks.kinds [--few N] [--many N] [--url URL] [--only KIND …]

Each operation is asked for, planned and applied straight after its selection, and undone, in a database
that was just filled: the statistics of PostgreSQL are those that Cohort itself asked for. The bar is of a
patient's cost at the larger size beside the smaller, in one run; of CPU seconds, this
process's and those of PostgreSQL's that works for it; the least of the rounds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from benchmarks.change import CLOCK
from clinic.change.exported import export
from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review.approve import ask
from clinic.change.review.checklist import require_ready
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.change.run.undo import request_undo
from clinic.cohort.filters import PatientFilter
from clinic.govern.people.operators import Operator, add_operator
from clinic.notify.recipients import Audience, recipients_of
from clinic.practice.synthetic import Practice, fill_practice
from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.people import facility, patient, provider, tag
from clinic.settings import Operations, Settings, Visits
from tests.selections import select_by_filter

BAR: Final = 1.2
FEW: Final = 6_000
MANY: Final = 100_000
ROUNDS: Final = 2
_ME: Final = Operator("manager", "manager", active=True)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri")
_FROM: Final = CLOCK.now().date() + timedelta(days=3)
_YEAR: Final = {"from": f"{_FROM}", "to": f"{_FROM + timedelta(days=300)}"}

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """One kind as it is asked for."""

    name: str
    kind: str
    parameters: Mapping[str, Any]


CASES: Final = (
    Case("status", "status", {"to": "on_hold"}),
    Case("reassign evenly", "provider", {"to": ["P01", "P02", "P03", "P04", "P05"]}),
    Case("reassign by room", "provider", {"to": ["P01", "P02", "P03"], "by": "capacity"}),
    Case("reassign to one", "provider", {"to": ["P01"]}),
    Case("reassign, cancel visits", "provider", {"to": ["P02"], "visits": "cancel"}),
    Case("transfer", "facility", {"to": "F2", "provider": "default"}),
    Case("tags", "tag", {"add": ["bench"]}),
    Case("attribute", "attribute", {"field": "insurance_plan", "to": "Plan B"}),
    Case("visits", "visit", _YEAR | {"type": "check", "minutes": 10}),
    Case(
        "export",
        "export",
        {"what": "patients", "format": "csv", "purpose": "care", "recipient": "Bench"},
    ),
)


def fill(record: Record, patients: int) -> Settings:
    """A practice of so many, with room for two thirds of them with three of its providers."""
    fill_practice(record, Practice(patients=patients), clock=CLOCK)
    with record.write() as connection:
        for code in ("F1", "F2"):
            first = sa.select(sa.func.min(provider.c.id)).where(
                provider.c.facility_id == facility.c.id
            )
            row = sa.update(facility).where(facility.c.code == code)
            connection.execute(row.values(default_provider_id=first.scalar_subquery()))
        room = sa.update(provider).where(provider.c.code.in_(("P01", "P02", "P03")))
        connection.execute(room.values(capacity=patients // 4))
        connection.execute(sa.insert(tag).values(code="bench", name="Benchmark"))
        connection.execute(sa.update(patient).values(status="active", death_date=None))
    for name, role in (("root", "admin"), ("asker", "operator"), ("manager", "manager")):
        add_operator(record, CLOCK, name=name, role=role, secret="a long secret of mine", by="root")  # type: ignore[arg-type]
    return Settings(
        home=Path(tempfile.mkdtemp()),
        operations=Operations(cap=max(patients, 1000)),
        visits=Visits(opening={"*": dict.fromkeys(_DAYS, ("08:00-18:00",))}, per_day=60),
    )


class Meter:
    """CPU seconds of this process, and of the server's process that works for it."""

    def __init__(self, record: Record) -> None:
        self._server = None
        if record.dialect == "postgresql":
            with record.read() as connection:
                number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            self._server = Path(f"/proc/{number}/stat")
        self.seconds: dict[str, float] = {}

    def now(self) -> float:
        """So far."""
        own = time.process_time()
        if self._server is None:
            return own
        ticks = self._server.read_text().rpartition(")")[2].split()[11:13]
        return own + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def note(self, step: str, work: Callable[[], T]) -> T:
        """Do it, and add what it cost."""
        began = self.now()
        result = work()
        self.seconds[step] = self.seconds.get(step, 0.0) + self.now() - began
        return result


def one(record: Record, settings: Settings, case: Case, turn: int) -> dict[str, float]:
    """What each step of one operation cost, and its undo, and finding whom to tell."""
    meter = Meter(record)
    taken = meter.note(
        "select",
        lambda: select_by_filter(
            record, CLOCK, settings, PatientFilter(status="active"), taken_by="asker"
        ),
    )
    request = Request(
        kind=case.kind, parameters=case.parameters, selection_id=taken.id, requested_by="asker",
        reason="benchmark", request_key=f"{case.name}-{turn}",
    )  # fmt: skip
    number = request_operation(record, CLOCK, settings, request)
    _through(record, settings, meter, number, file=case.kind == "export")
    if case.kind == "export":
        return meter.seconds
    with record.read() as connection:
        audience: Audience = "provider" if case.kind == "provider" else "facility"
        meter.note("notify", lambda: recipients_of(connection, settings, audience, number))
    undo = request_undo(
        record, CLOCK, settings, of=number, requested_by="asker", reason="benchmark",
        request_key=f"undo-{case.name}-{turn}",
    )  # fmt: skip
    _through(record, settings, meter, undo, prefix="undo ")
    return meter.seconds


def _through(
    record: Record, settings: Settings, meter: Meter, number: int, *, prefix: str = "",
    file: bool = False,
) -> None:  # fmt: skip
    def review() -> None:
        require_ready(record, CLOCK, settings, number)
        ask(record, CLOCK, settings, number, flow_run_id=None)
        approval = get_operation(record, number).approval_id or 0
        decide(
            record,
            CLOCK,
            approval,
            operator=_ME,
            decision="approved",
            note="",
            override="benchmark",
        )

    def apply() -> None:
        begin(record, CLOCK, number)
        for chunk in chunks_left(record, number):
            apply_chunk(record, CLOCK, number, chunk)
        if file:
            export(record, CLOCK, settings, number)
        finish(record, CLOCK, settings, number)

    meter.note(prefix + "plan", lambda: make_plan(record, CLOCK, settings, number))
    meter.note(prefix + "review", review)
    meter.note(prefix + "apply", apply)


def measure(url: str, patients: int, cases: Sequence[Case], rounds: int) -> dict[str, float]:
    """
    The least microseconds a patient: of each kind, of its undo, and of finding whom to tell (all kinds
    together). Each step is beside it as "kind: step". Whatever is in the database goes.
    """
    record = Record.open(url)
    drop_everything(record)
    migrate(record)
    settings = fill(record, patients)
    found: dict[str, float] = {}
    told = 0.0
    for case in cases:
        turns = [one(record, settings, case, turn) for turn in range(rounds)]
        least = {step: min(turn[step] for turn in turns) for step in turns[0]}
        least = {step: 1e6 * cost / patients for step, cost in least.items()}
        found |= {f"{case.name}: {step}": cost for step, cost in least.items()}
        told += least.pop("notify", 0.0)
        back = sum(cost for step, cost in least.items() if step.startswith("undo "))
        found[case.name] = sum(least.values()) - back
        if back:
            found[f"undo of {case.name}"] = back
    found["notify, of all"] = told
    record.close()
    shutil.rmtree(settings.home)
    return found


def both_sizes(
    url: str, cases: Sequence[Case], *, few: int = FEW, many: int = MANY, rounds: int = ROUNDS
) -> dict[str, tuple[float, float]]:
    """Case → µs a patient among the few, among the many."""
    small, large = (measure(url, count, cases, rounds) for count in (few, many))
    return {name: (small[name], large[name]) for name in small}


def main() -> None:
    """Print the microseconds a patient at both sizes, and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--few", type=int, default=FEW)
    arguments.add_argument("--many", type=int, default=MANY)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--url", help="a database that may be emptied; else SQLite")
    arguments.add_argument("--only", nargs="*", choices=[case.name for case in CASES])
    arguments.add_argument("--steps", action="store_true", help="each step too")
    given = arguments.parse_args()
    cases = [case for case in CASES if not given.only or case.name in given.only]
    with tempfile.TemporaryDirectory() as folder:
        found = both_sizes(
            given.url or f"sqlite:///{folder}/bench.db", cases,
            few=given.few, many=given.many, rounds=given.rounds,
        )  # fmt: skip
    print(f"µs a patient among {given.few:,}, among {given.many:,}, and the ratio (bar {BAR})")
    for name, (small, large) in found.items():
        if given.steps or ":" not in name:
            print(f"  {name:40} {small:8.1f} {large:8.1f} {large / (small or 1):6.2f}")


if __name__ == "__main__":
    main()
