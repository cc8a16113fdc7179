"""
What messages cost through a gateway, how long they may be, and whether the credit there suffices.

COM-13: the longest text is the gateway's own limit, where that is below the practice's. COM-14: green, with 50
segments and more to spare; yellow, with fewer; red, where it does not suffice: nothing of it is sent. Like is
compared with like alone, segments or one currency; where that cannot be, it is said, and nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from clinic.clock import Clock
from clinic.errors import SettingsWrong
from clinic.gateway.choose import gateway_by_name, is_set
from clinic.gateway.look import SEGMENTS, Balance, TellsCredit
from clinic.settings import NamedGateway, Settings
from clinic.settings.gateways import HTTP_SMS

SPARE: Final = 50  # segments
_A_BIT: Final = 1e-6
Light = Literal["green", "yellow", "red"]


@dataclass(frozen=True)
class Price:
    """Of a segment: to a country that is named, and to every other. 0: it is not said."""

    segment: float
    countries: Mapping[str, float] = field(default_factory=dict)

    def of(self, address: str) -> float:
        """To a number, by its calling code: the country whose code it is first of all."""
        if self.countries:
            from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # 0.1 s

            for digits in (3, 2, 1):
                code = address[1 : 1 + digits]
                regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code.isdecimal() else None
                if regions:
                    return self.countries.get(regions[0], self.segment)
        return self.segment


class Cost(NamedTuple):
    """Of a campaign's messages that wait. unpriced: segments among them of which no price is set."""

    segments: int
    money: float
    unpriced: int


@dataclass(frozen=True)
class Credit:
    """light: COM-14, yellow too where it cannot be told; says: what is left and what is needed."""

    light: Light
    says: str


def price_at(settings: Settings, gateway: str, channel: str) -> Price:
    """What a segment costs through this gateway; of a dry run, through the one that the channel has."""
    name = gateway if is_set(settings, gateway) else settings.gateway_name(channel)
    if name in settings.gateways:
        own = settings.gateways[name]
        return Price(own.segment_cost, own.country_costs)
    return Price(settings.sms.segment_cost if channel == "sms" else 0.0)


def most_segments_at(settings: Settings, gateway: str, channel: str) -> int:
    """The longest text that may be sent through it (COM-13)."""
    name = gateway if is_set(settings, gateway) else settings.gateway_name(channel)
    most = settings.organisation.most_segments
    own = settings.gateways[name].most_segments if name in settings.gateways else 0
    return min(most, own) if own else most


def judge_credit(balance: Balance, cost: Cost, own: NamedGateway, section: str) -> Credit:
    """The light, where balance and cost are counted in one unit."""
    if balance.unit == SEGMENTS:
        return _light(balance, float(cost.segments), 1.0)
    why = ""
    if not balance.unit:
        why = f"it is not said what it is counted in ({section}.balance_unit)"
    elif balance.unit != own.currency:
        why = f"prices are in {own.currency} ({section}.currency)"
    elif cost.unpriced:
        why = f"there is no price for {cost.unpriced:,} of its segments ({section}.segment_cost)"
    if why:
        return Credit(
            "yellow", f"credit at the gateway {balance}, not compared with the cost: {why}"
        )
    return _light(balance, cost.money, cost.money / (cost.segments or 1))


def _light(balance: Balance, needed: float, each: float) -> Credit:
    spare = (balance.left - needed) / (each or 1.0)
    # Sums of prices are not exact: the last one paid for is not refused
    light: Light = "red" if spare < -_A_BIT else "yellow" if spare < SPARE - _A_BIT else "green"
    how = {"red": "it does not suffice", "yellow": "it nearly runs out", "green": "it suffices"}
    asked = Balance(needed, balance.unit)
    return Credit(light, f"credit at the gateway {balance}, needed {asked}: {how[light]}")


def unknown_credit(gateway: str, why: str) -> Credit:
    """Where a provider that tells the balance does not tell it now."""
    return Credit(
        "yellow",
        f"credit at the gateway {gateway} is not known now: {why}. That stops nothing; what is not paid the "
        f"provider refuses. Look: cohort gateways check {gateway}",
    )


def credit_at(
    settings: Settings, gateway: str, channel: str, *, cost: Cost, clock: Clock | None = None
) -> Credit | None:
    """The light of a campaign, where its provider tells the balance; None: it does not at all."""
    if gateway == HTTP_SMS or gateway not in settings.gateways:
        return None
    try:
        way = gateway_by_name(settings, gateway, channel, clock)
    except SettingsWrong as fault:
        return unknown_credit(gateway, fault.says)
    try:
        seen = way.credit() if isinstance(way, TellsCredit) else None
    finally:
        way.close()
    if seen is None:
        return None
    if seen.balance is None:
        return unknown_credit(gateway, seen.says)
    return judge_credit(seen.balance, cost, settings.gateways[gateway], f"gateways.{gateway}")
