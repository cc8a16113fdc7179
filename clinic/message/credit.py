"""
What a campaign costs by its gateway's prices, and whether the credit there suffices (COM-14).

Asked before anything of it can leave, with no transaction open. A provider that does not tell, or not now,
stops nothing: it refuses by itself what is not paid (`gateway-payment`).
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.gateway.credit import Cost, Credit, Price, credit_at, most_segments_at, price_at
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign, refuse
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.settings import Settings

REFUSED = "gateway-credit"
_PREFIX = 4  # of a number: + and the longest calling code


def cost_of(connection: Connection, job: Campaign, price: Price) -> Cost:
    """Segments that wait, and what they cost: by country, where prices differ."""
    if job.channel != "sms":
        return Cost(0, 0.0, 0)
    start = sa.func.substr(message.c.address, 1, _PREFIX)
    rows = connection.execute(
        sa.select(start, sa.func.sum(message.c.segments))
        .where(message.c.campaign_id == job.id, message.c.state == states.PENDING)
        .group_by(start)
    ).all()
    each = [(int(row[1]), price.of(row[0])) for row in rows]
    return Cost(
        sum(count for count, _ in each),
        sum(count * one for count, one in each),
        sum(count for count, one in each if not one),
    )


def most_segments_of(record: Record, settings: Settings, campaign_id: int) -> int:
    """The longest text that a campaign's gateway takes (COM-13)."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
    return most_segments_at(settings, job.gateway, job.channel)


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

    in_earnest: it is a look at what would be sent for real, by the gateway that the channel has
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        gateway = job.gateway if not in_earnest else settings.gateway_name(job.channel)
        price = price_at(settings, gateway or job.gateway, job.channel)
        cost = cost_of(connection, job, price)
    if (job.dry_run and not in_earnest) or gateway is None or not cost.segments:
        return None
    return credit_at(settings, gateway, job.channel, cost=cost, clock=clock)


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
