"""
Every column that is said to be sealed, edited by SQL: `verify` finds each edit and names table and row.

Generated from the schema: a sealed column that an edit does not show, or a new column that nobody decided
about, fails here. On PostgreSQL one column a table, since the rules are the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clinic.govern.audit.seals import kept_marks
from clinic.govern.audit.tables import SEALED, Key, Row, Whole
from clinic.govern.audit.trail import Fault, verify
from clinic.govern.people.facilities import tie
from clinic.personal_data.erase.restrict import set_restriction
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, audit_block, audit_row_seal
from clinic.record.schema.people import clinical_item, facility
from clinic.record.types import UtcDateTime
from tests.clinic.govern.busy import make_busy
from tests.fakes import FakeClock

# Columns of sealed tables that are not sealed, and why: a new column is sealed or stands here
FREE = {
    "operator": {"wrong_tries", "locked_until"},  # how often somebody typed a wrong secret
    "operator_mfa": {"last_step"},  # of the last code that was taken
    "approval": {"flow_run_id"},  # which run waits
    "campaign": {  # how far it is, when and how fast it may
        "batch_size", "canary_passed", "canary_size", "canary_until", "checked_rows", "doubt_said",
        "doubt_since", "doubt_until", "finished_at",
        # In the manifest, which is sealed
        "gateways", "gateway_shares", "fallback", "fallback_after", "fallback_version_id",
        "fallback_gateways", "fallback_epoch", "attachment_sha256",
        "halt_told_at", "halted_at", "latest_start", "pace_day", "pace_hour", "pace_second",
        "released_at", "resumed_at", "rewritten", "row_version", "rows", "send_guard", "staged_rows",
        "stagger_days", "start_at", "state", "state_reason", "workers",
    },
    # Read from its cells or its file, and a list's digest is sealed; what went has a stub, or an act, which is
    "cohort_list": {
        "as_of", "as_of_from", "emptied_at", "emptied_by", "emptied_why", "kept", "rows_gone_at",
    },
    # How its number was judged, by which message it is told, and through which gateway it went, which its
    # submission says too: its text, address and state are sealed
    "message": {"attempts", "gateway", "greeting", "sensitive", "told_by"},
    # The message has the address; its text has the day that it asks to keep
    "recipient": {"address", "detail", "evidence", "keep_day", "record_version"},
    "operation": {  # how far it is; its digest is the approval's
        "approval_id", "digest", "finished_at", "planned_at", "selected", "started_at", "state",
        "state_reason", "will_change",
    },
    "operation_item": {"new", "old", "version_before"},  # of those changed: sealed by their chunk
    "selection_row": {"given"},  # what somebody typed, and may want erased
    "clinical_item": {"id", "snomed_codes", "status_at"},
    # What triggers let go while it is open; the acts of what went say it too, and those are sealed
    "redaction": {"what", "removes_before"},
}  # fmt: skip


def columns_of(spec: Row | Whole) -> list[str]:
    if isinstance(spec, Row):
        return [*dict.fromkeys((spec.key, *spec.fixed, *spec.moving))]
    return list(spec.names)


def test_each_column_of_a_sealed_table_is_sealed_or_says_why_not() -> None:
    for name, spec in SEALED.items():
        whose = () if isinstance(spec, Row) else (spec.owned_by,)
        rest = set(spec.table.c.keys()) - {*whose, *columns_of(spec)}
        assert rest == FREE.get(name, set()), name


def test_every_sealed_column_that_is_edited_is_found_and_named(
    governed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-10: messages, campaigns, lists, templates, overrides, operations, approvals, operators, settings."""
    make_busy(governed, clock, tmp_path)
    with governed.write() as connection:
        set_restriction(connection, clock, 6, ground="disputed", asked_by="ann", approved_by="mia")
        connection.execute(facility.insert().values(id=901, code="North", name="North"))
        tie(connection, clock, "root", ["North"], by="root")
    _without_triggers(governed)
    whole = verify(governed, None)
    assert whole.first_fault is None
    keys = _sealed_keys(governed)
    # One that was approved by two, and what is edited of it: tests/clinic/govern/redact/test_sealed.py
    assert set(keys) == set(SEALED) - {"redaction"}, "each sealed table has a row here"
    missed = []
    for name in keys:
        spec = SEALED[name]
        columns = columns_of(spec)
        for column in columns if governed.dialect == "sqlite" else columns[-1:]:
            fault = _after_edit(governed, spec.table, _one_row(spec, keys[name]), column)
            if not _names(fault, spec, column, keys[name]):
                missed.append((name, column, fault))
    assert missed == []
    assert verify(governed, None) == whole, "each edit was taken back"


