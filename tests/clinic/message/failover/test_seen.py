"""What people see of several gateways, and what comes back of each: by its own name, never by the first's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.gateway.credit import Credit, Light
from clinic.gateway.incoming.parse import Receipt
from clinic.health.gateways.listed import list_gateways
from clinic.health.record_facts import read_facts
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.doubt import Doubt, Promise, doubt_of, say
from clinic.message.credit import most_segments_of, price_of, together
from clinic.message.failover.ways import columns_of, parts_of, says_route
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.sent_since import in_doubt_since, require_since
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.report import show_campaign
from clinic.message.outcomes.summary import read_summary
from clinic.message.sending.submissions import find_open
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.settings import Receipts, Settings
from tasks.story.billed import says_cost
from tasks.story.sending import sent
from tasks.story.spans import Span
from tests.clinic.message.failover.plans import SMPP, Practice, gateway, set_up
from tests.fakes import FakeClock


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """A campaign of four; a refuses our login, so that b sends it."""
    made = Practice(record, clock, tmp_path, [gateway("a", "gateway-payment"), gateway("b")])
    made.send()
    return made


def test_the_summary_counts_by_gateway(practice: Practice, clock: FakeClock) -> None:
    summary = read_summary(practice.record, practice.number, clock.now())
    assert summary.by_gateway == {"a": {}, "b": {"accepted": 4}}
    assert summary.says_gateways == "By gateway: a nothing; b 4 accepted."


def test_the_campaign_shows_its_gateways_and_which_to_put_right(practice: Practice) -> None:
    details = show_campaign(practice.record, practice.number)
    assert details.by_gateway == "a nothing; b 4 accepted"
    assert "gateways.a or gateways.b" in campaign_says("gateway-credentials", details.gateway)


def test_the_run_tells_a_failover_in_one_line(practice: Practice) -> None:
    with practice.record.read() as connection:
        lines = sent(connection, practice.settings, Span(practice.number, 1, 2))
    told = [line.says for line in lines if "gateway a" in line.says]
    assert len(told) == 1
    assert "is out since 2026-03-02 10:00 GMT (gateway-payment): it says gateway-payment" in told[0]
    with practice.record.read() as connection:
        later = sent(connection, practice.settings, Span(practice.number, 2, 2))
    assert not [line for line in later if "gateway a" in line.says]
    assert told[0].endswith("tried again at 2026-03-02 10:05 GMT. Sent through b instead.")


def test_the_list_of_gateways_says_which_is_out_and_what_waits(
    practice: Practice, clock: FakeClock
) -> None:
    found = {
        one.name: one for one in list_gateways(practice.record, practice.settings, clock.now())
    }
    assert [(one.code, one.again_at) for one in found["a"].out] == [
        ("gateway-payment", clock.now() + timedelta(seconds=300))
    ]
    assert found["b"].out == ()
    assert (found["a"].waiting, found["b"].waiting) == (1, 1)
    assert found["a"].channels == found["b"].channels == ("sms",)


def test_health_tells_of_it_while_a_campaign_may_need_it(
    practice: Practice, clock: FakeClock
) -> None:
    (says,) = read_facts(practice.record, clock, practice.settings).out
    assert says.startswith("gateway a is out since 02 Mar 10:00 UTC (gateway-payment)")
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state="completed"))
    assert read_facts(practice.record, clock, practice.settings).out == ()


def _ids(practice: Practice) -> list[int]:
    with practice.record.read() as connection:
        return list(connection.scalars(sa.select(message.c.id).order_by(message.c.id)))


def test_a_receipt_counts_of_the_gateway_that_sent_it(practice: Practice, clock: FakeClock) -> None:
    first, second, *_ = _ids(practice)
    told = [Receipt("a", "e1", first, "delivered"), Receipt("b", "e1", second, "delivered")]
    keep_receipts(practice.record, clock, told)
    apply_receipts(practice.record, clock)
    assert practice.kept() == {("accepted", "b"): 3, ("delivered", "b"): 1}


def test_a_receipt_that_is_there_before_the_answer_waits_whichever_gateway_it_is_of(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    made = Practice(
        record, clock, tmp_path, [gateway("a", "gateway-tls"), gateway("b", "cut")], people=2
    )
    made.send()
    keep_receipts(record, clock, [Receipt("b", f"e{key}", key, "delivered") for key in _ids(made)])
    apply_receipts(record, clock)
    assert made.kept() == {("pending", None): 2}
    clock.sleep(10)
    made.send()
    apply_receipts(record, clock)
    assert made.kept() == {("delivered", "b"): 2}


@pytest.mark.parametrize(("silent", "failed"), [({"a"}, 4), ({"b"}, 0)])
def test_a_missing_receipt_is_judged_by_the_gateway_that_sent_it(
    practice: Practice, clock: FakeClock, silent: set[str], failed: int
) -> None:
    clock.sleep(80 * 3600)
    assert end_waiting(practice.record, clock, Receipts(), silent) == failed


def test_after_a_set_back_no_promise_of_one_gateway_counts(
    practice: Practice, clock: FakeClock
) -> None:
    """Refused by the one in what was lost, a message may have been sent through the other."""
    now = clock.now()
    with practice.record.write() as connection:
        connection.execute(
            sa.update(campaign).values(doubt_since=now - timedelta(hours=1), doubt_until=now)
        )
    with practice.record.read() as connection:
        job = get_campaign(connection, practice.number)
    doubt = doubt_of(job)
    assert doubt is not None
    assert doubt.covers(now - timedelta(minutes=5), "R")
    assert not doubt.may_repeat(Promise("R", None), now)
    assert Doubt(doubt.since, doubt.until, None).may_repeat(Promise("R", None), now)
    with pytest.raises(NotAllowed, match="left-unsaid") as unsaid:
        say(job, None, {"a": Promise("R", None)}, now)
    with pytest.raises(NotAllowed, match="left-repeat") as repeat:
        say(job, "repeat", {"a": Promise("R", None)}, now)
    # Which would say that there is nothing to ask
    assert "cohort sending ask" not in str(unsaid.value) + str(repeat.value)
    assert in_doubt_since(practice.record, "a") is None
    with pytest.raises(NotAllowed, match="what one of them lists is not all that was sent"):
        require_since(practice.record, "b", None)


def test_an_attempt_that_is_open_after_a_set_back_is_not_asked_again(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    first = gateway("a", "cut", kind="R")
    made = Practice(record, clock, tmp_path, [first, gateway("b")], people=2)
    made.send()
    now = clock.now()
    with record.write() as connection:
        connection.execute(
            sa.update(campaign).values(
                doubt_since=now - timedelta(hours=1), doubt_until=now + timedelta(seconds=1),
                doubt_said="unknown",
            )
        )  # fmt: skip
    clock.sleep(60)
    ledger = made.ledger()
    claim = ledger.claim(made.number, 1, 1)
    assert claim is not None
    found = find_open(ledger, claim, *made.gateways)
    assert found is not None
    assert found.is_past_asking(clock.now())
    ledger.worker.close()


def test_the_review_says_through_which_gateways_and_at_what_price(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    share = {"a": 0.7, "b": 0.3}
    made = Practice(
        record, clock, tmp_path, [gateway("a"), gateway("b")], failover="share", share=share
    )
    own = made.settings.model_dump()
    own["gateways"]["a"] |= {"segment_cost": 0.10, "most_segments": 4}
    own["gateways"]["b"] |= {"segment_cost": 0.20, "most_segments": 2, "country_costs": {"IE": 0.5}}
    settings = Settings.model_validate({"gateways": own["gateways"], "channels": own["channels"]})
    with record.read() as connection:
        job = get_campaign(connection, made.number)
    price = price_of(settings, job)
    assert price.segment == pytest.approx(0.13)
    assert price.countries["IE"] == pytest.approx(0.22)
    assert most_segments_of(record, settings, made.number) == 2
    assert says_route({"a": 0.7, "b": 0.3}) == (
        "Sent through a (70%), b (30%); what one that is out cannot take, the next sends."
    )
    assert says_route({"a": 1.0, "b": 0.0}) == "Sent through a; while that is out, through b."
    assert says_route({"a": 1.0}) == ""


def test_what_it_cost_is_by_the_price_of_the_gateway_that_took_it(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    plans = [gateway("a", "ok", "gateway-payment"), gateway("b")]
    made = Practice(record, clock, tmp_path, plans, people=6)
    made.send()
    assert made.kept() == {("accepted", "a"): 2, ("accepted", "b"): 4}
    sections = made.settings.model_dump()["gateways"]
    with record.write() as connection:
        connection.execute(sa.update(message).values(segments=1))
        job = get_campaign(connection, made.number)
        for first, second, money in ((0.10, 0.25, "1.20"), (0.0, 0.25, "1.00"), (0.0, 0.0, "")):
            sections["a"]["segment_cost"], sections["b"]["segment_cost"] = first, second
            says = says_cost(connection, Settings.model_validate({"gateways": sections}), job)
            told = f"Cost so far: {money} for 6 segments that the gateway took."
            assert says == (told if money else "")


def test_a_new_campaign_keeps_the_gateways_of_its_channel_and_an_outbox_none() -> None:
    settings = set_up("a", "b")
    kept = columns_of(settings, "sms", "a")
    assert kept == {"gateways": "a b", "gateway_shares": None}
    assert parts_of("a", kept) == {"a": 1.0, "b": 0.0}
    for other in ("outbox", "rehearsal"):
        assert columns_of(settings, "sms", other) == {"gateways": None, "gateway_shares": None}
    alone = Settings.model_validate(
        {
            "gateways": {n: {**SMPP, "host": "h.example"} for n in ("a", "b")},
            "channels": {"sms": {"gateways": ["a", "b"]}},
        }
    )
    assert columns_of(alone, "sms", "a") == {"gateways": None, "gateway_shares": None}


@pytest.mark.parametrize(
    ("lights", "light"),
    [
        (("red", "red"), "red"),
        (("red", "green"), "yellow"),
        (("red", None), "yellow"),
        (("green", "green"), "green"),
        (("green", "yellow"), "yellow"),
        ((None, None), None),
    ],
)
def test_a_campaign_is_refused_only_where_no_gateway_has_the_credit(
    lights: tuple[Light | None, ...], light: Light | None
) -> None:
    told = {
        name: Credit(one, f"credit is {one}") if one else None
        for name, one in zip("ab", lights, strict=True)
    }
    found = together(told)
    assert (found and found.light) == light
    if found:
        assert found.says.startswith(("a: credit", "b: credit"))
