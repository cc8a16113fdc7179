"""How a campaign's fallback stands: whom which channel has, who may follow yet, and why it stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import Campaign, campaigns_where
from clinic.message.campaign.counting import count_outcomes
from clinic.message.following.begin import may_follow, other_gateways
from clinic.message.intake.fallback import SAYS
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.messages import campaign
from clinic.settings import Settings
from clinic.values.text import counted

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Fallback:
    """
    first, then: rows by outcome, of the campaign and of those that follow it by its other channel

    campaigns: those that follow it, with their states; left: who may be taken yet, if it comes to that
    stands: why nobody is taken now; "": they are
    """

    channel: str
    by: str
    hours: int
    first: Counts
    then: Counts
    campaigns: tuple[tuple[int, str], ...]
    left: int
    stands: str

    @property
    def by_channel(self) -> str:
        """Rows by channel and outcome, in words."""
        return f"{SAYS[self.channel]} {_rows(self.first)}; {SAYS[self.by]} {_rows(self.then)}"

    @property
    def says(self) -> str:
        """By what channel, after how long, which campaigns, and who is left."""
        made = ", ".join(f"{number} ({state})" for number, state in self.campaigns)
        told = [
            f"by {SAYS[self.by]}, {self.hours} h after a message that proves undeliverable",
            f"campaign {made}" if made else "no campaign follows yet",
        ]
        if self.left:
            told.append(f"{counted(self.left, 'person', 'people')} may follow yet")
            told += [self.stands] if self.stands else []
        return "; ".join(told)


def _rows(counts: Counts) -> str:
    return ", ".join(f"{n:,} {code}" for code, n in counts.items()) or "nobody"


def fallback_of(
    connection: Connection, own: Campaign, now: datetime, settings: Settings | None = None
) -> Fallback | None:
    """How a campaign's fallback stands; None: it has none. settings: to see whether its gateways changed."""
    if own.fallback is None:
        return None
    follows = followers(connection, own)
    then: Counter[str] = Counter()
    for each in follows:
        then.update(count_outcomes(connection, each.id))
    one = fallback_person.c
    left = connection.scalar(
        sa.select(sa.func.count()).where(
            one.campaign_id == own.id, one.taken_by.is_(None), one.outcome == "accepted"
        )
    )
    return Fallback(
        own.channel,
        own.fallback,
        own.fallback_after or 0,
        count_outcomes(connection, own.id),
        dict(then.most_common()),
        tuple((each.id, each.state.replace("_", " ")) for each in follows),
        int(left or 0),
        _stands(connection, own, now, settings),
    )


def followers(connection: Connection, own: Campaign) -> list[Campaign]:
    """The campaigns that follow it by its other channel."""
    return campaigns_where(
        connection, campaign.c.resend_of == own.id, campaign.c.channel == own.fallback
    )


def _stands(connection: Connection, own: Campaign, now: datetime, settings: Settings | None) -> str:
    if own.dry_run:
        return "a dry run is followed by nothing"
    if own.state in (states.CHECKING, states.AWAITING_APPROVAL, states.SCHEDULED):
        return "once it sends"
    if not may_follow(connection, own, now):
        return (
            "nobody is taken: it stands still, was ended or corrected, ended too long ago, or the record was "
            "set back"
        )
    if settings is not None and other_gateways(settings, own):
        return f"nobody is taken: {own.fallback_gateways} was approved, and {own.fallback} has others now"
    return ""
