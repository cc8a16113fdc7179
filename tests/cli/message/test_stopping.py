"""Ctrl-C while a campaign is sent: the part in flight is sent, nothing more is begun, and it is said."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.message.session import tell
from cli.message.stopping import stopping_when_asked
from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.wiring import Wiring
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, message_states


class Interrupted(FakeGateway):
    """Somebody presses Ctrl-C while the first part is being sent."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        os.kill(os.getpid(), signal.SIGINT)
        return super().send(key, messages, per_request=per_request, only=only)


def press_twice() -> None:
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def parts(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Wiring:
    add_patients(sqlite_record, 30)
    return Wiring(Settings(home=tmp_path), sqlite_record, clock, Worker(tmp_path / "workers"))


def test_the_first_one_stops_after_the_part_in_flight_and_says_how_many_wait(
    parts: Wiring, capsys: pytest.CaptureFixture[str]
) -> None:
    number = add_campaign(parts.record, parts.clock, 30, batch_size=10)
    with stopping_when_asked(parts, number):
        deliver(parts.ledger(), Interrupted(), number, 1, 3)
    assert message_states(parts.record, number) == {"accepted": 10, "pending": 20}
    summary = summarize(parts.record, parts.clock, number, parts.timing)
    assert (summary.waiting, summary.outcomes["sent"]) == (20, 10)
    assert tell(parts, number, json=False)[0] == f"cohort message --resume {number}"
    assert "Not sent yet: 20 messages" in capsys.readouterr().err


def test_a_second_one_ends_at_once_and_the_keys_are_given_back(parts: Wiring) -> None:
    number = add_campaign(parts.record, parts.clock, 10)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stopping_when_asked(parts, number):
        press_twice()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_stopped_campaign_is_carried_on_with_and_nobody_has_it_twice(parts: Wiring) -> None:
    number = add_campaign(parts.record, parts.clock, 30, batch_size=10)
    gateway = Interrupted()
    with stopping_when_asked(parts, number):
        deliver(parts.ledger(), gateway, number, 1, 3)
    parts.stop.clear()
    other = FakeGateway()
    deliver(parts.ledger(), other, number, 1, 3)
    assert not gateway.received.keys() & other.received.keys()
    assert len(gateway.received) + len(other.received) == 30
