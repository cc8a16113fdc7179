"""A statement that is made once is asked of each moment as it is then."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.people import appointment
from clinic.record.statements.made import Instant, Made, keep, known
from tests.fakes import FakeClock
from tests.ledgers import add_patients


@pytest.mark.parametrize("before", [timedelta(0), timedelta(days=7), timedelta(microseconds=1)])
def test_each_time_its_own_instant(record: Record, clock: FakeClock, before: timedelta) -> None:
    add_patients(record, 1)
    starts = clock.now()
    instant = Instant()
    since = instant - before
    query = sa.select(appointment.c.id).where(appointment.c.starts_at <= since)
    made = Made(query.where(appointment.c.patient_id == sa.bindparam("whose")), instant)
    with record.write() as connection:
        connection.execute(
            sa.insert(appointment).values(id=1, patient_id=1, starts_at=starts, status="booked")
        )
        step = timedelta(microseconds=1)
        cases = [(starts + before, 1, [1]), (starts + before - step, 1, []), (starts, 2, [])]
        for now, whose, expected in cases:
            found = connection.scalars(made.statement, made.values(now, {"whose": whose}))
            assert list(found) == expected, now


def test_a_key_brings_its_own() -> None:
    one, other = (Made(sa.select(sa.literal(n)), Instant()) for n in range(2))
    assert keep(("a key", 1), one) is one
    assert keep(("a key", 2), other) is other
    assert known(("a key", 1)) is one
    assert known(("a key", 3)) is None
