"""NEW-39: the text of a message stands once; an older record loses none when it is upgraded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import RecordUnsafe
from clinic.gateway.outbox import read_outbox
from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.messages import message
from clinic.record.types import UtcDateTime
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def old(record: Record, clock: FakeClock) -> Record:
    """As it was: three messages, each on the record and in the outbox with its text."""
    drop_everything(record)
    migrate(record, "0114")
    add_patients(record, 3)
    add_campaign(record, clock, 3)
    with record.write() as connection:
        run(
            connection,
            "INSERT INTO clinical_item (id, patient_id, campaign_id, channel, address, text, status, "
            "status_at) SELECT id, patient_id, campaign_id, channel, address, body, 'sent', :at FROM message",
            at=AT,
        )
        run(
            connection,
            "INSERT INTO outbox_submission (id, key, channel, taken_at) VALUES (1, 'k', 'sms', :at)",
            at=AT,
        )
        run(
            connection,
            "INSERT INTO outbox (submission_id, reference, address, body) "
            "SELECT 1, id, address, body FROM message",
        )
    return record


def run(connection: sa.Connection, statement: str, **values: Any) -> None:
    times = [sa.bindparam(name, type_=UtcDateTime()) for name in values]
    connection.execute(sa.text(statement).bindparams(*times), values)


def texts(record: Record) -> list[tuple[int, str, str]]:
    m = message.c
    with record.read() as connection:
        rows = connection.execute(sa.select(m.patient_id, m.address, m.body).order_by(m.patient_id))
        return [tuple(row) for row in rows]


def test_a_text_that_only_the_item_has_comes_back_to_the_ledger(old: Record) -> None:
    before = texts(old)
    with old.write() as connection:
        run(connection, "DELETE FROM message WHERE patient_id = 2")
    migrate(old)
    assert texts(old) == before
    assert {(one.to, one.same) for one in read_outbox(old)} == {(to, None) for _, to, _ in before}


def test_an_item_that_says_another_thing_than_its_message_stops_the_upgrade(
    old: Record, tmp_path: Path
) -> None:
    before = texts(old)
    with old.write() as connection:
        run(connection, "UPDATE message SET body = 'other words' WHERE patient_id = 2")
    with pytest.raises(RecordUnsafe, match="1 clinical items say another thing"):
        migrate(old)
    with old.write() as connection:  # nothing was changed: what the item says is still there
        run(
            connection,
            "UPDATE message SET body = (SELECT text FROM clinical_item i WHERE i.id = message.id)",
        )
    assert texts(old) == before
    migrate(old)


def test_no_copy_of_a_text_is_left_in_the_file(old: Record) -> None:
    """In no table but the ledger, nor in a page that was given up."""
    migrate(old)
    if old.dialect == "sqlite":
        with old.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        path = Path(str(old.engine.url.database))
        assert path.read_bytes().count(b"Hello 2") == 1
    with old.read() as connection:
        columns = {
            (table, column["name"])
            for table in ("clinical_item", "outbox")
            for column in sa.inspect(connection).get_columns(table)
        }
    assert {name for _, name in columns}.isdisjoint({"address", "text", "body", "subject"})
