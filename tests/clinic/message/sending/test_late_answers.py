"""What a gateway answered is kept while the record cannot be written, and told to it afterwards."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.gateway.protocol import Answer, Taken, Turned
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.sending.deliver import deliver
from clinic.message.sending.late_answers import LateAnswers
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states


class AwayRecord(Record):
    """A record that goes away when the `at`-th transaction from now begins or, `after` it, was committed."""

    def __init__(
        self, record: Record, clock: FakeClock, *, at: int, seconds: float, after: bool
    ) -> None:
        super().__init__(record.engine)
        self._clock, self._left, self._seconds, self._after = clock, at, seconds, after
        self._back_at = None if seconds else clock.now()

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        self._left -= 1
        if self._left == 0 and not self._after:
            self._go()
        if self._left <= 0 and self._back_at and self._clock.now() < self._back_at:
            raise sa.exc.OperationalError("COMMIT", {}, ConnectionError("the server is away"))
        with super().write() as connection:
            yield connection
        if self._left == 0 and self._after:
            self._go()
            raise sa.exc.OperationalError("COMMIT", {}, ConnectionError("the server is away"))

    def _go(self) -> None:
        self._back_at = self._clock.now() + timedelta(seconds=self._seconds)


ANSWER = 3  # claim, intent, answer


@pytest.fixture
def number(record: Record, clock: FakeClock) -> int:
    add_patients(record, 30)
    return add_campaign(record, clock, 30)


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after it, unheard"])
def test_a_record_that_is_away_for_a_while_costs_nobody_their_answer(
    record: Record, clock: FakeClock, tmp_path: Path, number: int, after: bool
) -> None:
    """NEW-3: nothing becomes unknown, nothing is counted twice."""
    ledger, gateway = make_ledger(record, clock, tmp_path), FakeGateway("B")
    ledger.record = AwayRecord(record, clock, at=ANSWER, seconds=12, after=after)
    deliver(ledger, gateway, number, 1, 1)
    assert message_states(record, number) == {"accepted": 30}
    with record.read() as connection:
        assert connection.scalar(sa.select(batch.c.accepted)) == 30
    assert (gateway.calls, set(gateway.received.values())) == (1, {1})


def test_an_answer_that_outlasts_the_lease_is_kept_on_disk_and_taken_in_by_the_next_process(
    record: Record, clock: FakeClock, tmp_path: Path, number: int
) -> None:
    """NEW-3: what the takeover has to call unknown is known again by it; a second time nothing is new."""
    kept = LateAnswers(tmp_path / "answers")
    ledger, gateway = make_ledger(record, clock, tmp_path, late_answers=kept), FakeGateway("B")
    ledger.record = AwayRecord(record, clock, at=ANSWER, seconds=3600, after=False)
    with pytest.raises(sa.exc.OperationalError):
        deliver(ledger, gateway, number, 1, 1)
    (file,) = (tmp_path / "answers").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"+4477009" not in file.read_bytes()
    clock.sleep(3600)
    ledger.worker.close()
    deliver(make_ledger(record, clock, tmp_path), gateway, number, 1, 1)
    assert message_states(record, number) == {"unknown": 30}
    copy = file.read_bytes()
    assert kept.take_in(record, clock) == 30
    apply_receipts(record, clock)
    assert message_states(record, number) == {"accepted": 30}
    file.write_bytes(copy)  # as after a kill between taking it in and removing it
    assert kept.take_in(record, clock) == 0
    assert not list((tmp_path / "answers").iterdir())
    assert gateway.calls == 1


def test_answers_of_every_kind_come_back_as_they_were(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    kept = LateAnswers(tmp_path / "answers")
    assert not kept.keep("fake", "0" * 36, Answer(not_sent=frozenset({1})))
    assert not (tmp_path / "answers").exists()
    said = {5: Taken("g5", True), 6: Taken("g6"), 7: Turned("number-barred", "barred \u00fc")}
    assert kept.keep("fake", "0" * 36, Answer(said))
    assert kept.take_in(record, clock) == 3


def test_processes_that_begin_at_once_take_each_answer_in_once(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    kept = LateAnswers(tmp_path / "answers")
    for n in range(40):
        assert kept.keep("fake", f"{n:036}", Answer({n + 1: Taken(f"g{n}")}))
    with ThreadPoolExecutor(6) as many:
        new = list(many.map(lambda _: kept.take_in(record, clock), range(6)))
    assert sum(new) == 40
    assert not list((tmp_path / "answers").iterdir())
