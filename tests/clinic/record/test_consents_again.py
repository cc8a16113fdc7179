"""ARC-11: after the upgrade every consent is read again, of files and of servers that said it before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.systems.imports import patient_digest
from clinic.record.systems.sync_runs import begin_run, fetched_before, note_run
from tests.fakes import FakeClock

KINDS = ("consents", "appointments")


def of_version(record: Record, clock: FakeClock, version: str) -> Record:
    """With what was imported of two kinds, and until when each server was asked."""
    drop_everything(record)
    migrate(record, version)
    with record.write() as connection:
        connection.execute(sa.text("INSERT INTO patient (id, nhs_number) VALUES (1, '9990000018')"))
        for kind in KINDS:
            row = {"patient_id": 1, "source": f"{kind}/emis", "digest": 7, "version": 1}
            connection.execute(sa.insert(patient_digest).values(**row))
            run = begin_run(connection, "emis", kind, clock.now())
            note_run(connection, run, state="imported", asked="2026-03-01")
    return record


@pytest.mark.parametrize("before", ["0142", "0145"])
def test_consents_are_read_again_and_nothing_else(
    record: Record, clock: FakeClock, before: str
) -> None:
    old = of_version(record, clock, before)
    migrate(old)
    with old.read() as connection:
        known = connection.scalars(sa.select(patient_digest.c.source)).all()
        asked = [kind for kind in KINDS if fetched_before(connection, "emis", kind)]
    assert (known, asked) == (["appointments/emis"], ["appointments"])
