"""NEW-19: of several gateways one that takes nothing is out; what it may have is never sent by another."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import GatewayClass
from clinic.message.failover.standing import OUT
from clinic.message.sending.deliver import send_batch
from clinic.record.database import Record
from clinic.record.schema.campaigns import pace_lane
from clinic.record.schema.messages import campaign
from tests.clinic.message.failover.plans import Practice, gateway
from tests.fakes import FakeClock
from tests.ledgers import add_campaign

FAULTS = sorted(code for code in OUT if code.startswith("gateway-"))
# A person must look, whatever other gateways there are
NOT_PASSED_ON = ("gateway-refused", "gateway-clock", "gateway-key-reused")


@pytest.mark.parametrize("code", FAULTS)
def test_where_one_refuses_us_the_next_sends_and_the_campaign_goes_on(
    record: Record, clock: FakeClock, tmp_path: Path, code: str
) -> None:
    practice = Practice(record, clock, tmp_path, [gateway("a", code), gateway("b")])
    practice.send()
    assert practice.reason() is None
    assert practice.kept() == {("accepted", "b"): 4}
    assert practice.by_gateway() == {"a": 0, "b": 4}
    (one,) = practice.standing().values()
    assert (one.gateway, one.code, one.trouble) == ("a", code, f"it says {code}")
    assert practice.attempts() == [("a", "not_sent"), ("b", "acked"), ("b", "acked")]


@pytest.mark.parametrize("code", NOT_PASSED_ON)
def test_what_a_person_must_look_at_is_not_handed_to_the_next(
    record: Record, clock: FakeClock, tmp_path: Path, code: str
) -> None:
    practice = Practice(record, clock, tmp_path, [gateway("a", code), gateway("b")])
    practice.send()
    assert practice.reason() == code
    assert practice.kept() == {("pending", None): 4}
    assert practice.by_gateway() == {"a": 0, "b": 0}


def test_where_all_refuse_us_the_campaign_halts_and_a_person_lets_all_be_tried_again(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", "gateway-credentials", "gateway-credentials")
    practice = Practice(record, clock, tmp_path, [first, gateway("b", "gateway-payment")])
    practice.send()
    assert practice.reason() == "gateway-payment"
    practice.resume()
    clock.sleep(10)
    practice.send()
    assert practice.reason() is None
    assert practice.kept() == {("accepted", "b"): 4}


def test_one_that_takes_nothing_for_long_is_out_and_what_was_not_sent_goes_by_the_next(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Also where it says that it may be asked in an hour."""
    practice = Practice(record, clock, tmp_path, [gateway("a", *["later"] * 50), gateway("b")])
    practice.send(patience=0)
    assert practice.kept() == {("pending", None): 4}
    assert practice.standing()["a"].out_at > clock.now()
    practice.send(patience=120)
    assert practice.kept() == {("accepted", "b"): 4}
    assert practice.standing()["a"].out_at <= clock.now()


def test_what_a_day_s_quota_left_of_a_batch_goes_by_the_next_and_does_not_wait_for_the_morrow(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", "ok", "quota", *["later"] * 50)
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=6)
    practice.send(patience=120)
    assert practice.kept() == {("accepted", "a"): 3, ("accepted", "b"): 3}
    assert practice.twice() == []


def test_one_that_takes_some_of_each_batch_is_not_out(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", *["quota"] * 3)
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=6)
    ledger = practice.ledger()
    for number in (1, 2, 3):
        claim = ledger.claim(practice.number, number, number)
        assert claim is not None
        send_batch(ledger, first, claim, others=practice.gateways[1:])
        assert practice.standing()["a"].out_at > clock.now()
        clock.sleep(50)
    assert practice.by_gateway() == {"a": 3, "b": 0}


def test_one_that_is_out_is_tried_again_with_one_batch_and_sends_once_it_takes_messages(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", "gateway-payment", "gateway-payment")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=12, size=1)
    ledger = practice.ledger()

    def step(*numbers: int) -> None:
        for number in numbers:
            claim = ledger.claim(practice.number, number, number)
            assert claim is not None
            send_batch(ledger, first, claim, others=practice.gateways[1:])

    step(1, 2, 3)
    assert (first.calls, practice.by_gateway()["b"]) == (1, 2)
    clock.sleep(301)
    step(4, 5)  # the fourth is the try, in vain
    assert (first.calls, practice.by_gateway()["b"]) == (2, 3)
    clock.sleep(301)
    step(6, 7)
    assert practice.by_gateway() == {"a": 2, "b": 3}
    assert practice.standing() == {}
    step(1, 4)  # what was refused
    assert practice.by_gateway() == {"a": 4, "b": 3}


@pytest.mark.parametrize("kind", ["I", "R"])
def test_an_open_attempt_goes_on_through_its_own_gateway_alone(
    record: Record, clock: FakeClock, tmp_path: Path, kind: GatewayClass
) -> None:
    """A refusal of the second call says nothing of the first, which it took."""
    first = gateway("a", "cut", "gateway-credentials", kind=kind)
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=2, size=2)
    practice.send()
    assert practice.kept() == {("pending", None): 2}
    clock.sleep(2)
    practice.send()
    assert practice.by_gateway() == {"a": 2, "b": 0}
    assert practice.reason() is None
    clock.sleep(600)
    if kind == "I":
        practice.send()
        assert practice.kept() == {("accepted", "a"): 2}
    assert practice.by_gateway()["b"] == 0


