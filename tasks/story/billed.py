"""What a campaign cost so far, and with which codes its gateway refused messages: for its log and its page."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.gateway.credit import Cost, price_at
from clinic.gateway.voice.spoken import unit_of
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.credit import cost_of
from clinic.message.failover.ways import names_of
from clinic.message.network_reasons import REASONS, reason_code
from clinic.record.schema.messages import batch, message
from clinic.settings import Settings
from clinic.values.text import counted

# What a gateway took it may bill, whatever became of it then
_BILLED: Final = (states.ACCEPTED, states.DELIVERED, states.UNDELIVERED)
# A code that so many messages have is nobody's name: no gateway puts three patients of one name into its codes
_NO_NAME: Final = 3
_OTHER: Final = "another code of the gateway's own"


def says_cost(connection: Connection, settings: Settings, job: Campaign) -> str:
    """`Cost so far: 3.24 for 162 segments that the gateway took.`; empty where none has a price."""
    costs = costs_by_gateway(connection, settings, job).values()
    segments = sum(cost.segments for cost in costs)
    if not segments:
        return ""
    units = counted(segments, unit_of(job.channel))
    money = sum(cost.money for cost in costs)
    return f"Cost so far: {money:,.2f} for {units} that the gateway took."


def costs_by_gateway(connection: Connection, settings: Settings, job: Campaign) -> dict[str, Cost]:
    """What each gateway took, each at its own price; empty where none has one, or nothing is really sent."""
    names = names_of(job.gateway, job.gateways)
    prices = {name: price_at(settings, name, job.channel) for name in names}
    priced = any(price.segment or price.countries for price in prices.values())
    if job.dry_run or job.gateway == states.OUTBOX or not priced:
        return {}
    return {
        name: cost_of(connection, job, price, of=_BILLED, by=name if job.gateways else None)
        for name, price in prices.items()
    }


def refused_by_code(connection: Connection, where: ColumnElement[bool]) -> dict[str, int]:
    """
    Why a gateway refused messages of these batches: by codes that we know, or its own that several have.

    Its sentences stay in the record: they may quote whom they are about.
    """
    query = (
        sa.select(message.c.reason, sa.func.count())
        .join(batch, batch.c.id == message.c.batch_id)
        .where(where, message.c.state == states.REJECTED)
        .group_by(message.c.reason)
    )
    counts: dict[str, int] = {}
    for reason, number in connection.execute(query).tuples():
        code = reason_code(reason)
        code = code if code in REASONS or number >= _NO_NAME else _OTHER
        counts[code] = counts.get(code, 0) + number
    return counts
