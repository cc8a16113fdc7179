"""A worker that is cut off from the record stops sending before its lease runs out: by its own clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import GatewayClass
from clinic.message import states
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import submission
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

PEOPLE, LEASE = 60, 60.0


@pytest.fixture
def number(sqlite_record: Record, clock: FakeClock) -> int:
    add_patients(sqlite_record, PEOPLE)
    return add_campaign(sqlite_record, clock, PEOPLE, batch_size=20)


def once(at: str, then: Callable[[], None]) -> Callable[[str], None]:
    """What a ledger tells at each point: at the first `at` something happens."""
    left = [then]

    def reached(point: str) -> None:
        if point == at and left:
            left.pop()()

    return reached


@pytest.mark.parametrize("gateway_class", ["I", "R", "B"])
@pytest.mark.parametrize(
    ("seconds", "in_vain"),
    [
        (0.0, 0),
        (LEASE * 2 / 3, 0),  # a call ends within the third that is left
        (LEASE * 2 / 3 + 1, 1),
        (LEASE - 1, 1),
    ],
)
def test_no_call_is_begun_that_might_outlast_the_lease(
    sqlite_record: Record,
    clock: FakeClock,
    tmp_path: Path,
    number: int,
    gateway_class: GatewayClass,
    seconds: float,
    in_vain: int,
) -> None:
    """NEW-3: the record answered late; the batch is sent by the next attempt, to nobody twice, none unknown."""
    gateway = FakeGateway(gateway_class)

    def slow() -> None:
        clock.sleep(seconds)

    ledger = make_ledger(sqlite_record, clock, tmp_path, reached=once("intent.done", slow))
    deliver(ledger, gateway, number, 1, 3)
    assert attempts_in_vain(sqlite_record) == in_vain
    assert gateway.calls == 3
    assert set(gateway.received.values()) == {1}
    assert message_states(sqlite_record, number) == {"accepted": PEOPLE}


def attempts_in_vain(record: Record) -> int:
    """Attempts that were written down and never made."""
    query = sa.select(sa.func.count()).where(submission.c.state == states.NOT_SENT)
    with record.read() as connection:
        return int(connection.scalar(query) or 0)


def test_who_comes_back_after_another_took_over_calls_nobody(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, number: int
) -> None:
    """NEW-3: cut off between intent and call for longer than its lease, before it called."""
    gateway, other = FakeGateway("B"), FakeGateway("B")

    def cut_off() -> None:
        clock.sleep(LEASE + 1)
        deliver(make_ledger(sqlite_record, clock, tmp_path), other, number, 1, 3)

    ledger = make_ledger(sqlite_record, clock, tmp_path, reached=once("intent.done", cut_off))
    deliver(ledger, gateway, number, 1, 3)
    assert gateway.calls == 0
    assert set(other.received.values()) == {1}
    # Nobody but the one who was cut off knows that the first batch was never sent
    assert message_states(sqlite_record, number) == {"accepted": 40, "unknown": 20}


def test_a_replay_that_comes_too_late_leaves_its_messages_as_open_as_they_were(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, number: int
) -> None:
    """NEW-3: what an earlier call may have sent is not proven unsent by a call that was not made."""
    gateway = FakeGateway("I", plan=["cut"])
    deliver(
        make_ledger(sqlite_record, clock, tmp_path, stopping=stop_after(4)), gateway, number, 1, 1
    )
    assert message_states(sqlite_record, number)["pending"] >= 20

    def slow() -> None:
        clock.sleep(LEASE - 1)

    ledger = make_ledger(sqlite_record, clock, tmp_path, reached=once("payload.read", slow))
    deliver(ledger, gateway, number, 1, 3)
    assert set(gateway.received.values()) == {1}
    assert message_states(sqlite_record, number) == {"accepted": PEOPLE}


def stop_after(asked: int) -> Callable[[], bool]:
    """Whether the process is to begin nothing more: from the `asked`-th question on."""
    left = [asked]

    def stopping() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stopping
