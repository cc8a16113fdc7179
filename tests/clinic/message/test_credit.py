"""COM-13, COM-14: longest texts, prices and the credit light, by gateway."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.gateway.credit import Cost, Price, judge_credit, most_segments_at, price_at
from clinic.gateway.look import Balance
from clinic.message.campaign.campaign import get_campaign
from clinic.message.credit import cost_of, credit_of, most_segments_of, require_credit
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.servers.providers.cloud import ACCOUNT, Twilio
from tests.servers.stand_in import Said, standing_in


def settings(**own: Any) -> Settings:
    gateway = {
        "type": "twilio", "account": ACCOUNT, "auth_token": "secret", "sender": "+447700900999", **own,
    }  # fmt: skip
    values = {"gateways": {"tw": gateway}, "channels": {"sms": {"gateways": ["tw"]}}}
    return Settings.model_validate({**values, "sms": {"segment_cost": 0.02}})


@pytest.mark.parametrize(
    ("left", "needed", "unit", "light"),
    [
        (10.0, 2.0, 0.04, "green"),   # 200 segments to spare
        (4.0, 2.0, 0.04, "green"),    # 50
        (3.96, 2.0, 0.04, "yellow"),  # 49
        (2.0, 2.0, 0.04, "yellow"),
        (1.99, 2.0, 0.04, "red"),
        (-5.0, 0.04, 0.04, "red"),
        (0.3, 0.1 * 3, 0.1, "yellow"),  # sums of prices are not exact
    ],
)  # fmt: skip
def test_the_light_is_green_with_fifty_to_spare(
    left: float, needed: float, unit: float, light: str
) -> None:
    """COM-14."""
    own = settings(segment_cost=unit).gateways["tw"]
    cost = Cost(round(needed / unit), needed, 0)
    assert judge_credit(Balance(left, "GBP"), cost, own, "gateways.tw").light == light


@pytest.mark.parametrize(
    ("left", "needed", "light"), [(150.0, 100, "green"), (149.0, 100, "yellow"), (99.0, 100, "red")]
)
def test_a_balance_in_segments_is_held_against_segments(
    left: float, needed: int, light: str
) -> None:
    """Whatever they cost: no price need be set."""
    for unit in (0.0, 0.04):
        own = settings(segment_cost=unit).gateways["tw"]
        cost = Cost(needed, needed * unit, 0 if unit else needed)
        found = judge_credit(Balance(left, "segments"), cost, own, "gateways.tw")
        assert found.light == light


@pytest.mark.parametrize(
    ("balance", "cost", "own", "why"),
    [
        (Balance(5.0, "GBP"), Cost(100, 0.0, 100), {}, "for 100 of its segments (gateways.tw.segment_cost)"),
        (Balance(5.0, "GBP"), Cost(100, 6.0, 1), {"country_costs": {"IE": 0.06}}, "for 1 of its segments"),
        (Balance(5.0, "USD"), Cost(100, 6.0, 0), {"segment_cost": 0.06}, "in GBP (gateways.tw.currency)"),
        (Balance(5.0, ""), Cost(100, 6.0, 0), {"segment_cost": 0.06}, "(gateways.tw.balance_unit)"),
        (Balance(5.0, ""), Cost(100, 0.0, 100), {}, "(gateways.tw.balance_unit)"),
    ],
)  # fmt: skip
def test_what_is_counted_in_another_unit_is_shown_and_refuses_nothing(
    balance: Balance, cost: Cost, own: dict[str, Any], why: str
) -> None:
    """Money is no number of segments, and dollars are no pounds."""
    found = judge_credit(balance, cost, settings(**own).gateways["tw"], "gateways.tw")
    assert (found.light, why in found.says) == ("yellow", True), found.says


def test_prices_and_longest_texts_are_the_gateways_own() -> None:
    """COM-13: 160 characters are a gateway with one segment; never above the practice's own."""
    own = settings(segment_cost=0.05, most_segments=1)
    assert price_at(own, "tw", "sms").segment == 0.05
    assert price_at(own, "rehearsal", "sms").segment == 0.05
    assert price_at(Settings(sms=own.sms), "http-sms", "sms").segment == 0.02
    assert most_segments_at(own, "tw", "sms") == 1
    most = own.organisation.most_segments
    assert most_segments_at(settings(most_segments=200), "tw", "sms") == most
    assert most_segments_at(settings(), "tw", "sms") == most


@pytest.mark.parametrize(
    ("address", "price"),
    [
        ("+447700900001", 0.04),
        ("+353851234567", 0.09),
        ("+12125550100", 0.01),
        ("+33612345678", 0.04),
        ("+447624300001", 0.04),  # Isle of Man: told by +44
    ],
)
def test_a_segment_costs_what_its_country_costs(address: str, price: float) -> None:
    assert Price(0.04, {"IE": 0.09, "US": 0.01}).of(address) == price


def test_a_campaign_costs_by_country(record: Record, clock: FakeClock) -> None:
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, gateway="tw")
    with record.write() as connection:
        first = connection.scalars(sa.select(sa.func.min(message.c.id))).one()
        values = {"address": "+353851234567", "segments": 2}
        connection.execute(sa.update(message).where(message.c.id == first).values(values))
        job = get_campaign(connection, number)
        cost = cost_of(connection, job, Price(0.04, {"IE": 0.10}))
        some = cost_of(connection, job, Price(0.0, {"IE": 0.10}))
        connection.execute(sa.update(message).values(state="accepted"))
        price = Price(0.04, {"IE": 0.10})
        waiting, of_all = (cost_of(connection, job, price, **of) for of in ({}, {"of": None}))
    assert (cost.segments, round(cost.money, 2), cost.unpriced) == (4, 0.28, 0)
    assert (waiting.segments, of_all) == (0, cost)  # what was written, once it has left
    assert (some.segments, round(some.money, 2), some.unpriced) == (4, 0.20, 2)
    assert most_segments_of(record, settings(most_segments=1), number) == 1


