"""NEW-15: no number of a decision comes again after the upgrade, also none that an import took back."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.people import consent
from tests.fakes import FakeClock

OLD = (
    "INSERT INTO patient (id, nhs_number) VALUES (1, '9990000018')",
    "INSERT INTO consent (id, patient_id, channel, decision, decided_at, source, code, taken_by) "
    "VALUES (4, 1, 'sms', 'opt_out', '2026-01-05 10:00:00.000000', 'staff', NULL, 'nia')",
    "INSERT INTO import_run (id, kind, source, sha256, rows, began_at, began_by) "
    "VALUES (1, 'consents', 'emis', 'aa', 1, '2026-01-05 10:00:00.000000', 'nia')",
    "INSERT INTO import_added (import_id, table_name, first_id, last_id) VALUES (1, 'consent', 5, 7)",
)


def test_decisions_are_as_they_were_and_the_next_number_is_new(
    sqlite_record: Record, clock: FakeClock
) -> None:
    drop_everything(sqlite_record)
    migrate(sqlite_record, "0144")
    with sqlite_record.write() as connection:
        for statement in OLD:
            connection.execute(sa.text(statement))
        before = [tuple(row) for row in connection.execute(sa.select(consent))]
    migrate(sqlite_record)
    row = {"patient_id": 1, "channel": "sms", "decision": "opt_out", "source": "reply"}
    for number in (8, 9):
        with sqlite_record.write() as connection:
            made = connection.execute(sa.insert(consent).values(**row, decided_at=clock.now()))
            assert made.inserted_primary_key == (number,)
            connection.execute(sa.delete(consent).where(consent.c.id == number))
    with sqlite_record.read() as connection:
        assert [tuple(row) for row in connection.execute(sa.select(consent))] == before