def test_what_a_blind_gateway_leaves_without_an_answer_is_unknown_and_no_other_sends_it(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Three in a row, and it is out; not tried again by itself, since each call would make unknown ones."""
    first = gateway("a", *["cut"] * 9, kind="B")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=12)
    practice.send()
    assert practice.kept() == {("unknown", "a"): 6, ("accepted", "b"): 6}
    assert (practice.twice(), practice.reason()) == ([], None)
    assert practice.standing()["a"].again_at is None
    assert practice.by_gateway() == {"a": 6, "b": 6}


def test_a_message_that_is_rejected_is_an_outcome_and_goes_no_further(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path, [gateway("a", "reject"), gateway("b")])
    practice.send()
    assert practice.kept() == {("rejected", "a"): 2, ("accepted", "a"): 2}
    assert practice.standing() == {}


def test_what_the_next_sends_goes_by_the_rate_agreed_with_the_next(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path, [gateway("a", "gateway-tls"), gateway("b")])
    rates = {"a": 2.0, "b": 3.0}
    practice.send(ledger=practice.ledger(rates=rates), patience=60)
    assert practice.kept() == {("accepted", "b"): 4}
    with record.read() as connection:
        lanes = set(connection.scalars(sa.select(pace_lane.c.lane)))
    assert lanes >= {"provider a", "provider b"}


@pytest.mark.parametrize(
    ("share", "people", "expected"),
    [
        ({"a": 0.7, "b": 0.3}, 40, {"a": 28, "b": 12}),
        ({"a": 0.5, "b": 0.5}, 10, {"a": 5, "b": 5}),
        ({"a": 0.99, "b": 0.01}, 60, {"a": 59, "b": 1}),
    ],
)
def test_by_share_each_has_its_part(
    record: Record, clock: FakeClock, tmp_path: Path,
    share: dict[str, float], people: int, expected: dict[str, int],
) -> None:  # fmt: skip
    practice = Practice(
        record, clock, tmp_path, [gateway("a"), gateway("b")],
        people=people, size=1, failover="share", share=share,
    )  # fmt: skip
    practice.send()
    sent = practice.by_gateway()
    assert abs(sent["a"] - expected["a"]) <= max(1, people // 50)
    assert sum(sent.values()) == people


def test_by_share_what_one_cannot_send_the_next_sends(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    plans = [gateway("a", "gateway-tls"), gateway("b"), gateway("c")]
    share = {"a": 0.4, "b": 0.3, "c": 0.3}
    practice = Practice(
        record, clock, tmp_path, plans, people=40, size=1, failover="share", share=share
    )
    practice.send()
    sent = practice.by_gateway()
    assert (sent["a"], sum(sent.values()), practice.twice()) == (0, 40, [])
    assert sent["c"] > 5


def test_a_gateway_that_is_gone_from_the_settings_is_not_used_and_what_it_began_halts(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", "cut")
    practice = Practice(record, clock, tmp_path, [first, gateway("b")], people=4)
    practice.send()
    practice.gateways = practice.gateways[1:]
    clock.sleep(600)
    practice.send()
    assert practice.reason() == "gateway-gone"
    assert (practice.by_gateway(), first.calls) == ({"b": 0}, 2)


def test_a_row_of_another_place_is_another_providers(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path, [gateway("a", "gateway-tls"), gateway("b")])
    practice.send()
    sections = practice.settings.model_dump()["gateways"]
    sections["a"]["host"] = "other.example"
    with record.write() as connection:
        connection.execute(sa.update(campaign).values(state="completed"))
    again = practice.settings.model_copy(
        update={"gateways": type(practice.settings).model_validate({"gateways": sections}).gateways}
    )
    practice.settings = again
    practice.number = add_campaign(record, clock, 4, batch_size=2, gateway="a", gateways="a b")
    practice.send()
    assert practice.by_gateway() == {"a": 4, "b": 4}
