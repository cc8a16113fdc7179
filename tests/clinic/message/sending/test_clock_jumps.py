"""2.10: the machine's clock is set back or forward while the work waits or a gateway is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing
from clinic.message.sending.deliver import PATIENCE, deliver
from clinic.message.sending.late_answers import patiently
from clinic.record.database import Record
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

JUMPS = [timedelta(hours=-3), timedelta(seconds=-40), timedelta(seconds=40), timedelta(hours=30)]


class Jumping(FakeClock):
    """Is set to another time within its first wait; what has gone by is known all the same."""

    def __init__(self, jump: timedelta) -> None:
        super().__init__()
        self.jump = jump

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.leap()

    def leap(self) -> None:
        self.time += self.jump
        self.jump = timedelta()


class Leaping(FakeGateway):
    """The clock is set while the gateway is asked."""

    def __init__(self, clock: Jumping, gateway_class: GatewayClass) -> None:
        super().__init__(gateway_class)
        self.clock = clock

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        self.clock.leap()
        return super().send(key, messages, per_request=per_request, only=only)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_within_a_wait_neither_sits_it_out_nor_sends_twice(
    sqlite_record: Record, tmp_path: Path, jump: timedelta
) -> None:
    """What cannot be sent yet by the new time is left to a later run, which sends it."""
    clock = Jumping(jump)
    add_patients(sqlite_record, 60)
    number = add_campaign(sqlite_record, clock, 60, batch_size=20)
    gateway = FakeGateway(plan=["ok", "busy", "busy"])
    ledger = make_ledger(sqlite_record, clock, tmp_path)
    deliver(ledger, gateway, number, 1, 3)
    assert clock.slept <= PATIENCE.total_seconds() + 1
    clock.time += timedelta(hours=4)  # as time goes by
    deliver(ledger, gateway, number, 1, 3)
    assert message_states(sqlite_record, number) == {"accepted": 60}
    assert set(gateway.received.values()) == {1}


@pytest.mark.parametrize("gateway_class", ["I", "B"])
@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_while_the_gateway_is_asked_throws_no_answer_away(
    sqlite_record: Record, tmp_path: Path, jump: timedelta, gateway_class: GatewayClass
) -> None:
    clock = Jumping(jump)
    add_patients(sqlite_record, 60)
    number = add_campaign(sqlite_record, clock, 60, batch_size=20)
    gateway = Leaping(clock, gateway_class)
    ledger = make_ledger(sqlite_record, clock, tmp_path)
    for _ in range(2):
        deliver(ledger, gateway, number, 1, 3)
        clock.time += timedelta(hours=4)
    assert message_states(sqlite_record, number) == {"accepted": 60}
    assert set(gateway.received.values()) == {1}


@pytest.mark.parametrize("jump", JUMPS)
def test_a_record_that_is_away_is_waited_for_as_long_as_was_meant(jump: timedelta) -> None:
    clock = Jumping(jump)
    tried: list[float] = []

    def away() -> None:
        tried.append(clock.elapsed())
        raise sa.exc.OperationalError("", None, Exception())

    with pytest.raises(sa.exc.OperationalError):
        patiently(clock, timedelta(seconds=30), away)
    assert len(tried) == 31