@pytest.mark.parametrize(("balance", "state"), [("0.07", "refused"), ("0.12", "checking")])
def test_a_campaign_is_refused_before_anything_leaves_where_credit_does_not_suffice(
    sqlite_record: Record, clock: FakeClock, balance: str, state: str
) -> None:
    """COM-14: red is refused; the same list may be sent again."""
    add_patients(sqlite_record, 3)
    number = add_campaign(sqlite_record, clock, 3, gateway="tw", state="checking")
    provider = Twilio(balance=balance)
    with standing_in(provider.answer) as server:
        own = settings(segment_cost=0.04, url=f"http://127.0.0.1:{server.port}")
        if state == "refused":
            with pytest.raises(CohortRefused, match="gateway-credit") as refused:
                require_credit(sqlite_record, clock, own, number)
            assert "credit at the gateway 0.07 GBP, needed 0.12 GBP" in refused.value.says
        else:
            require_credit(sqlite_record, clock, own, number)
    assert provider.taken == []
    with sqlite_record.read() as connection:
        assert get_campaign(connection, number).state == state


@pytest.mark.parametrize(
    ("own", "page", "says"),
    [
        # Money, and no price: it was held against a number of segments
        ({}, {"balance": "1.50", "currency": "GBP"}, "no price for 3 of its segments"),
        ({"segment_cost": 9.0}, {"balance": "1.50", "currency": "USD"}, "prices are in GBP"),
        ({"segment_cost": 9.0}, {"balance": "NaN", "currency": "GBP"}, "is not known now: it answers 200"),
        ({"segment_cost": 9.0}, {"balance": "-Infinity", "currency": "GBP"}, "is not known now"),
        ({"segment_cost": 9.0}, {"balance": True, "currency": "GBP"}, "is not known now"),
        ({"segment_cost": 9.0}, {"message": "Siân +447700900123"}, "for our balance: Siân …"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said_and_stops_nothing(
    sqlite_record: Record, clock: FakeClock, own: dict[str, Any], page: dict[str, Any], says: str
) -> None:
    add_patients(sqlite_record, 3)
    number = add_campaign(sqlite_record, clock, 3, gateway="tw", state="checking")
    with standing_in(lambda _: Said(page)) as server:
        wanted = settings(url=f"http://127.0.0.1:{server.port}", **own)
        credit = credit_of(sqlite_record, wanted, number, clock)
        require_credit(sqlite_record, clock, wanted, number)
    assert credit is not None
    assert (credit.light, says in credit.says) == ("yellow", True), credit.says


TEXTS = {
    "type": "json", "gateway_class": "B", "body": {"to": "{to}", "text": "{body}"}, "id_at": "id",
}  # fmt: skip


@pytest.mark.parametrize(
    ("balance_url", "unit", "page", "light", "says"),
    [
        ("{}/balance", "segments", Said({"balance": "2"}), "red", "2.00 segments, needed 3.00 segments"),
        ("{}/balance", "segments", Said({"balance": 900}), "green", "it suffices"),
        ("{}/balance", "", Said({"balance": "2"}), "yellow", "gateways.texts.balance_unit"),
        ("{}/balance", "segments", Said({"balance": "2"}, 500), "yellow", "gateways.texts.balance_url"),
        ("{}/balance", "segments", Said("<html>"), "yellow", "gateways.texts.balance_url"),
        ("http://127.0.0.1:9/balance", "segments", Said(""), "yellow", "gateways.texts.balance_url"),
        ("http://elsewhere.example/", "segments", Said(""), "yellow", "gateways.texts.balance_url is http://"),
        ("https://elsewhere:x/", "segments", Said(""), "yellow", "gateways.texts.balance_url must look"),
    ],
)  # fmt: skip
def test_a_wrong_address_of_the_balance_names_its_setting_and_stops_nothing(
    sqlite_record: Record,
    clock: FakeClock,
    balance_url: str,
    unit: str,
    page: Said,
    light: str,
    says: str,
) -> None:
    add_patients(sqlite_record, 3)
    number = add_campaign(sqlite_record, clock, 3, gateway="texts", state="checking")
    with standing_in(lambda _: page) as server:
        url = f"http://127.0.0.1:{server.port}"
        texts = {**TEXTS, "url": url, "balance_url": balance_url.format(url), "balance_unit": unit}
        own = Settings.model_validate({"gateways": {"texts": texts}})
        credit = credit_of(sqlite_record, own, number, clock)
    assert credit is not None
    assert (credit.light, says in credit.says) == (light, True), credit.says


def test_a_provider_that_does_not_answer_stops_nothing(
    sqlite_record: Record, clock: FakeClock
) -> None:
    add_patients(sqlite_record, 1)
    number = add_campaign(sqlite_record, clock, 1, gateway="tw", state="checking")
    own = settings(segment_cost=0.04, url="http://127.0.0.1:9")
    said = credit_of(sqlite_record, own, number, clock)
    assert said is not None
    assert (said.light, "tw is not known now" in said.says) == ("yellow", True)
    require_credit(sqlite_record, clock, own, number)
