"""
Whatever is done to the trail past the program is found, and the first bad place is named.

The tamperer here owns the database file: triggers dropped, foreign keys off. They lack the key, and the
anchor lies elsewhere.
"""

# ruff: noqa: S608  the tamperer writes SQL by hand

from __future__ import annotations

import contextlib
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.errors import RecordUnsafe
from clinic.govern.audit.trail import (
    Act,
    Fault,
    record_act,
    verify,
    write_anchor,
)
from clinic.record.database import Record, use_key
from clinic.record.sqlite import library
from tests.clinic.govern.trail import change
from tests.fakes import FakeClock

Database = Any  # a connection of the record's library, which has no types

KEY = b"the key of this test's audit trail"
CHUNKS, PATIENTS = 4, 5


@dataclass(frozen=True)
class Trail:
    """A sealed trail in a SQLite file, its anchor, and a place for copies to spoil."""

    path: Path
    anchor: Path

    def spoiled(self, how: Callable[[Database], Any]) -> Fault | None:
        """The first fault that `verify` finds in a copy on which `how` was done."""
        copy = self.path.with_name("spoiled.db")
        shutil.copy(self.path, copy)
        with contextlib.closing(_tamperer(copy)) as database:
            how(database)
            database.commit()
        record = _open(copy)
        result = verify(record, self.anchor)
        record.close()
        return result.first_fault


def _open(path: Path) -> Record:
    record = Record.open(f"sqlite:///{path}")
    use_key(record, KEY)
    return record


def _tamperer(path: Path) -> Database:
    """The file opened past the program: no triggers, no foreign keys."""
    database = library().connect(path)
    triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        database.execute(f"DROP TRIGGER {name}")
    return database


def _act(subject: str, number: int) -> Act:
    return Act(
        operator="ann",
        operation_type="status",
        subject=subject,
        subject_id=number,
        new_values={"n": number},
    )


def _write(record: Record, clock: FakeClock) -> None:
    """system: 3 acts; operation-1: an act, 4 chunks of 5 patients, an act; campaign-1: 2 acts."""
    subjects = (
        ["system"] * 3 + ["operation"] + ["chunk"] * CHUNKS + ["operation"] + ["campaign"] * 2
    )
    chunk = 0
    for number, subject in enumerate(subjects):
        with record.write() as connection:
            if subject != "chunk":
                is_chained = subject in ("operation", "campaign")
                record_act(connection, clock, _act(subject, 1 if is_chained else number))
                continue
            chunk += 1
            patients = range(chunk * 10, chunk * 10 + PATIENTS)
            change(connection, clock, 1, chunk, patients)


