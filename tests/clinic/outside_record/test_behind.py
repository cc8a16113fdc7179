"""Health and `today` tell what is not saved outside, and nothing of what only waits."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from clinic.health.facts import Facts
from clinic.health.judge import judge
from clinic.health.record_facts import read_facts
from clinic.record.database import Record
from clinic.record.schema.systems.outside_record import outside_item, outside_side
from clinic.record.systems.outside_behind import outside_behind
from clinic.settings import Settings
from tests.fakes import FakeClock


def told(record: Record, clock: FakeClock) -> tuple[str, ...]:
    with record.read() as connection:
        return outside_behind(connection, clock.now())


def put(record: Record, clock: FakeClock, *states: str) -> None:
    with record.write() as connection:
        rows = [
            {
                "kind": "message",
                "item_id": n,
                "state": state,
                "wanted": "sent",
                "changed_at": clock.now(),
            }
            for n, state in enumerate(states)
        ]
        connection.execute(sa.insert(outside_item), rows)


def test_what_was_refused_is_told_and_what_waits_is_not(record: Record, clock: FakeClock) -> None:
    """NEW-11: a save that failed is somebody's to see, without asking for it."""
    assert told(record, clock) == ()
    put(record, clock, "waiting", "saved")
    assert told(record, clock) == ()
    put_refused = sa.update(outside_item).where(outside_item.c.item_id == 0)
    with record.write() as connection:
        connection.execute(put_refused.values(state="refused"))
    assert told(record, clock) == ("1 refused by the record outside",)
    facts = Facts(at=clock.now(), record=read_facts(record, clock, Settings()), prefect=None)
    found = {one.code: one for one in judge(facts, Settings().health)}
    assert found["outside-behind"].do == "cohort record status"
    clock.sleep(timedelta(days=8).total_seconds())
    assert told(record, clock) == (), "it is listed, and nobody is told of it for ever"


def test_a_system_that_is_closed_is_told_after_an_hour(record: Record, clock: FakeClock) -> None:
    with record.write() as connection:
        connection.execute(
            sa.insert(outside_side).values(
                name="fhir", trouble="it is busy", trouble_since=clock.now()
            )
        )
    assert told(record, clock) == ()
    clock.sleep(timedelta(hours=1).total_seconds())
    assert told(record, clock) == ("the record outside takes nothing for over an hour: it is busy",)
