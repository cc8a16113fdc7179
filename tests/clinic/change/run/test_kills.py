"""kill -9 at random instants of an apply and of an undo: changed once with one audit row, or not at all."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import orjson
import pytest
import sqlalchemy as sa

from clinic.change.operations import get_operation
from clinic.change.run.undo import request_undo
from clinic.clock import SystemClock
from clinic.govern.audit.rows import audit_item
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.settings import Operations, Settings
from tests.clinic.change.applier import apply_when_told
from tests.clinic.change.practice import approved, asked, column, locks, patients, places, staff
from tests.processes import ONE_SERVER, processes

pytestmark = ONE_SERVER

PATIENTS = 200
SETTINGS = Settings(operations=Operations(chunk_size=5))


@dataclass
class Applier:
    """A process that has loaded everything and waits to be told."""

    process: BaseProcess
    tell: Connection

    @classmethod
    def start(cls, url: str, operation_id: int) -> Applier:
        ours, theirs = processes.Pipe()
        process = processes.Process(target=apply_when_told, args=(url, operation_id, theirs))
        process.start()
        theirs.close()
        assert ours.recv() == "ready"
        return cls(process, ours)

    def go(self, *, kill_after: float | None) -> int | None:
        """Let it work; its exit code, -9 if it was killed before it was through."""
        self.tell.send("go")
        if kill_after is not None:
            time.sleep(kill_after)
            self.process.kill()
        self.process.join(60)
        self.tell.close()
        return self.process.exitcode


def _changes(record: Record, operation_id: int) -> Counter[int]:
    """Patient → how many audit items this operation has of them."""
    with record.read() as connection:
        found = connection.execute(
            sa.select(audit_item.c.patient_id).where(
                audit_item.c.stream == f"operation-{operation_id}"
            )
        )
        return Counter(found.scalars())


def _torment(url: str, record: Record, operation_id: int, *, kills: int, seed: int) -> int:
    """Kill it at random instants until `kills` are done, checking each time; then let it end."""
    instants, killed = random.Random(seed), 0
    before = column(record, "version")
    for _ in range(kills):
        killed += Applier.start(url, operation_id).go(kill_after=instants.uniform(0, 0.12)) == -9
        changed, now = _changes(record, operation_id), column(record, "version")
        assert set(changed.values()) <= {1}
        assert {n for n in now if now[n] != before[n]} == set(changed)
        assert all(now[n] == before[n] + 1 for n in changed)
        assert verify(record, None).holds
    assert Applier.start(url, operation_id).go(kill_after=None) == 0
    return killed


def _operation(record: Record) -> int:
    staff(record)
    places(record)
    patients(record, PATIENTS)
    clock = SystemClock()
    everybody = range(1, PATIENTS + 1)
    operation_id = asked(
        record,
        clock,
        "status",
        {"to": "on_hold"},
        everybody,
        settings=SETTINGS,  # type: ignore[arg-type]
    )
    approved(record, clock, operation_id, settings=SETTINGS)  # type: ignore[arg-type]
    return operation_id


def _undo(record: Record, operation_id: int) -> int:
    clock = SystemClock()
    undo_id = request_undo(
        record, clock, SETTINGS, of=operation_id, requested_by="ann", reason="r", request_key="u"
    )
    approved(record, clock, undo_id, settings=SETTINGS)  # type: ignore[arg-type]
    return undo_id


def _kill_both(record_url: str, record: Record, *, kills: int) -> None:
    operation_id = _operation(record)
    killed = _torment(record_url, record, operation_id, kills=kills, seed=1)
    assert _changes(record, operation_id) == Counter(range(1, PATIENTS + 1))
    assert set(column(record, "status").values()) == {"on_hold"}
    undo_id = _undo(record, operation_id)
    killed += _torment(record_url, record, undo_id, kills=kills, seed=2)
    assert set(column(record, "status").values()) == {"active"}
    assert killed > 0  # or nothing was tried
    assert locks(record) == {}
    with record.read() as connection:
        items = connection.execute(sa.select(audit_item.c.old_values)).scalars()
        assert {orjson.loads(item)["status"] for item in items} == {"active", "on_hold"}
    assert get_operation(record, undo_id).state == "done"
    assert verify(record, None).holds


def test_killed_at_any_instant_each_patient_is_changed_once_or_not_at_all(
    record_url: str, record: Record
) -> None:
    """Kills of an apply and of its undo."""
    _kill_both(record_url, record, kills=3)


@pytest.mark.slow
def test_thirty_kills_of_an_apply_and_of_an_undo(record_url: str, record: Record) -> None:
    _kill_both(record_url, record, kills=30)
