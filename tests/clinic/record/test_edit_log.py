"""What somebody else edited is noted by patient and field, and no value of it is kept (NEW-36)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.cohort.files import open_list
from clinic.imports.options import Options
from clinic.imports.patients.run import import_patients
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.change import field_edit, operation_item
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.servers.postgres_copies import Copies

REFUGE = "14 Refuge Lane Caerphilly"
MOVED = "2 New Street Wrexham"
ITEM = ("operation_id", "patient_id", "field", "subject_id", "outcome", "version_before")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Record]:
    """A database without tables, as it is before the first migration."""
    if request.param == "sqlite":
        record = Record.open(f"sqlite:///{tmp_path / 'old.db'}")
        yield record
        record.close()
        return
    copies: Copies = request.getfixturevalue("postgres_copies")
    with copies.empty() as url:
        record = Record.open(url)
        drop_everything(record)
        yield record
        record.close()


def on_the_disk(record: Record, table: str) -> bytes:
    """Every byte that the database keeps of a table (SQLite: of everything, the write-ahead log too)."""
    if record.dialect == "sqlite":
        at = Path(make_url(str(record.engine.url)).database or "")
        return b"".join(path.read_bytes() for path in at.parent.glob(at.name + "*"))
    with record.write() as connection:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pageinspect")
        pages = connection.exec_driver_sql(f"SELECT pg_relation_size('{table}') / 8192").scalar()
        return b"".join(
            connection.exec_driver_sql(f"SELECT get_raw_page('{table}', {n})").scalar() or b""
            for n in range(int(pages or 0))
        )


def test_an_upgrade_takes_the_values_that_were_noted(empty: Record) -> None:
    """NEW-36: old and new values of an address, of which none stays on the disk; the notes do."""
    migrate(empty, "0096")
    with empty.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO field_edit (patient_id, field, subject_id, old, new, edited_at) VALUES "  # noqa: S608  ours
            f"(7, 'address', 0, '{REFUGE}', '{MOVED}', '2026-03-02 10:00:00.000000+00')"
        )
    assert REFUGE.encode() in on_the_disk(empty, "field_edit"), "it cannot be found at all"
    migrate(empty)
    if empty.dialect == "sqlite":
        with empty.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    left = on_the_disk(empty, "field_edit")
    assert REFUGE.encode() not in left
    assert MOVED.encode() not in left
    with empty.read() as connection:
        noted = connection.execute(sa.select(field_edit.c.patient_id, field_edit.c.field)).all()
    assert [tuple(row) for row in noted] == [(7, "address")]


def test_an_import_that_changes_a_contact_is_noted_by_key_and_field(
    record: Record, tmp_path: Path
) -> None:
    """NEW-36: of whom and which field; the number and the address are in the patient's row alone."""
    head = "NHS Number,Given Name,Family Name,Date of Birth,Mobile Telephone,E-mail Address"
    person = "9990000018,Sian,Llwyd,31/12/1980"
    path = tmp_path / "patients.csv"
    for contact in ("07700900123,old@example.org", "07700900456,new@example.org"):
        path.write_text(f"{head}\n{person},{contact}\n", encoding="utf-8")
        import_patients(record, FakeClock(), open_list(path), Options(by="nia"))
        with record.write() as connection:
            key = connection.execute(sa.select(patient.c.id)).scalar_one()
            if not connection.execute(sa.select(operation_item)).first():
                insert_rows(connection, operation_item, ITEM, [(1, key, "tag", 1, WILL_CHANGE, 1)])
    with record.read() as connection:
        edits = connection.execute(sa.select(field_edit).order_by(field_edit.c.field)).mappings()
        found = [dict(row) for row in edits]
    assert [(row["patient_id"], row["field"]) for row in found] == [(key, "email"), (key, "mobile")]
    told = " ".join(str(value) for row in found for value in row.values())
    assert "0770" not in told
    assert "example.org" not in told


def test_what_is_overwritten_is_not_legible_in_the_file(sqlite_record: Record) -> None:
    """NEW-36: SQLite would leave it in a free place of a page until that is used again."""
    with sqlite_record.read() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
