"""What the trail keeps, that it cannot be changed, and whose key seals it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from clinic.errors import RecordUnsafe
from clinic.govern.audit.anchor import ANCHOR_FILE
from clinic.govern.audit.key import KEY_FILE, unlock
from clinic.govern.audit.rows import audit_item, items_text
from clinic.govern.audit.trail import (
    Act,
    Fault,
    record_act,
    seal_chunk,
    stream_of,
    verify,
)
from clinic.record.database import Record, use_key
from clinic.record.schema.change import operation_item
from clinic.record.schema.govern import audit_act, audit_block
from tests.clinic.govern.trail import change
from tests.fakes import FakeClock

CLOSED = Act(
    operator="ann",
    approver="mia",
    operation_type="status",
    subject="operation",
    subject_id=7,
    patients_affected=3,
    old_values={"status": "active"},
    new_values={"status": "discharged"},
    reason="facility closes",
)


def act(record: Record, clock: FakeClock, what: Act = CLOSED) -> None:
    with record.write() as connection:
        record_act(connection, clock, what)


def items(record: Record, clock: FakeClock, chunk: int = 1) -> None:
    first = 3 * chunk - 2
    with record.write() as connection:
        change(connection, clock, 7, chunk, range(first, first + 3), new="discharged")


def test_an_act_has_the_eight_fields(governed: Record, clock: FakeClock) -> None:
    """ALC-40: timestamp, operator, approver, type, patients affected, old and new values, reason."""
    act(governed, clock)
    items(governed, clock)
    with governed.read() as connection:
        row = connection.execute(sa.select(audit_act)).mappings().one()
        who = connection.execute(sa.select(audit_item).order_by(audit_item.c.patient_id)).all()
    assert dict(row) == {
        "stream": "operation-7",
        "number": 1,
        "timestamp": clock.now(),
        "operator": "ann",
        "approver": "mia",
        "operation_type": "status",
        "patients_affected": 3,
        "old_values": '{"status":"active"}',
        "new_values": '{"status":"discharged"}',
        "reason": "facility closes",
        "subject": "operation",
        "subject_id": 7,
        "outcome": "done",
    }
    told = [(r.stream, r.chunk, r.patient_id, *map(orjson.loads, r[-2:])) for r in who]
    assert told == [
        ("operation-7", 1, p, {"status": "active"}, {"status": "discharged"}) for p in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("subject", "stream"),
    [("operation", "operation-7"), ("campaign", "campaign-7"), ("approval", "system")],
)
def test_operations_do_not_wait_for_each_others_chain(subject: str, stream: str) -> None:
    assert stream_of(subject, 7) == stream


def test_what_is_sealed_does_not_depend_on_how_it_was_read(
    governed: Record, clock: FakeClock
) -> None:
    """NEW-10, set-based: the database joins the items to one text, whose lines are the items."""
    with governed.write() as connection:
        assert change(connection, clock, 7, 1, range(1, 1001), new='a\nb"') == 1000
        text = items_text(connection, 7, 1, 1000)
    told = [orjson.loads(line) for line in text.split(b"\n")]
    assert told == [[p, "status", 0, 1, "active", 'a\nb"'] for p in range(1, 1001)]
    result = verify(governed, None)
    assert (result.holds, result.keyed, result.rows) == (True, True, 1000)
    with governed.read() as connection:
        block = connection.execute(sa.select(audit_block)).mappings().one()
    assert (block["first_patient"], block["last_patient"]) == (1, 1000)


def test_a_chunk_that_changed_nothing_gets_no_block(governed: Record, clock: FakeClock) -> None:
    with governed.write() as connection:
        assert seal_chunk(connection, clock, operation_id=7, chunk=1, patients=(1, 9)) == 0
    assert verify(governed, None).blocks == 0


def test_a_chunk_is_sealed_once(governed: Record, clock: FakeClock) -> None:
    """Run twice after a kill: the second writes nothing."""
    items(governed, clock)
    with governed.write() as connection, pytest.raises(sa.exc.IntegrityError):
        seal_chunk(connection, clock, operation_id=7, chunk=1, patients=(1, 3))
    assert verify(governed, None).holds


def test_what_was_changed_and_not_sealed_is_found(governed: Record, clock: FakeClock) -> None:
    items(governed, clock)
    one_more = {
        "operation_id": 7, "patient_id": 99, "field": "status", "subject_id": 0,
        "outcome": "will_change", "new": "x", "version_before": 1,
    }  # fmt: skip
    with governed.write() as connection:
        connection.execute(sa.insert(operation_item), one_more)
    assert verify(governed, None).first_fault == Fault("row-added", "operation-7")


def test_what_is_undone_leaves_no_trace(governed: Record, clock: FakeClock) -> None:
    """The trail commits with what it tells of, or not at all."""

    def fail() -> None:
        with governed.write() as connection:
            record_act(connection, clock, CLOSED)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail()
    assert verify(governed, None).blocks == 0


def test_many_writers_of_one_stream_make_one_chain(governed: Record, clock: FakeClock) -> None:
    items(governed, clock, 1)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda chunk: items(governed, clock, chunk), range(2, 25)))
    result = verify(governed, None)
    assert (result.holds, result.blocks, result.rows) == (True, 24, 72)


@pytest.mark.parametrize("table", ["audit_act", "operation_item", "audit_block"])
@pytest.mark.parametrize(
    "verb",
    ["DELETE FROM {}", "UPDATE {} SET stream = 'x', old = 'x'", "TRUNCATE {} CASCADE"],
)
def test_the_database_refuses_every_change_of_the_trail(
    governed: Record, clock: FakeClock, table: str, verb: str
) -> None:
    """NEW-10: append-only, even by SQL. (SQLite has no TRUNCATE.)"""
    act(governed, clock)
    items(governed, clock)
    column = "old" if table == "operation_item" else "stream"
    statement = verb.format(table).replace("stream = 'x', old = 'x'", f"{column} = 'x'")
    with pytest.raises(sa.exc.DBAPIError, match=r"refused|syntax error"), governed.write() as c:
        c.exec_driver_sql(statement)
    assert verify(governed, None).rows == 4


def test_what_was_sealed_as_changed_stays_so(governed: Record, clock: FakeClock) -> None:
    """NEW-10: an item's outcome says whether it was changed; an item that is not sealed may get another."""
    items(governed, clock)
    later = {"outcome": "failed"}
    with pytest.raises(sa.exc.DBAPIError, match="refused"), governed.write() as connection:
        connection.execute(sa.update(operation_item).values(later))
    with governed.write() as connection:
        planned = {
            "operation_id": 8, "patient_id": 1, "field": "status", "subject_id": 0,
            "outcome": "will_change", "new": "x", "version_before": 1,
        }  # fmt: skip
        connection.execute(sa.insert(operation_item), planned)
        eight = operation_item.c.operation_id == 8
        assert (
            connection.execute(sa.update(operation_item).where(eight).values(later)).rowcount == 1
        )


