"""
How much a governed change costs beside a bare one.

    .venv/bin/python -m benchmarks.change [patients] [database URL]

Bare: one UPDATE and one INSERT … SELECT of old and new values for all patients, in one transaction; on
the table `patient` itself (its triggers are part of the database), and on a copy without triggers. And
the same on the copy a thousand patients a transaction, as the prototype did whose speed is the floor of
the bar. Ours: the same change with the approval's digest made again, version check, locks, conflicts,
others' edits watched, and sealed audit blocks. All in the same database and the same run, taken in turns;
the least of five rounds, since whatever else the machine does only adds.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import product

import sqlalchemy as sa

from clinic.change.core.edit_mute import announce, withdraw
from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review.approve import ask
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.change.run.undo import request_undo
from clinic.clock import SystemClock
from clinic.cohort.filters import PatientFilter
from clinic.govern.people.operators import Operator, add_operator
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.people import patient
from clinic.settings import Settings
from tests.selections import select_by_filter

CLOCK = SystemClock()
SETTINGS = Settings()
ROUNDS = 5
BAR = 2.0
_BARE = sa.MetaData()
BARE = sa.Table(
    "bare_patient",
    _BARE,
    *(sa.Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable) for c in patient.c),
)
for name in ("facility_id", "provider_id", "mobile"):
    sa.Index(f"ix_bare_{name}", BARE.c[name])
sa.UniqueConstraint(BARE.c.nhs_number)
CHANGE = sa.Table(
    "bare_change",
    _BARE,
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("patient_id", sa.BigInteger, primary_key=True),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text),
    sa.Column("version_before", sa.Integer),
    sqlite_with_rowid=False,
)


def fill(record: Record, patients: int) -> None:
    """Patients enough, and a copy of them for the bare change."""
    columns = ("id", "nhs_number", "given_name", "family_name", "mobile", "email", "status")
    with record.write() as connection:
        insert_rows(
            connection,
            patient,
            columns,
            (
                (
                    n,
                    f"{n:010}",
                    "Given",
                    f"Family{n}",
                    f"07700{n:06}",
                    f"p{n}@example.org",
                    "active",
                )
                for n in range(1, patients + 1)
            ),
        )
        _BARE.create_all(connection)
        connection.execute(sa.insert(BARE).from_select(list(BARE.c.keys()), sa.select(patient)))
    with record.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def bare(record: Record, number: int, new: str, *, step: int, table: sa.Table = BARE) -> None:
    """What anybody would write, `step` patients a transaction."""
    with record.read() as connection:
        last = connection.scalar(sa.select(sa.func.max(table.c.id)))
    for first in range(1, last + 1, step):
        part = table.c.id.between(first, first + step - 1)
        with record.write() as connection:
            announce(connection, 0)  # nobody's edits are noted
            before = sa.select(
                sa.literal(number), table.c.id, table.c.status, sa.literal(new), table.c.version
            ).where(part)
            connection.execute(sa.insert(CHANGE).from_select(list(CHANGE.c.keys()), before))
            values = {"status": new, "version": table.c.version + 1}
            connection.execute(sa.update(table).where(part).values(values))
            withdraw(connection)


def governed(record: Record, operation_id: int) -> dict[str, float]:
    """Plan, approve, apply; the seconds of each step."""
    took = {"plan": _seconds(lambda: make_plan(record, CLOCK, SETTINGS, operation_id))}
    ask(record, CLOCK, SETTINGS, operation_id, flow_run_id=None)
    number = get_operation(record, operation_id).approval_id or 0
    manager = Operator("manager", "manager", active=True)
    decide(record, CLOCK, number, operator=manager, decision="approved", note="")
    took["apply"] = _seconds(lambda: _apply(record, operation_id))
    return took


def _apply(record: Record, operation_id: int) -> None:
    begin(record, CLOCK, operation_id)
    for number in chunks_left(record, operation_id):
        apply_chunk(record, CLOCK, operation_id, number)
    finish(record, CLOCK, SETTINGS, operation_id).raise_if_incomplete()


def _seconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def one_round(record: Record, number: int, selection_id: int) -> dict[str, float]:
    """A bare change, ours, and its undo, so that the next round finds what this one found."""
    first = 4 * number
    took = {
        "bare": _seconds(lambda: bare(record, first, "on_hold", step=10**9, table=patient)),
        "bare, no triggers": _seconds(lambda: bare(record, first + 1, "on_hold", step=10**9)),
        "bare, in steps": _seconds(lambda: bare(record, first + 2, "active", step=1000)),
    }
    bare(record, first + 3, "active", step=10**9, table=patient)  # as it was
    asked = Request(
        kind="status", parameters={"to": "on_hold"}, selection_id=selection_id,
        requested_by="asker", reason="benchmark", request_key=f"round-{number}",
    )  # fmt: skip
    changed = request_operation(record, CLOCK, SETTINGS, asked)
    took |= governed(record, changed)
    undo = request_undo(
        record, CLOCK, SETTINGS, of=changed, requested_by="asker", reason="benchmark",
        request_key=f"undo-{number}",
    )  # fmt: skip
    return took | {f"undo {step}": took_ for step, took_ in governed(record, undo).items()}


def measure(patients: int, url: str, rounds: int = ROUNDS) -> dict[str, float]:
    """The least seconds of each step, in a database of its own; whatever is in it goes."""
    record = Record.open(url)
    drop_everything(record)
    migrate(record)
    fill(record, patients)
    for name, role in (("root", "admin"), ("asker", "operator"), ("manager", "manager")):
        add_operator(record, CLOCK, name=name, role=role, secret="a long secret of mine", by="root")  # type: ignore[arg-type]
    taken = select_by_filter(
        record, CLOCK, SETTINGS, PatientFilter(status="active"), taken_by="asker"
    )
    took = [one_round(record, number, taken.id) for number in range(rounds)]
    record.close()
    return {step: min(each[step] for each in took) for step in took[0]}


def main() -> None:
    """Print the least of each and the ratios."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("patients", nargs="?", type=int, default=100_000)
    arguments.add_argument("url", nargs="?", help="a database that may be emptied")
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.url or f"sqlite:///{folder}/bench.db"
        least = measure(asked.patients, url, asked.rounds)
    print(f"{asked.patients:,} patients, {url.partition(':')[0]}")
    for step, seconds in least.items():
        print(f"  {step:18} {seconds:7.2f} s  {asked.patients / seconds:10,.0f} patients/s")
    for one, other in product(("apply", "undo apply"), [*least][:3]):
        print(f"  {one + ' / ' + other:32} {least[one] / least[other]:.2f}  (bar {BAR})")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory             {peak:.0f} MB")


if __name__ == "__main__":
    main()
