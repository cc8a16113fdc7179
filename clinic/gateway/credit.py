"""
What messages cost through a gateway, how long they may be, and whether the credit there suffices.

COM-13: the longest text is the gateway's own limit, where that is below the practice's. COM-14: green, with 50
segments and more to spare; yellow, with fewer; red, where it does not suffice: nothing of it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from clinic.clock import Clock
from clinic.gateway.choose import gateway_by_name, is_set
from clinic.gateway.look import Looks
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS

SPARE: Final = 50  # segments
Light = Literal["green", "yellow", "red"]


@dataclass(frozen=True)
class Price:
    """Of a segment: to a country that is named, and to every other. 0: it is not said."""

    segment: float
    countries: Mapping[str, float] = field(default_factory=dict)

    def of(self, address: str) -> float:
        """To a number, by its calling code: the first country that has it."""
        if self.countries:
            for digits in (3, 2, 1):
                code = address[1 : 1 + digits]
                regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code.isdecimal() else None
                if regions:
                    named = (self.countries[one] for one in regions if one in self.countries)
                    return next(named, self.segment)
        return self.segment


@dataclass(frozen=True)
class Credit:
    """light: COM-14, yellow too where nobody knows now; says: what is left and what is needed."""

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


def judge_credit(left: float, needed: float, unit: float) -> Credit:
    """
    The light. unit: the price of a segment; 0: both are counted in segments.
    """
    spare = (left - needed) / (unit or 1.0)
    light: Light = "red" if spare < 0 else "yellow" if spare < SPARE else "green"
    how = {"red": "it does not suffice", "yellow": "it nearly runs out", "green": "it suffices"}
    return Credit(light, f"credit at the gateway {left:,.2f}, needed {needed:,.2f}: {how[light]}")


def unknown_credit(gateway: str, why: Sequence[str]) -> Credit | None:
    """Where a provider that tells the balance does not tell it now; None: it does not at all."""
    if not why:
        return None
    return Credit(
        "yellow",
        f"credit at the gateway {gateway} is not known now: {why[0]}. That stops nothing; what is not paid the "
        f"provider refuses. Look: cohort gateways check {gateway}",
    )


def credit_at(
    settings: Settings,
    gateway: str,
    channel: str,
    *,
    segments: int,
    cost: float,
    clock: Clock | None = None,
) -> Credit | None:
    """The light of a campaign, where its provider tells the balance; None: it does not at all."""
    if gateway == HTTP_SMS or gateway not in settings.gateways:
        return None
    own = gateway_by_name(settings, gateway, channel, clock)
    try:
        seen = own.look() if isinstance(own, Looks) else []
    finally:
        own.close()
    left = next((one.balance for one in seen if one.balance is not None), None)
    if left is None:
        return unknown_credit(gateway, [one.says for one in seen if not one.good])
    unit = settings.gateways[gateway].segment_cost
    return judge_credit(left, cost if unit else float(segments), unit)
