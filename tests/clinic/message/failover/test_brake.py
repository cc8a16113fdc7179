"""NEW-19 beside NEW-12: what one gateway left unknown says nothing of the list, or of others."""

from __future__ import annotations

from pathlib import Path

from clinic.message.sending.deliver import send_batch
from clinic.message.sending.submissions import intend
from clinic.record.database import Record
from clinic.settings import Halt
from tests.clinic.message.failover.plans import Practice, gateway
from tests.fakes import FakeClock

SOON = Halt(failures=0.1, batches=3, least=2)  # the program's own, of batches of two


def test_a_blind_one_that_falls_silent_is_out_before_it_looks_like_a_bad_list(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", "ok", *["cut"] * 9, kind="B")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=20)
    practice.send(ledger=practice.ledger(halt=SOON))
    assert practice.reason() is None
    assert practice.standing()["a"].code == "halted-ambiguous"
    assert practice.by_gateway()["a"] <= 8
    assert practice.kept()["accepted", "b"] >= 10
    assert practice.twice() == []


def test_the_next_is_not_judged_by_what_the_first_left_unknown(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", *["cut"] * 9, kind="B")
    practice = Practice(record, clock, tmp_path, [first, gateway("b", "reject")], people=60, size=6)
    practice.send(ledger=practice.ledger(halt=Halt(failures=0.5, least=7)))
    assert practice.standing()["a"].code == "halted-ambiguous"
    assert (practice.reason(), "b" in practice.standing()) == (None, False)


def test_where_many_are_rejected_the_list_may_be_at_fault_and_the_campaign_halts(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    plans = [gateway("a", "reject", "reject"), gateway("b")]
    practice = Practice(record, clock, tmp_path, plans, people=20)
    practice.send(ledger=practice.ledger(halt=SOON))
    assert practice.reason() == "halted-failures"
    assert practice.standing() == {}


def test_of_a_worker_that_died_no_gateway_is_judged_again(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Its attempt is given up after the gateway was found silent: the others go on sending."""
    first = gateway("a", *["cut"] * 9, kind="B")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=12)
    dead = practice.ledger()
    claim = dead.claim(practice.number, 1, 1)
    assert claim is not None
    assert intend(dead, claim, first) is not None
    ledger = practice.ledger()
    for number in (2, 3, 4):
        clock.sleep(1)
        own = ledger.claim(practice.number, number, number)
        assert own is not None
        send_batch(ledger, first, own, others=practice.gateways[1:])
    assert practice.standing()["a"].code == "halted-ambiguous"
    dead.worker.close()
    clock.sleep(600)
    practice.send()
    assert practice.reason() is None
    assert practice.kept() == {("unknown", "a"): 8, ("accepted", "b"): 4}
