"""What was messaged, asked, decided and selected is found when it is edited behind the program's back."""

# ruff: noqa: S608  the tamperer writes SQL by hand

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.outbox import Outbox
from clinic.gateway.received import Receipt
from clinic.govern.audit.derived import unlike_their_messages
from clinic.govern.audit.tables import DERIVED, NOT_SEALED, SEALED
from clinic.govern.audit.trail import Fault, verify
from clinic.message.campaign.trail import tell_requested
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.save import save_batches
from clinic.message.sending.deliver import deliver
from clinic.message.states import OUTBOX
from clinic.record.database import Record
from clinic.record.schema import METADATA
from clinic.record.schema.people import clinical_item
from tests.clinic.govern.busy import ONE, TWO, make_busy, past_the_program
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id

THREE = message_id(1, 3)


def test_every_table_is_sealed_or_says_why_not() -> None:
    """NEW-10: a new table that nobody decided about fails here."""
    lists = (set(SEALED), set(DERIVED), set(NOT_SEALED))
    assert set.union(*lists) == set(METADATA.tables)
    assert sum(map(len, lists)) == len(METADATA.tables)
    assert all(NOT_SEALED.values())


def test_the_columns_named_are_the_tables_own() -> None:
    for spec in SEALED.values():
        named = getattr(spec, "names", None) or (*spec.fixed, *spec.moving)  # type: ignore[union-attr]
        assert set(named) <= set(spec.table.c.keys()), spec.table.name


@pytest.fixture
def busy(governed: Record, clock: FakeClock, tmp_path: Path) -> Record:
    return make_busy(governed, clock, tmp_path)


