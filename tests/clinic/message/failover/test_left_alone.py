"""NEW-19: of a campaign's gateways some are not there any more; what is left stands for itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import Answer
from clinic.message.sending.deliver import send_batch
from clinic.message.sending.submissions import intend, record_answer
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from tests.clinic.message.failover.plans import Practice, gateway
from tests.fakes import FakeClock


@pytest.mark.parametrize("route", ["order", "share"])
def test_where_the_only_one_that_is_left_refuses_us_the_campaign_halts(
    record: Record, clock: FakeClock, tmp_path: Path, route: str
) -> None:
    """One that is gone from the settings sends nothing, and so stands in for nobody."""
    last = gateway("b", *["gateway-credentials"] * 20)
    share = {"failover": "share", "share": {"a": 0.5, "b": 0.5}} if route == "share" else {}
    practice = Practice(record, clock, tmp_path, [gateway("a"), last], **share)
    practice.gateways = [last]
    practice.send()
    assert practice.reason() == "gateway-credentials"
    assert last.calls == 1


def test_one_that_is_left_alone_is_asked_at_its_own_pace(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    last = gateway("b", *["later"] * 20)
    practice = Practice(record, clock, tmp_path, [gateway("a"), last], people=2)
    practice.gateways = [last]
    for _ in range(2):
        practice.send()
        clock.sleep(100)
    assert last.calls == 1
    with record.read() as connection:
        waits = connection.scalar(sa.select(batch.c.not_before))
    assert waits is not None
    assert (waits - clock.now()).total_seconds() > 3000


def test_a_blind_one_is_out_by_its_own_calls_however_much_others_send_between(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", *["cut"] * 20, kind="B")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=60, size=1)
    ledger = practice.ledger()
    for number in range(1, 61):
        claim = ledger.claim(practice.number, number, number)
        assert claim is not None
        send_batch(ledger, first, claim, others=practice.gateways[1:])
        clock.sleep(61)
    assert practice.kept() == {("unknown", "a"): 3, ("accepted", "b"): 57}
    assert practice.standing()["a"].again_at is None


def test_calls_without_an_answer_are_in_a_row_while_other_workers_have_theirs_under_way(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", kind="B")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=8, size=1)
    ledger = practice.ledger()
    begun = []
    for number in range(1, 9):
        claim = ledger.claim(practice.number, number, number)
        assert claim is not None
        sent = intend(ledger, claim, first)
        assert sent is not None
        begun.append((claim, sent))
        clock.sleep(1)
    for claim, sent in begun[:3]:
        assert practice.standing().get("a") is None or practice.standing()["a"].code is None
        record_answer(ledger, claim, sent, Answer())
    assert practice.standing()["a"].code == "halted-ambiguous"
