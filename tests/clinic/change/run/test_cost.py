"""
What a patient costs does not grow with how many there are, whatever the kind of operation.

Counted in steps of SQLite's own machine, which no other load changes; nothing is timed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from clinic.change.exported import export
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.undo import request_undo
from clinic.record.database import Record
from clinic.record.schema.people import facility, provider
from clinic.settings import Operations, Settings, Visits
from tests.clinic.change.practice import (
    approved,
    asked,
    done,
    patients,
    places,
    staff,
    visits,
)
from tests.fakes import FakeClock

FEW, MANY = 200, 800
MOST = 1.2  # times as dear a patient
EACH = 100  # steps

KINDS: list[tuple[str, Mapping[str, Any]]] = [
    ("status", {"to": "on_hold"}),
    ("provider", {"to": ["P2", "P3", "P4"]}),
    ("provider", {"to": ["P2", "P3", "P4"], "by": "capacity"}),
    ("provider", {"to": ["P3"], "visits": "cancel"}),
    ("provider", {"to": []}),
    ("facility", {"to": "F2", "provider": "default"}),
    ("tag", {"add": ["a"], "remove": ["b"]}),
    ("attribute", {"field": "insurance_plan", "to": "Plan B"}),
    ("visit", {"type": "review", "from": "2026-03-09", "to": "2026-12-31", "minutes": 20}),
    ("export", {"what": "patients", "format": "csv"}),
]


class Steps:
    """How many steps SQLite took."""

    def __init__(self) -> None:
        self.hundreds = 0

    def note(self) -> int:
        """Called after every hundred; 0: go on."""
        self.hundreds += 1
        return 0


@contextmanager
def counted(record: Record) -> Iterator[Steps]:
    """The steps of whatever the record is asked within the block."""
    steps = Steps()

    def watch(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(steps.note, EACH)

    event.listen(record.engine, "checkout", watch)
    yield steps
    event.remove(record.engine, "checkout", watch)


def filled(record: Record, count: int) -> None:
    """So many patients with P1, a visit each, and P2 to P4 with room for fewer than all."""
    staff(record)
    places(record)
    with record.write() as connection:
        connection.execute(sa.update(provider).values(capacity=count // 4 + provider.c.id))
        connection.execute(
            sa.update(facility).where(facility.c.id == 1).values(default_provider_id=2)
        )
    patients(record, count)
    visits(record, ((n, n, 1, 1, 14) for n in range(1, count + 1)))


def cost(
    record: Record, clock: FakeClock, folder: Path, kind: str, parameters: Mapping[str, Any],
    count: int,
) -> tuple[float, float]:  # fmt: skip
    """Steps a patient: of the operation, straight after its selection, and of its undo."""
    settings = Settings(
        home=folder, operations=Operations(chunk_size=100),
        visits=Visits(opening={"*": {"mon": ("08:00-18:00",)}}, per_day=30),
    )  # fmt: skip
    filled(record, count)
    with counted(record) as forth:
        number = asked(record, clock, kind, parameters, range(1, count + 1), settings=settings)
        if kind == "export":
            exported(record, clock, settings, number)
        else:
            done(record, clock, number, settings=settings)
    with counted(record) as back:
        if kind != "export":
            undo = request_undo(
                record, clock, settings, of=number, requested_by="ann", reason="tests",
                request_key="undo",
            )  # fmt: skip
            done(record, clock, undo, settings=settings)
    return forth.hundreds / count, back.hundreds / count


def exported(record: Record, clock: FakeClock, settings: Settings, number: int) -> None:
    approved(record, clock, number, settings=settings)
    begin(record, clock, number)
    for chunk in chunks_left(record, number):
        apply_chunk(record, clock, number, chunk)
    export(record, clock, settings, number)
    finish(record, clock, settings, number)


@pytest.mark.parametrize(("kind", "parameters"), KINDS)
def test_a_patient_costs_no_more_among_many(
    migrated_sqlite: Path,
    clock: FakeClock,
    tmp_path: Path,
    kind: str,
    parameters: Mapping[str, Any],
) -> None:
    """ALC-29: four times as many take four times as much, planned, applied and undone."""
    costs = []
    for count in (FEW, MANY):
        home = tmp_path / str(count)
        home.mkdir()
        path = home / "record.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        record = Record.open(f"sqlite:///{path}")
        costs.append(cost(record, clock, home, kind, parameters, count))
        record.close()
    few, many = costs
    assert many[0] <= MOST * few[0]
    assert many[1] <= MOST * few[1]