def test_what_the_outbox_keeps_is_as_it_was_written(
    governed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-9: its items say that nothing was sent, which no other message's may."""
    add_patients(governed, 2)
    number = add_campaign(governed, clock, 2, gateway=OUTBOX)
    deliver(make_ledger(governed, clock, tmp_path), Outbox(governed, "sms"), number, 1, 1)
    save_batches(governed, clock, number, 1, 1)
    with governed.read() as connection:
        assert set(connection.scalars(sa.select(clinical_item.c.status))) == {"kept"}
        assert list(unlike_their_messages(connection)) == []
    with governed.write() as connection:
        connection.execute(
            sa.update(clinical_item).where(clinical_item.c.patient_id == 2).values(status="sent")
        )
    with governed.read() as connection:
        assert [fault.patient_id for fault in unlike_their_messages(connection)] == [2]


# Table, the row, what is set in it, and whose it is said to be
EDITS: list[tuple[str, str, str, int | str, int | None]] = [
    ("message", f"id = {ONE}", "body = 'other words'", ONE, 1),
    ("message", f"id = {TWO}", "address = '+447700900999'", TWO, 2),
    ("message", f"id = {TWO}", "state = 'delivered'", TWO, 2),
    ("message", f"id = {TWO}", "state = 'pending'", TWO, 2),
    ("message", f"id = {THREE}", "patient_id = 77", THREE, 77),
    ("message", f"id = {message_id(1, 6)}", "state = 'accepted'", message_id(1, 6), 6),
    ("message", f"id = {ONE}", "sent_at = '2020-01-01 00:00:00'", ONE, 1),
    ("clinical_item", f"id = {ONE}", "status = 'failed'", ONE, 1),
    ("clinical_item", f"id = {TWO}", "channel = 'email'", TWO, 2),
    ("campaign", "id = 1", "requested_by = 'mia'", 1, None),
    ("campaign", "id = 1", "dry_run = true", 1, None),
    ("approval", "id = 1", "decided_by = 'max'", 1, None),
    ("approval", "id = 1", "note = 'not looked at'", 1, None),
    ("approval", "id = 1", "requested_by = 'tim'", 1, None),
    ("operator", "name = 'ann'", "role = 'manager'", "ann", None),
    ("operator", "name = 'mia'", "secret_hash = 'x'", "mia", None),
    ("operator", "name = 'mia'", "active = false", "mia", None),
    ("operator", "name = 'ann'", "created_by = 'mia'", "ann", None),
    ("selection", "id = 1", "taken_by = 'mia'", 1, None),
    (
        "selection_row",
        "selection_id = 1 AND row_number = 3",
        "patient_id = 5, outcome = 'selected'",
        1,
        None,
    ),
    ("selection_row", "selection_id = 1 AND row_number = 1", "outcome = 'duplicate'", 1, None),
]


def test_each_edit_behind_the_programs_back_is_found_and_named(busy: Record) -> None:
    """NEW-10: of whoever was messaged, asked, decided, selected, and of who is who."""
    assert verify(busy, None).first_fault is None
    for table, where, edit, key, patient in EDITS:
        with undone(busy, table, where):
            past_the_program(busy, f"UPDATE {table} SET {edit} WHERE {where}")
            fault = verify(busy, None).first_fault
        assert fault is not None, (table, edit)
        said = (fault.code, fault.table, fault.key, fault.patient_id)
        assert said == ("row-edited", table, key, patient), edit
    assert verify(busy, None).first_fault is None


@pytest.mark.parametrize("table", ["message", "clinical_item", "approval", "operator", "selection"])
def test_a_row_that_is_gone_is_found_and_nobody_elses_is_named(busy: Record, table: str) -> None:
    where = {"message": f"id = {TWO}", "clinical_item": f"id = {TWO}", "operator": "name = 'ann'"}
    past_the_program(busy, f"DELETE FROM {table} WHERE {where.get(table, 'id = 1')}")
    fault = verify(busy, None).first_fault
    assert fault is not None
    assert (fault.code, fault.table) == ("row-removed", table)
    assert fault.patient_id in (None, 2)


def test_a_row_that_was_put_in_is_found(busy: Record, clock: FakeClock) -> None:
    number = add_campaign(busy, clock, 1)  # straight into the tables: nobody asked for it
    assert verify(busy, None).first_fault == Fault(
        "row-added", f"campaign-{number}", table="campaign", key=number
    )


def test_what_was_edited_stays_found_when_the_program_seals_the_row_again(
    busy: Record, clock: FakeClock
) -> None:
    past_the_program(busy, f"UPDATE message SET body = 'other words' WHERE id = {TWO}")
    keep_receipts(busy, clock, [Receipt("fake", "e2", TWO, "delivered", None, None, None)])
    apply_receipts(busy, clock)
    fault = verify(busy, None).first_fault
    assert fault is not None
    assert (fault.code, fault.table, fault.key, fault.patient_id) == (
        "row-edited",
        "message",
        TWO,
        2,
    )


def test_an_edited_seal_is_found(busy: Record) -> None:
    past_the_program(busy, "DELETE FROM audit_row_seal WHERE stream = 'campaign-1' AND number = 2")
    assert verify(busy, None).first_fault == Fault(
        "row-edited", "campaign-1", 2, table="audit_row_seal"
    )


def test_what_is_older_than_its_seals_is_counted_as_not_seen(
    governed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    add_patients(governed, 3)
    add_campaign(governed, clock, 3)
    with governed.write() as connection:  # as a record of before: sent, and nothing sealed
        connection.exec_driver_sql("UPDATE message SET state = 'delivered'")
    add_campaign(governed, clock, 1)
    with governed.write() as connection:
        tell_requested(connection, 2, clock.now())
    result = verify(governed, None)
    assert result.holds
    assert [(each.table, each.count, each.first) for each in result.not_seen] == [
        ("campaign", 1, (1,)),
        ("cohort_list", 2, (1, 2)),  # put straight into the tables, as the template
        ("template", 1, (1,)),
        ("template_version", 1, (1,)),
        ("message", 3, (1,)),
    ]


@contextlib.contextmanager
def undone(record: Record, table: str, where: str) -> Iterator[None]:
    """The rows are as they were when this ends."""
    columns = METADATA.tables[table].c
    with record.read() as connection:
        before = (
            connection.execute(sa.text(f"SELECT * FROM {table} WHERE {where}")).mappings().all()
        )
    yield
    for row in before:
        with record.engine.connect() as connection:
            if record.dialect == "postgresql":
                connection.exec_driver_sql("SET session_replication_role = replica")
            names = [name for name in row if name in columns]
            sets = ", ".join(f"{name} = :{name}" for name in names)
            connection.execute(sa.text(f"UPDATE {table} SET {sets} WHERE {where}"), dict(row))
            connection.commit()
            if record.dialect == "postgresql":
                connection.exec_driver_sql("SET session_replication_role = DEFAULT")