def test_every_edit_of_an_item_or_of_the_trail_itself_is_found(
    governed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """What is compared with what is sealed, and the chain."""
    make_busy(governed, clock, tmp_path)
    _without_triggers(governed)
    missed = []
    for table in (clinical_item, audit_act, audit_block, audit_row_seal):
        columns = [name for name in table.c.keys() if name not in FREE.get(table.name, ())]
        for column in columns if governed.dialect == "sqlite" else columns[-1:]:
            if _after_edit(governed, table, sa.true(), column) is None:
                missed.append((table.name, column))
    assert missed == []


def _names(fault: Fault | None, spec: Row | Whole, column: str, key: Key) -> bool:
    """The row itself; one whose key was changed is gone, and another was put in."""
    if fault is None or fault.table != spec.table.name:
        return False
    if isinstance(spec, Row) and column == spec.key:
        return fault.code in ("row-removed", "row-added")
    return (fault.code, fault.key) == ("row-edited", key)


def _sealed_keys(record: Record) -> dict[str, Key]:
    """Of each sealed table, a row that an act speaks of."""
    s = audit_row_seal.c
    with record.read() as connection:
        blocks = connection.execute(sa.select(s.stream, s.number).distinct()).all()
        return {
            marks.table: next(marks.pairs())[0]
            for stream, number in sorted(blocks)
            for marks in kept_marks(connection, stream, number)
        }


def _one_row(spec: Row | Whole, key: Key) -> sa.ColumnElement[bool]:
    if isinstance(spec, Row):
        return spec.table.c[spec.key] == key
    return sa.and_(spec.owner == key, *spec.only)


def _after_edit(
    record: Record, table: sa.Table, which: sa.ColumnElement[bool], column: str
) -> Fault | None:
    """What `verify` finds when one row has another value there; then it has the old one again."""
    order = list(table.primary_key)
    with record.read() as connection:
        query = sa.select(table).where(which).order_by(*order).limit(1)
        before = connection.execute(query).mappings().one()
    other = _another(table.c[column], before[column])
    row = {**before, column: other}
    _write(record, table, row_is(table, before), {column: other})
    try:
        return verify(record, None).first_fault
    finally:
        _write(record, table, row_is(table, row), {column: before[column]})


def row_is(table: sa.Table, row: Any) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == row[column.name] for column in table.primary_key))


def _another(column: sa.Column[Any], value: Any) -> Any:
    """Another value that the column takes."""
    if isinstance(column.type, UtcDateTime):
        return value + timedelta(days=1) if value else datetime(2020, 1, 1, tzinfo=UTC)
    kind = column.type.python_type
    if kind is bool:
        return not value
    if kind is int:
        return (value or 0) + 1_000
    if kind is bytes:
        return bytes([value[0] ^ 1]) + value[1:] if value else b"x"
    return value[:-1] + ("x" if value[-1] != "x" else "y") if value else "x"


def _without_triggers(record: Record) -> None:
    """Who owns the database drops them; on PostgreSQL they are passed by (`_write`)."""
    if record.dialect != "sqlite":
        return
    with record.write() as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for name in connection.exec_driver_sql(names).scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")


def _write(
    record: Record, table: sa.Table, which: sa.ColumnElement[bool], values: dict[str, Any]
) -> None:
    """Neither triggers, foreign keys nor checks are in the way."""
    with record.engine.connect() as connection:
        if record.dialect == "sqlite":
            driver = connection.connection.driver_connection
            assert driver is not None
            for name, how in (("foreign_keys", "OFF"), ("ignore_check_constraints", "ON")):
                driver.execute(f"PRAGMA {name} = {how}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        changed = connection.execute(sa.update(table).where(which).values(values)).rowcount
        connection.commit()
        if record.dialect == "sqlite":
            for name, how in (("foreign_keys", "ON"), ("ignore_check_constraints", "OFF")):
                driver.execute(f"PRAGMA {name} = {how}")
        else:
            connection.exec_driver_sql("SET session_replication_role = DEFAULT")
    assert changed == 1, (table.name, values)
