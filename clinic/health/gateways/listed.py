"""Every gateway that is set, what it promises and what waits for it; and those that are gone meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from clinic.gateway.choose import is_set
from clinic.gateway.processors import channels_of
from clinic.message import states
from clinic.message.failover.standing import Standing, read_standings
from clinic.message.failover.ways import names_of
from clinic.message.sending.place import place_of
from clinic.record.database import Record
from clinic.record.schema.messages import QUEUED, campaign
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS, SMTP

# What a class means for people (clinic/gateway/protocol.py)
PROMISES: Final = {
    "I": "sends a key once: nobody twice, nobody lost",
    "R": "sends a reference once: nobody twice, nobody lost",
    "B": "nothing: nobody twice; after a lost answer unknown, listed, resolved by people",
}
_TOLD: Final = "told"
_PERHAPS: Final = "told; without one it counts as sent"
_NONE: Final = "none: what it took counts as sent"


@dataclass(frozen=True)
class Listed:
    """
    One gateway. channels: that leave by it now; waiting: campaigns that may still send through it

    out: by which channels it takes nothing, since when and why; for campaigns that have another gateway
    receipts: whether it tells what became of a message; fault: what is wrong; empty: nothing is seen
    """

    name: str
    kind: str
    channels: tuple[str, ...]
    gateway_class: str
    promises: str
    reached: str
    receipts: str
    segment_cost: float
    waiting: int
    fault: str = ""
    out: tuple[Standing, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def list_gateways(record: Record, settings: Settings, now: datetime) -> list[Listed]:
    """All of them, by name."""
    waiting = _waiting(record)
    found = []
    if settings.sms.url:
        own = settings.sms
        found.append(
            _listed(settings, HTTP_SMS, "sms", own.gateway_class, own.url, own.segment_cost)
        )
    if settings.email.host:
        found.append(_listed(settings, SMTP, "email", "B", settings.email.host, 0.0))
    for name, one in sorted(settings.gateways.items()):
        found.append(
            _listed(settings, name, one.type, one.promise[0], one.reached, one.segment_cost)
        )
    out = _out(record, settings, now)
    found = [_with(one, waiting.pop(one.name, 0), out.get(one.name, ())) for one in found]
    return found + [
        Listed(
            name, "gone", (), "", "", "", "", 0.0, count,
            "it is not in the settings any more, and campaigns wait for it (cohort help gateway-gone)",
        )
        for name, count in sorted(waiting.items())
        if name not in (states.OUTBOX, "rehearsal") and not is_set(settings, name)
    ]  # fmt: skip


def _listed(
    settings: Settings, name: str, kind: str, gateway_class: str, reached: str, cost: float
) -> Listed:
    return Listed(
        name, kind, channels_of(settings, name), gateway_class, PROMISES[gateway_class],
        reached.split("?")[0], _receipts(settings, name), cost, 0,
    )  # fmt: skip


def _receipts(settings: Settings, name: str) -> str:
    """What becomes of a message of which nothing more is heard."""
    own = settings.receipts
    if named := settings.gateways.get(name):
        if not named.tells(own.public_url):
            return _NONE
        return _TOLD if named.confirms else _PERHAPS
    channel = "sms" if name == HTTP_SMS else "email"
    if own.secret.get_secret_value() or (channel == "sms" and own.pull):
        return _TOLD if channel in own.channels else _PERHAPS
    late = f"expected, and nothing takes them: failed after {own.no_receipt_hours:g} h"
    return late if channel in own.channels else _NONE


def _with(one: Listed, waiting: int, out: tuple[Standing, ...]) -> Listed:
    return replace(one, waiting=waiting, out=out)


def _out(record: Record, settings: Settings, now: datetime) -> dict[str, tuple[Standing, ...]]:
    with record.read() as connection:
        found = [
            one
            for one in read_standings(connection)
            if one.out_at <= now and one.place_sha256 == place_of(settings, one.gateway)
        ]
    names = {one.gateway for one in found}
    return {name: tuple(one for one in found if one.gateway == name) for name in names}


def _waiting(record: Record) -> Counter[str]:
    """Campaigns by gateway; one that has several waits for each of them."""
    query = sa.select(campaign.c.gateway, campaign.c.gateways).where(
        campaign.c.state.in_(QUEUED), ~campaign.c.dry_run
    )
    with record.read() as connection:
        rows = connection.execute(query).all()
    return Counter(name for row in rows for name in names_of(row.gateway, row.gateways))