@pytest.fixture(scope="module")
def trail(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Trail:
    folder = tmp_path_factory.mktemp("trail")
    path = folder / "record.db"
    shutil.copy(migrated_sqlite, path)
    record = _open(path)
    _write(record, FakeClock())
    write_anchor(record, folder / "anchor", clock=FakeClock())
    assert verify(record, folder / "anchor").holds
    record.close()
    return Trail(path, folder / "anchor")


OPERATION = "operation-1"
ITEM = "operation_id = 1 AND patient_id = 22"  # the third of chunk 2
COLUMNS = "operation_id, patient_id, field, subject_id, outcome, old, new, version_before"
BLOCK = "stream = 'operation-1' AND number = 3"  # of chunk 2
ACT = "stream = 'system' AND number = 2"

# What is done, and what `verify` says of it
SPOILED: list[tuple[str, Fault]] = [
    *(
        (
            f"UPDATE operation_item SET {change} WHERE {ITEM}",
            Fault("row-edited", OPERATION, 3, 2, 3, 22),
        )
        for change in ("new = '{}'", "old = NULL", "version_before = 7", "field = 'sex'")
    ),
    # Whose it was is told where it is known, and never the name of whoever stands there now
    *(
        (f"{change} WHERE {ITEM}", Fault("row-removed", OPERATION, 3, 2, 3, patient))
        for change, patient in (
            ("DELETE FROM operation_item", None),
            ("UPDATE operation_item SET outcome = 'failed'", 22),
            ("UPDATE operation_item SET outcome = 'changed_since'", 22),
            ("UPDATE operation_item SET patient_id = 99", None),
            ("UPDATE operation_item SET operation_id = 2", None),
        )
    ),
    (
        "DELETE FROM operation_item WHERE patient_id = 24",
        Fault("row-removed", OPERATION, 3, 2, 5),
    ),
    (
        f"INSERT INTO operation_item ({COLUMNS}) "
        "VALUES (1, 24, 'title', 0, 'will_change', NULL, '{}', 1)",
        Fault("row-added", OPERATION, 3, 2, 6, 24),
    ),
    (
        f"INSERT OR REPLACE INTO operation_item ({COLUMNS}) "
        "VALUES (1, 21, 'status', 0, 'will_change', NULL, '{}', 1)",
        Fault("row-edited", OPERATION, 3, 2, 2, 21),
    ),
    # Beside all chunks, in a chunk of its own, and a chunk made wider or taken away
    (
        f"INSERT INTO operation_item ({COLUMNS}) "
        "VALUES (1, 5, 'status', 0, 'will_change', NULL, '{}', 1)",
        Fault("row-added", OPERATION),
    ),
    (
        "INSERT INTO operation_chunk (operation_id, number, first_patient, last_patient, size, state)"
        " VALUES (1, 9, 90, 99, 1, 'applied');"
        f"INSERT INTO operation_item ({COLUMNS}) "
        "VALUES (1, 95, 'status', 0, 'will_change', NULL, '{}', 1)",
        Fault("row-added", OPERATION, chunk=9),
    ),
    (
        "UPDATE operation_chunk SET last_patient = 30 WHERE number = 2",
        Fault("row-added", OPERATION, 3, 2, 6, 30),
    ),
    ("DELETE FROM operation_chunk WHERE number = 2", Fault("row-removed", OPERATION, 3, 2, 1)),
    (f"UPDATE audit_act SET reason = 'x' WHERE {ACT}", Fault("row-edited", "system", 2, row=1)),
    (f"UPDATE audit_act SET operator = 'eve' WHERE {ACT}", Fault("row-edited", "system", 2, row=1)),
    (f"DELETE FROM audit_act WHERE {ACT}", Fault("row-removed", "system", 2, row=1)),
    (
        "INSERT INTO audit_act SELECT 'system', 9, timestamp, operator, approver, operation_type,"
        " patients_affected, old_values, new_values, reason, subject, subject_id, outcome"
        f" FROM audit_act WHERE {ACT}",
        Fault("row-added", "system", 9),
    ),
    (f"DELETE FROM audit_block WHERE {BLOCK}", Fault("block-missing", OPERATION, 3)),
    (
        f"UPDATE audit_block SET root = zeroblob(32) WHERE {BLOCK}",
        Fault("block-edited", OPERATION, 3, 2),
    ),
    (
        f"UPDATE audit_block SET marks = zeroblob(20) WHERE {BLOCK}",
        Fault("block-edited", OPERATION, 3, 2),
    ),
    (
        f"UPDATE audit_block SET sealed_at = '2020-01-01 00:00:00.000000' WHERE {BLOCK}",
        Fault("block-edited", OPERATION, 3, 2),
    ),
    (
        f"UPDATE audit_block SET key_id = NULL WHERE {BLOCK}",
        Fault("key-differs", OPERATION, 3, 2),
    ),
    (
        "UPDATE audit_block SET number = -number WHERE stream = 'operation-1' AND number IN (3, 4);"
        "UPDATE audit_block SET number = 7 + number WHERE number < 0",
        Fault("block-edited", OPERATION, 3, 3),
    ),
    # Cut off cleanly, rows and all: only the anchor knows
    (
        "DELETE FROM audit_block WHERE stream = 'operation-1' AND number = 6;"
        "DELETE FROM audit_act WHERE stream = 'operation-1' AND number = 6",
        Fault("tail-cut", OPERATION, 5),
    ),
    (
        "DELETE FROM audit_block WHERE stream = 'campaign-1';"
        "DELETE FROM audit_act WHERE stream = 'campaign-1'",
        Fault("stream-missing", "campaign-1"),
    ),
]


@pytest.mark.parametrize(("statements", "fault"), SPOILED)
def test_the_first_bad_place_is_named(trail: Trail, statements: str, fault: Fault) -> None:
    """NEW-10: edited, removed, put in, moved, cut off."""
    assert trail.spoiled(lambda database: database.executescript(statements)) == fault


def test_an_edit_that_keeps_the_mark_is_found_without_its_row(trail: Trail, tmp_path: Path) -> None:
    """CRC-32 locates and proves nothing: two texts that have the same one."""
    assert zlib.crc32(b"3807458072") == zlib.crc32(b"9086789562")
    record, _ = _copy(trail, tmp_path)
    with record.write() as connection:
        change(
            connection, FakeClock(), 2, 1, [1], field="insurance_plan", old=None, new="3807458072"
        )
    record.close()
    with contextlib.closing(_tamperer(tmp_path / "copy.db")) as database:
        database.execute("UPDATE operation_item SET new = '9086789562' WHERE new = '3807458072'")
        database.commit()
    record = _open(tmp_path / "copy.db")
    assert verify(record, None).first_fault == Fault("row-edited", "operation-2", 1, 1)
    record.close()


def test_a_block_of_another_history_does_not_fit(trail: Trail, tmp_path: Path) -> None:
    """Sealed with our key, but after a block that was never here: two histories after a restore."""
    (tmp_path / "other").mkdir()
    ours, theirs = _copy(trail, tmp_path)[0], _copy(trail, tmp_path / "other")[0]
    for record, subjects in ((ours, (8, 9)), (theirs, (10, 11))):
        for number in subjects:
            with record.write() as connection:
                record_act(connection, FakeClock(), _act("system", number))
        record.close()
    with contextlib.closing(_tamperer(tmp_path / "copy.db")) as database:
        database.execute(f"ATTACH '{tmp_path / 'other' / 'copy.db'}' AS other")
        for table in ("audit_block", "audit_act"):
            database.execute(f"DELETE FROM {table} WHERE stream = 'system' AND number = 5")
            database.execute(
                f"INSERT INTO {table} SELECT * FROM other.{table} "
                "WHERE stream = 'system' AND number = 5"
            )
        database.commit()
    record = _open(tmp_path / "copy.db")
    assert verify(record, None).first_fault == Fault("block-moved", "system", 5)
    record.close()


def test_what_nobody_touched_holds(trail: Trail) -> None:
    assert trail.spoiled(lambda database: None) is None


TABLES = {
    "operation_item": (
        "operation_id", "patient_id", "field", "subject_id", "outcome", "old", "new",
        "version_before",
    ),
    "audit_act": (
        "stream", "number", "timestamp", "operator", "approver", "operation_type", "reason",
        "patients_affected", "old_values", "new_values", "subject", "subject_id", "outcome",
    ),
    "audit_block": (
        "stream", "number", "holds", "operation_id", "chunk", "count", "first_patient",
        "last_patient", "root", "marks", "previous", "hash", "key_id", "sealed_at",
    ),
}  # fmt: skip


@st.composite
def tampering(draw: st.DrawFn) -> tuple[str, str, int, int, str]:
    """(what, table, which row, which other row, column)."""
    what = draw(st.sampled_from(["delete", "swap", "set", "cut"]))
    table = draw(st.sampled_from(sorted(TABLES)))
    rows = st.integers(0, 10**6)
    return what, table, draw(rows), draw(rows), draw(st.sampled_from(TABLES[table]))


def _tamper(database: Database, step: tuple[str, str, int, int, str]) -> None:
    """Do one thing to one or two rows; where a key would be there twice, the first row stays."""
    what, table, one, other, column = step
    names = ", ".join(TABLES[table])
    rows = [list(row) for row in database.execute(f"SELECT {names} FROM {table}")]
    if not rows:
        return
    i, j, c = one % len(rows), other % len(rows), TABLES[table].index(column)
    if what == "delete":
        del rows[i]
    elif what == "cut":
        del rows[i:]
    elif what == "swap":
        rows[i][c], rows[j][c] = rows[j][c], rows[i][c]
    else:
        rows[i][c] = _another(rows[i][c])
    database.execute(f"DELETE FROM {table}")
    marks = ", ".join("?" * len(TABLES[table]))
    database.executemany(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", rows)


def _another(value: Any) -> Any:
    """A value of the same kind that is not this one."""
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, int):
        return value + 1000
    if value in ("act", "items"):
        return "act" if value == "items" else "items"
    if isinstance(value, str) and value.startswith("20"):
        return "2001-01-01 00:00:00.000000"
    return "{}" if value is None else None if value.startswith("{") else value + "x"


@given(steps=st.lists(tampering(), min_size=1, max_size=3))
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_tampering_goes_unseen(
    trail: Trail, steps: list[tuple[str, str, int, int, str]]
) -> None:
    """NEW-10: edit, delete, swap, cut, in any mixture: the trail as a whole is what it was, or is bad."""
    contents: list[list[str]] = []

    def spoil(database: Database) -> None:
        contents.append(_contents(database))
        for step in steps:
            _tamper(database, step)
        contents.append(_contents(database))

    fault = trail.spoiled(spoil)
    before, after = contents
    assert (fault is None) == (before == after)


def _contents(database: Database) -> list[str]:
    return sorted(
        repr(tuple(row))
        for table, names in TABLES.items()
        for row in database.execute(f"SELECT {', '.join(names)} FROM {table}")
    )


# --- the anchor ------------------------------------------------------------------------------------


def _copy(trail: Trail, folder: Path) -> tuple[Record, Path]:
    shutil.copy(trail.path, folder / "copy.db")
    shutil.copy(trail.anchor, folder / "anchor")
    return _open(folder / "copy.db"), folder / "anchor"


def test_a_tail_cut_off_is_seen_only_with_the_anchor(trail: Trail, tmp_path: Path) -> None:
    record, anchor = _copy(trail, tmp_path)
    record.close()
    with contextlib.closing(_tamperer(tmp_path / "copy.db")) as database:
        for table in ("audit_act", "audit_block"):
            database.execute(f"DELETE FROM {table} WHERE stream = 'system' AND number = 3")
        database.commit()
    assert verify(record, None).holds
    assert verify(record, anchor).first_fault == Fault("tail-cut", "system", 2)
    record.close()


def test_a_database_set_back_and_written_on_contradicts_the_anchor(
    trail: Trail, tmp_path: Path
) -> None:
    """A backup from before is put back, and work goes on: the chain holds, the anchor does not."""
    clock = FakeClock()
    record, anchor = _copy(trail, tmp_path)
    with record.write() as connection:
        record_act(connection, clock, _act("system", 8))
    assert write_anchor(record, anchor, clock=clock) == 1
    record.close()
    shutil.copy(trail.path, tmp_path / "copy.db")
    record = _open(tmp_path / "copy.db")
    with record.write() as connection:
        record_act(connection, clock, _act("system", 9))
    assert verify(record, None).holds
    assert verify(record, anchor).first_fault == Fault("set-back", "system", 4)
    before = anchor.read_bytes()
    with pytest.raises(RecordUnsafe, match="contradict each other at stream system"):
        write_anchor(record, anchor, clock=clock)
    assert anchor.read_bytes() == before
    record.close()


def test_the_anchor_grows_by_what_moved_and_by_nothing_else(trail: Trail, tmp_path: Path) -> None:
    clock = FakeClock()
    record, anchor = _copy(trail, tmp_path)
    assert write_anchor(record, anchor, clock=clock) == 0
    with record.write() as connection:
        record_act(connection, clock, _act("campaign", 1))
    assert write_anchor(record, anchor, clock=clock) == 1
    assert len(anchor.read_bytes().splitlines()) == 2
    assert verify(record, anchor).holds
    record.close()


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [lines[0].replace(b'"system":[3', b'"system":[2'), lines[1]],
        lambda lines: [lines[1]],
        lambda lines: [lines[1], lines[0]],
        lambda lines: [*lines, b"{}"],
        lambda lines: [*lines, b"not json"],
        lambda lines: [*lines, b"[]"],
    ],
)
def test_an_anchor_that_was_edited_is_not_believed(
    trail: Trail, tmp_path: Path, edit: Callable[[list[bytes]], list[bytes]]
) -> None:
    record, anchor = _copy(trail, tmp_path)
    with record.write() as connection:
        record_act(connection, FakeClock(), _act("campaign", 1))
    write_anchor(record, anchor, clock=FakeClock())
    anchor.write_bytes(b"\n".join(edit(anchor.read_bytes().splitlines())) + b"\n")
    fault = verify(record, anchor).first_fault
    assert fault is not None
    assert fault.code == "anchor-damaged"
    with pytest.raises(RecordUnsafe, match="of the anchor"):
        write_anchor(record, anchor, clock=FakeClock())
    record.close()
