"""When a campaign halts itself, and that each halt is news once (NEW-12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.circuit_breaker import halted_since, note_told, untold_halts
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.control import resume
from clinic.message.prepare.due import attempts_of
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import Ledger
from clinic.message.sending.submissions import intend
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.settings import Halt
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(record: Record, clock: FakeClock, tmp_path: Path) -> Ledger:
    add_patients(record, 40)
    return make_ledger(record, clock, tmp_path, timing=Timing(halt=Halt(least=3)))


def run(ledger: Ledger, number: int, gateway: FakeGateway) -> str:
    """Send what can be sent; the state after it."""
    deliver(ledger, gateway, number, 1, 10, patience=timedelta(seconds=3))
    return summarize(ledger.record, ledger.clock, number).state


def go_on(ledger: Ledger, number: int) -> None:
    resume(ledger.record, ledger.clock, number, by="nia", reason="", timing=ledger.timing)


def refused() -> FakeGateway:
    return FakeGateway(plan=["unauthorised"] * 20)


def test_a_halt_is_told_once_however_often_the_campaign_is_looked_at(ledger: Ledger) -> None:
    number = add_campaign(ledger.record, ledger.clock, 20, batch_size=10)
    assert run(ledger, number, refused()) == states.PAUSED
    (news,) = untold_halts(ledger.record)
    assert (news.campaign_id, news.reason) == (number, "gateway-credentials")
    note_told(ledger.record, news)
    run(ledger, number, refused())
    run(ledger, number, FakeGateway())
    assert untold_halts(ledger.record) == []


def test_a_campaign_that_halts_again_after_it_was_resumed_is_news_and_still_one_campaign(
    ledger: Ledger, clock: FakeClock
) -> None:
    number = add_campaign(ledger.record, clock, 20, batch_size=10)
    begun = clock.now()
    for _ in range(3):
        assert run(ledger, number, refused()) == states.PAUSED
        (news,) = untold_halts(ledger.record)
        note_told(ledger.record, news)
        clock.sleep(60)
        go_on(ledger, number)
    assert halted_since(ledger.record, begun) == 1


def test_campaigns_are_counted_within_the_hour(ledger: Ledger, clock: FakeClock) -> None:
    counted = []
    for _ in range(3):
        run(ledger, add_campaign(ledger.record, clock, 20, batch_size=10), refused())
        counted.append(halted_since(ledger.record, clock.now() - HOUR))
        clock.sleep(40 * 60)
    assert counted == [1, 2, 2]


def test_five_unknowns_and_nothing_left_is_reconciling_and_no_halt(ledger: Ledger) -> None:
    """NEW-12: there is nothing to hold back; what is unknown is told by the counts."""
    number = add_campaign(ledger.record, ledger.clock, 5)
    blind = FakeGateway(gateway_class="B", plan=["cut"])
    assert run(ledger, number, blind) == states.RECONCILING
    assert untold_halts(ledger.record) == []


def test_what_halted_and_had_its_last_messages_under_way_is_closed_when_they_are_done(
    ledger: Ledger, record: Record
) -> None:
    """With nothing left a person has nothing to resume."""
    number = add_campaign(record, ledger.clock, 10, batch_size=5)
    blind = FakeGateway(gateway_class="B", plan=["cut", "cut"])
    assert run(ledger, number, blind) == states.PAUSED
    go_on(ledger, number)
    assert run(ledger, number, FakeGateway(gateway_class="B")) == states.RECONCILING
    with record.read() as connection:
        assert get_campaign(connection, number).state_reason is None


def test_what_dead_workers_left_unknown_is_no_fault_of_the_gateway_or_the_list(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-12: three workers die in mid-send on a blind gateway; the rest is sent. The same, lost, halts."""
    add_patients(record, 40)
    number = add_campaign(record, clock, 40, batch_size=5)
    timing = Timing(halt=Halt(least=3, ambiguous=2))
    dying = [make_ledger(record, clock, tmp_path, timing=timing) for _ in range(3)]
    for each in dying:
        claim = each.claim(number, 1, 10)
        assert claim is not None
        assert intend(each, claim, FakeGateway("B")) is not None
    for each in dying:
        each.worker.close()
    ledger = make_ledger(record, clock, tmp_path, timing=timing)
    assert run(ledger, number, FakeGateway("B")) == states.RECONCILING
    assert message_states(record, number) == {"accepted": 25, "unknown": 15}
    lost = add_campaign(record, clock, 40, batch_size=5)
    assert run(ledger, lost, FakeGateway("B", plan=["cut"] * 3)) == states.PAUSED


@pytest.mark.parametrize("word", ["busy", "refused"])
def test_what_the_gateway_does_not_take_is_told_with_the_cause_and_never_as_done(
    ledger: Ledger, word: str
) -> None:
    """Exit 0 with nothing sent must not be: the run fails, and says why."""
    number = add_campaign(ledger.record, ledger.clock, 5)
    deliver(ledger, FakeGateway(plan=[word] * 9), number, 1, 1, patience=timedelta(seconds=3))
    summary = summarize(ledger.record, ledger.clock, number, ledger.timing)
    assert summary.trouble
    with pytest.raises(Exception, match="5 not sent yet"):
        summary.raise_if_incomplete()
    ledger.clock.sleep(600)
    deliver(ledger, FakeGateway(), number, 1, 1)
    done = summarize(ledger.record, ledger.clock, number, ledger.timing)
    assert (done.trouble, done.outcomes) == (None, {"sent": 5})
    assert done.raise_if_incomplete() is done


def test_messages_that_were_given_up_fail_the_run(ledger: Ledger) -> None:
    """Issue 17: all was tried and nobody took it: somebody must look, so the run is not green."""
    number = add_campaign(ledger.record, ledger.clock, 2)
    deliver(ledger, FakeGateway(), number, 1, 1)
    done = summarize(ledger.record, ledger.clock, number, ledger.timing)
    given_up = replace(done, outcomes={"sent": 1, "exhausted": 1})
    with pytest.raises(Exception, match="1 given up: the gateway never took them"):
        given_up.raise_if_incomplete()


def test_each_attempt_counts_as_progress_and_a_look_does_not(ledger: Ledger) -> None:
    """A run that was stopped in mid-send is followed at once, one that gets nowhere is not started for ever."""
    number = add_campaign(ledger.record, ledger.clock, 20, batch_size=10)
    told = []
    for last in (0, 1, 2, 2):
        deliver(ledger, FakeGateway(), number, 1, last, patience=timedelta())
        with ledger.record.read() as connection:
            told.append(attempts_of(connection, number))
    assert told == [0, 1, 2, 2]
