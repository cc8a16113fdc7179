"""COM-13, COM-14: longest texts, prices and the credit light, by gateway."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.gateway.credit import Price, judge_credit, most_segments_at, price_at
from clinic.message.campaign.campaign import get_campaign
from clinic.message.credit import cost_of, credit_of, most_segments_of, require_credit
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.servers.providers.cloud import ACCOUNT, Twilio
from tests.servers.stand_in import standing_in


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
        (150.0, 100.0, 0.0, "green"),  # counted in segments
        (149.0, 100.0, 0.0, "yellow"),
        (99.0, 100.0, 0.0, "red"),
    ],
)  # fmt: skip
def test_the_light_is_green_with_fifty_to_spare(
    left: float, needed: float, unit: float, light: str
) -> None:
    """COM-14."""
    assert judge_credit(left, needed, unit).light == light


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
        segments, cost = cost_of(connection, job, Price(0.04, {"IE": 0.10}))
    assert (segments, round(cost, 2)) == (4, 0.28)
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
            assert "credit at the gateway 0.07, needed 0.12" in refused.value.says
        else:
            require_credit(sqlite_record, clock, own, number)
    assert provider.taken == []
    with sqlite_record.read() as connection:
        assert get_campaign(connection, number).state == state


def test_a_provider_that_does_not_tell_stops_nothing(
    sqlite_record: Record, clock: FakeClock
) -> None:
    add_patients(sqlite_record, 1)
    number = add_campaign(sqlite_record, clock, 1, gateway="tw", state="checking")
    own = settings(segment_cost=0.04, url="http://127.0.0.1:9")
    said = credit_of(sqlite_record, own, number, clock)
    assert said is not None
    assert (said.light, "tw is not known now" in said.says) == ("yellow", True)
    require_credit(sqlite_record, clock, own, number)
