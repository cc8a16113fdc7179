"""
The gateways that a campaign may be sent through: those of its channel when it was made, and no other ever.

`campaign.gateway` is the first choice. `gateways` has all of them, where they are several: it is reviewed,
approved and released with them, and what the settings name later is of later campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypedDict

import sqlalchemy as sa

from clinic.record.schema.messages import campaign, message
from clinic.settings import Settings


class Columned(Protocol):
    """What a campaign says of its gateways."""

    @property
    def gateways(self) -> str | None: ...
    @property
    def gateway_shares(self) -> str | None: ...


class Columns(TypedDict):
    """What a campaign's row has of several gateways; nothing where it leaves by one."""

    gateways: str | None
    gateway_shares: str | None


def names_of(gateway: str, gateways: str | None) -> tuple[str, ...]:
    """Every gateway that a campaign of these columns may be sent through, the first choice first."""
    return tuple((gateways or gateway).split())


def shares_of(gateway_shares: str | None) -> tuple[float, ...]:
    """The part of its batches that each is to send, 1 together; empty: all by the first that is not out."""
    return tuple(float(part) for part in (gateway_shares or "").split())


def parts_of(gateway: str, columns: Columns) -> dict[str, float]:
    """What part of its messages each is expected to send: as shared, else all by the first choice."""
    names = names_of(gateway, columns["gateways"])
    shares = shares_of(columns["gateway_shares"]) or (1.0, *(0.0 for _ in names[1:]))
    return dict(zip(names, shares, strict=True))


def says_route(parts: Mapping[str, float]) -> str:
    """Through which gateways, as a sentence; empty where there is one."""
    first, *rest = parts
    if not rest:
        return ""
    if parts[first] < 1:
        shared = ", ".join(f"{name} ({part:.0%})" for name, part in parts.items())
        return f"Sent through {shared}; what one that is out cannot take, the next sends."
    return f"Sent through {first}; while that is out, through {', then '.join(rest)}."


def columns_of(settings: Settings, channel: str, gateway: str) -> Columns:
    """
    What a new campaign's row keeps of the channel's gateways.

    gateway: its first choice; of an outbox or a dry run no other is ever used
    """
    names = settings.gateway_names(channel)
    if len(names) < 2 or gateway != names[0]:
        return {"gateways": None, "gateway_shares": None}
    share = getattr(settings.channels, channel).share
    return {
        "gateways": " ".join(names),
        "gateway_shares": " ".join(f"{share[name]:g}" for name in names) if share else None,
    }


def own_columns(job: Columned) -> Columns:
    """Those of a campaign that is made."""
    return {"gateways": job.gateways, "gateway_shares": job.gateway_shares}


def sent_by() -> sa.ColumnElement[str]:
    """Of a message beside its campaign: the gateway that it was sent through, else the first choice."""
    return sa.func.coalesce(message.c.gateway, campaign.c.gateway)
