"""
What a campaign costs by its gateway's prices, and whether the credit there suffices (COM-14).

Asked before anything of it can leave, with no transaction open. A provider that does not tell, or not now,
stops nothing: it refuses by itself what is not paid (`gateway-payment`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.gateway.credit import Cost, Credit, Light, Price, credit_at, most_segments_at, price_at
from clinic.gateway.voice.spoken import CHARGED
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign, refuse
from clinic.message.failover.ways import columns_of, names_of, own_columns, parts_of
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.settings import Settings

REFUSED = "gateway-credit"
_PREFIX = 4  # of a number: + and the longest calling code


def cost_of(
    connection: Connection,
    job: Campaign,
    price: Price,
    *,
    of: Sequence[str] | None = (states.PENDING,),
    by: str | None = None,
) -> Cost:
    """
    Segments that wait (minutes, of calls), and what they cost: by country, where prices differ.

    of: messages of these states instead; None: of all
    by: of several gateways, only what this one was given; what nobody knows of is the first choice's
    """
    if job.channel not in CHARGED:
        return Cost(0, 0.0, 0)
    start = sa.func.substr(message.c.address, 1, _PREFIX)
    which: list[sa.ColumnElement[bool]] = [] if of is None else [message.c.state.in_(of)]
    if by is not None:
        which.append(sa.func.coalesce(message.c.gateway, job.gateway) == by)
    rows = connection.execute(
        sa.select(start, sa.func.sum(message.c.segments))
        .where(message.c.campaign_id == job.id, *which)
        .group_by(start)
    ).all()
    each = [(int(row[1]), price.of(row[0])) for row in rows]
    return Cost(
        sum(count for count, _ in each),
        sum(count * one for count, one in each),
        sum(count for count, one in each if not one),
    )


def price_of(settings: Settings, job: Campaign, parts: Mapping[str, float] | None = None) -> Price:
    """
    What a segment costs: of several gateways as each is expected to send its part.

    parts: of each gateway; None: the campaign's own
    """
    parts = parts or parts_of(job.gateway, own_columns(job))
    each = [(price_at(settings, name, job.channel), part) for name, part in parts.items()]
    if len(each) == 1:
        return each[0][0]
    countries = {country for price, _ in each for country in price.countries}
    return Price(
        sum(price.segment * part for price, part in each),
        {
            country: sum(price.countries.get(country, price.segment) * part for price, part in each)
            for country in countries
        },
    )


def most_segments_of(record: Record, settings: Settings, campaign_id: int) -> int:
    """The longest text that every gateway of a campaign takes (COM-13)."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
    names = names_of(job.gateway, job.gateways)
    return min(most_segments_at(settings, name, job.channel) for name in names)


def credit_of(
    record: Record,
    settings: Settings,
    campaign_id: int,
    clock: Clock | None = None,
    *,
    in_earnest: bool = False,
) -> Credit | None:
    """
    The light of a campaign that is made ready; None: nobody tells.

    Of several gateways each is asked for its part, and one that stands by for all; red only where all are.

    in_earnest: it is a look at what would be sent for real, by the gateways that the channel has
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        gateway = job.gateway if not in_earnest else settings.gateway_name(job.channel)
        if (job.dry_run and not in_earnest) or gateway is None:
            return None
        own = columns_of(settings, job.channel, gateway) if in_earnest else own_columns(job)
        parts = parts_of(gateway, own)
        needed = {
            name: cost_of(connection, job, price_at(settings, name, job.channel)) for name in parts
        }
    lights = {}
    for name, part in parts.items():
        if needed[name].segments:
            own_part = _part_of(needed[name], part or 1.0)
            lights[name] = credit_at(settings, name, job.channel, cost=own_part, clock=clock)
    return together(lights)


def _part_of(cost: Cost, part: float) -> Cost:
    return Cost(math.ceil(cost.segments * part), cost.money * part, math.ceil(cost.unpriced * part))


def together(lights: Mapping[str, Credit | None]) -> Credit | None:
    """The light of several gateways, by name: red where all of them are; None: nobody tells."""
    told = {name: one for name, one in lights.items() if one is not None}
    if not told:
        return None
    if len(lights) == 1:
        return next(iter(told.values()))
    found = {one.light for one in told.values()}
    worst: Light = "red" if "red" in found else "yellow" if "yellow" in found else "green"
    if worst == "red" and (len(found) > 1 or len(told) < len(lights)):
        worst = "yellow"
    return Credit(worst, "; ".join(f"{name}: {one.says}" for name, one in told.items()))


def require_credit(record: Record, clock: Clock, settings: Settings, campaign_id: int) -> None:
    """
    Go on with a campaign for which the credit suffices; else close it.

    Raises:
        CohortRefused: the light is red; what is left and what is needed
    """
    with record.read() as connection:
        if get_campaign(connection, campaign_id).state != states.CHECKING:
            return
    try:
        require_enough(credit_of(record, settings, campaign_id, clock))
    except CohortRefused:
        refuse(record, campaign_id, REFUSED)
        raise


def require_enough(credit: Credit | None) -> None:
    """
    Go on where the credit suffices, or nobody tells.

    Raises:
        CohortRefused: the light is red; what is left and what is needed
    """
    if credit is not None and credit.light == "red":
        raise CohortRefused(
            REFUSED,
            f"{credit.says}. Nothing was sent: pay in at the provider, then send the same list again",
        )
