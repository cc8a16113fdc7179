"""One clinical item a message, and it stays: COM-7 to COM-10, PAT-15 to PAT-17, ACX-3, ACX-32."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from clinic.message import states
from clinic.message.outcomes.save import STATUS_WORDS, save_batches, save_messages
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import clinical_item, patient
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients
from tests.main_job import Practice

CODES = ["699237001", "513631000000106"]


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.settings = practice.settings.model_copy(update={"batch_size": 2})
    practice.patients(4)
    return practice


def test_every_message_sent_is_an_item_on_its_patients_record(practice: Practice) -> None:
    """COM-7, COM-8, ACX-32: the message, the number, date and time sent, the status."""
    practice.template("Dear {{ patient.given_name }}", key="dear")
    practice.run(practice.everybody(4), template="dear")
    found = [(i.patient_id, i.text, i.address, i.sent_at, i.channel) for i in practice.items()]
    now = practice.clock.now()
    assert found == [
        (n, f"Dear Given{n}", f"+447700900{n:03}", now, "sms") for n in range(1, 5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (states.ACCEPTED, "pending", "Pending"),
        (states.UNKNOWN, "pending", "Pending"),
        (states.DELIVERED, "sent", "Sent Successfully"),
        (states.UNDELIVERED, "failed", "Send Failed"),
        (states.REJECTED, "failed", "Send Failed"),
    ],
)
def test_an_items_status_is_one_of_three(
    record: Record, clock: FakeClock, state: str, status: str, words: str
) -> None:
    """COM-6, COM-9: Pending until it is confirmed; a failed one shows the error."""
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    with record.write() as connection:
        connection.execute(
            sa.update(message).values(state=state, reason="number-barred", error_text="barred")
        )
        job = connection.execute(sa.select(campaign).where(campaign.c.id == number)).one()
        assert save_messages(connection, job, message.c.campaign_id == number, clock.now()) == 1
        row = connection.execute(sa.select(clinical_item)).one()
    assert (row.status, STATUS_WORDS[row.status]) == (status, words)
    error = ("number-barred", "barred") if status == "failed" else (None, None)
    assert (row.error_code, row.error_text) == error


@pytest.mark.parametrize(
    "state", [states.PENDING, states.SUPPRESSED, states.CANCELLED, states.EXPIRED, states.EXHAUSTED]
)
def test_what_was_never_tried_is_on_no_record(record: Record, clock: FakeClock, state: str) -> None:
    """ACX-35: cancelled ones never."""
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    with record.write() as connection:
        connection.execute(sa.update(message).values(state=state))
        job = connection.execute(sa.select(campaign)).one()
        assert save_messages(connection, job, message.c.campaign_id == number, clock.now()) == 0


def test_saved_when_delivered_a_message_that_failed_or_waits_writes_nothing(
    practice: Practice,
) -> None:
    """PAT-17: with `delivered` the item is written when the message has been delivered."""
    number = practice.begin(practice.everybody(4), save_when="delivered")
    practice.finish(number)
    assert practice.items() == []
    with practice.record.write() as connection:
        connection.execute(
            sa.update(message)
            .where(message.c.patient_id.in_([1, 2]))
            .values(state=states.DELIVERED)
        )
        connection.execute(
            sa.update(message).where(message.c.patient_id == 3).values(state=states.UNDELIVERED)
        )
        job = connection.execute(sa.select(campaign)).one()
        saved = save_messages(
            connection, job, message.c.campaign_id == number, practice.clock.now()
        )
    assert saved == 2
    assert [(i.patient_id, i.status) for i in practice.items()] == [(1, "sent"), (2, "sent")]


def test_the_codes_asked_for_are_saved_with_each_item(practice: Practice) -> None:
    """PAT-15, ACX-3."""
    practice.run(practice.everybody(4), snomed_codes=CODES)
    assert {item.snomed_codes for item in practice.items()} == {" ".join(CODES)}


def test_saving_is_a_choice_made_with_the_request(practice: Practice) -> None:
    """PAT-16."""
    summary = practice.run(practice.everybody(4), save_to_record=False)
    assert summary.outcomes == {"sent": 4}
    assert practice.items() == []


def test_a_rehearsal_writes_nothing_to_the_record(practice: Practice) -> None:
    """NEW-13."""
    practice.run(practice.everybody(4), dry_run=True)
    assert practice.items() == []


def test_saving_again_writes_nothing_twice(practice: Practice) -> None:
    practice.run(practice.everybody(4))
    before = practice.items()
    save_batches(practice.record, practice.clock, 1, 1, 2)
    with practice.record.write() as connection:  # also if it was killed before it said so
        connection.execute(sa.text("UPDATE batch SET saved = false"))
    save_batches(practice.record, practice.clock, 1, 1, 2)
    assert practice.items() == before


def test_a_batch_that_is_not_done_is_saved_later(practice: Practice) -> None:
    number = practice.begin(practice.everybody(4))
    practice.check(number)
    practice.stage(number)
    practice.send(number, 1)  # the first of two
    save_batches(practice.record, practice.clock, number, 1, 2)
    assert len(practice.items()) == 2
    practice.send(number, 2)
    save_batches(practice.record, practice.clock, number, 1, 2)
    assert len(practice.items()) == 4


def test_a_refused_message_is_on_the_record_with_its_error(practice: Practice) -> None:
    """COM-9: Send Failed, with the error message."""
    practice.gateway = FakeGateway(plan=["reject"])
    practice.run(practice.everybody(4))
    failed = [(i.status, i.error_code, i.error_text) for i in practice.items()]
    assert failed == [("failed", "number-barred", "barred")] * 2 + [("pending", None, None)] * 2


# --- COM-10 ----------------------------------------------------------------------------------------

EVERY_WAY = [
    "DELETE FROM clinical_item",
    "DELETE FROM clinical_item WHERE id > 0",
    "DELETE FROM patient WHERE id = 1",
    "DELETE FROM campaign WHERE id = 1",
    "DELETE FROM message",
    "DELETE FROM message WHERE id > 0",
    "UPDATE message SET body = 'nothing'",
    "UPDATE message SET body = ''",
    "UPDATE message SET body = '[erased]'",
    "UPDATE message SET address = '+447700900999'",
    "UPDATE message SET subject = 'x'",
    "UPDATE message SET patient_id = patient_id + 1",
    "UPDATE message SET campaign_id = 2",
    "UPDATE message SET id = id + 1",
    "UPDATE message SET channel = 'email'",
    "UPDATE clinical_item SET patient_id = 2",
    "UPDATE clinical_item SET campaign_id = 2",
    "UPDATE clinical_item SET id = id + 1",
    "UPDATE clinical_item SET sent_at = NULL",
    "UPDATE clinical_item SET channel = 'email'",
    "UPDATE clinical_item SET snomed_codes = 'x'",
]
ON_SQLITE = [
    "REPLACE INTO clinical_item SELECT * FROM clinical_item",
    "REPLACE INTO message SELECT * FROM message",
]
ON_POSTGRESQL = [
    "TRUNCATE message",
    "TRUNCATE clinical_item",
    "TRUNCATE patient CASCADE",
    "TRUNCATE campaign CASCADE",
    "DELETE FROM ONLY clinical_item",
]


def saved(practice: Practice) -> list[sa.Row[tuple[object, ...]]]:
    practice.run(practice.everybody(4))
    return practice.items()


def attempt(practice: Practice, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"refused|Violation|constraint"),
        practice.record.write() as connection,
    ):
        connection.execute(sa.text(statement))


@pytest.mark.parametrize("statement", EVERY_WAY)
def test_what_was_sent_can_neither_be_deleted_nor_rewritten(
    practice: Practice, statement: str
) -> None:
    """COM-10: every path is refused, by the database itself."""
    before = saved(practice)
    attempt(practice, statement)
    assert practice.items() == before


def test_nor_by_the_ways_that_only_one_database_has(practice: Practice) -> None:
    """COM-10: TRUNCATE and its cascades, REPLACE."""
    before = saved(practice)
    ways = ON_SQLITE if practice.record.dialect == "sqlite" else ON_POSTGRESQL
    for statement in ways:
        attempt(practice, statement)
        assert practice.items() == before, statement


def test_only_the_status_follows_the_receipts(practice: Practice) -> None:
    """COM-9, COM-10: the one thing about an item that may change."""
    saved(practice)
    with practice.record.write() as connection:
        connection.execute(sa.update(clinical_item).values(status="sent"))
    assert {item.status for item in practice.items()} == {"sent"}


def test_a_patient_who_leaves_keeps_their_items(practice: Practice) -> None:
    saved(practice)
    with practice.record.write() as connection:
        connection.execute(sa.update(patient).values(status="discharged", mobile=None))
    assert len(practice.items()) == 4
