"""
What proves that a message reached nobody, so that another channel may be tried; all else proves nothing.

    rejected │ undelivered │ exhausted │ left out for want of an address      proven
    no receipt, unknown, on its way, accepted, delivered                      not proven
    a repeat, as the gateway says                                             somebody may have it
    the number is on a do-not-disturb list                                    they said no: not chased elsewhere
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.message import states
from clinic.message.fallback.people import MISSING
from clinic.message.network_reasons import NO_RECEIPT, REASONS
from clinic.record.schema.messages import campaign, message
from clinic.record.told import of_teller

REACHED: Final = "reached_meanwhile"
_NO_PROOF: Final = (
    NO_RECEIPT,
    *(name for code in ("duplicate_id", "blacklisted") for name in (code, *REASONS[code].known_as)),
)
_FAILED: Final = (states.UNDELIVERED, states.REJECTED, states.EXHAUSTED)


def reached_nobody(of: sa.FromClause = message) -> ColumnElement[bool]:
    """Of messages, or of those that told their patients: whether it is proven that they reached nobody."""
    state, why = of_teller("state", of), sa.func.coalesce(of_teller("reason", of), "")
    failed = state.in_(_FAILED) & why.not_in(_NO_PROOF)
    return failed | ((of.c.state == states.SUPPRESSED) & of.c.reason.in_(MISSING))


def sent_at(of: sa.FromClause = message) -> ColumnElement[Any]:
    """When a message left, or else when it was known that it would not."""
    return sa.func.coalesce(of_teller("sent_at", of), of_teller("status_at", of))


def first_ways(connection: Connection, campaign_id: int) -> list[int]:
    """The campaigns by another channel that this one follows: those whom they did not reach are its own."""
    own, before = _followed(connection, campaign_id)
    found = list[int]()
    while before is not None:
        each = before
        channel, before = _followed(connection, each)
        if channel != own:
            found.append(each)
    return found


def _followed(connection: Connection, campaign_id: int) -> tuple[str, int | None]:
    """Its channel, and the campaign that it follows."""
    channel, before = connection.execute(
        sa.select(campaign.c.channel, campaign.c.resend_of).where(campaign.c.id == campaign_id)
    ).one()
    return str(channel), before


def reached_meanwhile(
    first: Sequence[int], members: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """Whom of these patients campaigns by another channel reached after all, or may have."""
    theirs = message.alias("first_message")
    return sa.select(theirs.c.patient_id).where(
        theirs.c.campaign_id.in_(first),
        theirs.c.patient_id.in_(members),
        ~reached_nobody(theirs),
    )
