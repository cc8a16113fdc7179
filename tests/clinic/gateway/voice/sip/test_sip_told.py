"""ARC-8: what a call by SIP tells, from its end to what became of the patient in the record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.gateway.voice.sip.telling import Teller
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.inbox import RecordKeeper
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.receipts import address_decision
from clinic.settings import Phones
from tests.fakes import FakeClock
from tests.main_job import Practice


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Two patients whose phones ring."""
    made = Practice(sqlite_record, clock, tmp_path, channels=("voice",))
    made.patients(2)
    made.gateway.name = "calls"
    made.run(made.everybody(2), channel="voice")
    return made


def teller(practice: Practice) -> Teller:
    keeper = RecordKeeper(practice.record, practice.clock, Phones(test_range=True))
    return Teller("calls", keeper, practice.clock)


@pytest.mark.parametrize(
    ("end", "state", "reason"),
    [
        ({"answered": True, "who": "human", "heard": True}, "delivered", None),
        ({"answered": True, "who": "human"}, "accepted", None),
        ({"answered": True, "heard": True}, "accepted", None),
        ({"answered": True, "who": "machine", "heard": True}, "undelivered", "machine_answered"),
        ({"status": 486}, "undelivered", "busy"),
        ({"status": 404}, "undelivered", "number_does_not_exist"),
        ({}, "undelivered", "not_answered"),
    ],
)
def test_the_end_of_a_call_is_the_outcome_of_its_message(
    practice: Practice, end: Mapping[str, Any], state: str, reason: str | None
) -> None:
    whole = {"answered": False, "status": 0, "who": "", "heard": False, **end}
    with practice.record.read() as connection:
        first = connection.scalars(sa.select(message.c.id).order_by(message.c.id)).first()
    assert first is not None
    for _again in range(2):  # what comes again changes nothing
        asyncio.run(teller(practice).ended("call 1", first, whole))
        apply_receipts(practice.record, practice.clock)
    with practice.record.read() as connection:
        query = sa.select(message.c.state, message.c.reason).order_by(message.c.id)
        found = [(row.state, row.reason) for row in connection.execute(query)]
    assert found == [(state, reason), ("accepted", None)]


def test_who_pressed_9_is_not_called_again(practice: Practice) -> None:
    """ARC-8, NEW-5: an opt-out of calls, at once and by its number; texts are another decision."""
    assert asyncio.run(teller(practice).stopped("call 1", "+447700900001"))
    with practice.record.read() as connection:
        row = connection.execute(sa.select(address_decision)).one()
    assert (row.channel, row.address, row.decision) == ("voice", "+447700900001", "opt_out")
    practice.template("Come in.", key="other")
    again = practice.judge(
        practice.everybody(2), channel="voice", template="other", request_key="again"
    )
    assert again == {2: "opted_out", 3: "accepted"}


def test_without_a_record_nobody_is_told_that_calls_are_stopped(clock: FakeClock) -> None:
    """A test of the gateway keeps nothing, and so promises nothing."""
    assert not asyncio.run(Teller("calls", None, clock).stopped("call 1", "+447700900001"))