# --- the key ---------------------------------------------------------------------------------------


def test_the_key_is_made_once_for_its_owner_alone(governed: Record, home: Path) -> None:
    path = home / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    unlock(governed, home)
    assert path.read_bytes() == before
    assert sorted(p.name for p in home.iterdir()) == [ANCHOR_FILE, KEY_FILE]


def test_processes_that_start_at_once_agree_on_one_key(record: Record, home: Path) -> None:
    def key(_: int) -> Any:
        other = Record.open(record.engine.url.render_as_string(hide_password=False))
        unlock(other, home)
        found = other.engine.get_execution_options()
        other.close()
        return found["cohort_audit_key"]

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(key, range(6)))) == 1


def test_a_trail_whose_key_is_lost_is_not_continued_with_another(
    governed: Record, clock: FakeClock, home: Path, tmp_path: Path
) -> None:
    act(governed, clock)
    with pytest.raises(RecordUnsafe, match="is not in this home"):
        unlock(governed, tmp_path / "elsewhere")
    for key in (b"another key, made up by somebody", None):
        use_key(governed, key)
        for subject in ("operation", "campaign"):  # a chain that exists, and one that would begin
            with pytest.raises(RecordUnsafe) as refusal:
                act(governed, clock, Act(**{**vars(CLOSED), "subject": subject}))
            assert refusal.value.code == "audit-key"
        assert verify(governed, None).first_fault == Fault("key-differs", "operation-7", 1)


@pytest.mark.parametrize(
    ("mode", "text", "code"),
    [
        (0o644, "00" * 32, "audit-key-open"),
        (0o600, "not a key", "audit-key-damaged"),
        (0o600, "00" * 8, "audit-key-damaged"),
    ],
)
def test_a_key_that_others_can_read_or_that_is_none_is_refused(
    sqlite_record: Record, home: Path, mode: int, text: str, code: str
) -> None:
    home.mkdir()
    (home / KEY_FILE).write_text(text)
    (home / KEY_FILE).chmod(mode)
    with pytest.raises(RecordUnsafe) as refusal:
        unlock(sqlite_record, home)
    assert refusal.value.code == code


def test_without_a_key_the_chain_is_a_plain_hash_and_says_so(
    record: Record, clock: FakeClock, home: Path
) -> None:
    act(record, clock)
    unlock(record, home)  # it goes on as it began, rather than not at all
    act(record, clock)
    result = verify(record, None)
    assert (result.holds, result.keyed, result.blocks) == (True, False, 2)
    assert not home.exists()


def test_an_act_may_tell_of_an_earlier_instant(governed: Record, clock: FakeClock) -> None:
    earlier = clock.now() - timedelta(hours=1)
    act(governed, clock, Act(**{**vars(CLOSED), "timestamp": earlier}))
    with governed.read() as connection:
        assert connection.execute(sa.select(audit_act.c.timestamp)).scalar_one() == earlier
