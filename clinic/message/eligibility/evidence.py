"""
Which decision left somebody out, in words: "opted out of SMS on 3 March 2026 by reply" (NEW-5).

Rows and messages keep a key alone: "consent 12", "reply 5", "by_link 16777218". The words are made
when somebody reads them, of what they decided, when and how; never of whose number it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.words.marks import DEATH
from clinic.record.bulk import is_any_of
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import address_decision, contact_hold, reply

_CHANNELS: Final = {"sms": "SMS", "email": "e-mail", "voice": "calls", "any": "all messages"}
_SOURCES: Final = {
    "reply": "by reply",
    "by_link": "by the link in an e-mail",
    "staff": "with staff",
    "telephone": "by telephone or at the desk",
    "code": "by a code on the record",
    "import": "in what was imported",
}


def explain(connection: Connection, keys: Iterable[str], zone: tzinfo) -> dict[str, str]:
    """
    What each of these keys says, a statement a kind, however many there are.

    A key whose decision stands no more, or that is none, is not among them.

    Args:
        zone: whose calendar dates are told by
    """
    ids: dict[str, set[int]] = {}
    for key in keys:
        kind, _, number = key.partition(" ")
        if number.isdecimal():
            ids.setdefault(kind, set()).add(int(number))
    found = _consents(connection, ids.get("consent", set()), zone)
    found |= _replies(connection, ids.get("reply", set()), zone)
    found |= _holds(connection, ids.get("held", set()), zone)
    return found | _unsubscriptions(connection, ids.get("by_link", set()), zone)


def _consents(connection: Connection, ids: Collection[int], zone: tzinfo) -> dict[str, str]:
    rows = connection.execute(sa.select(consent).where(is_any_of(consent.c.id, sorted(ids))))
    return {f"consent {row.id}": _says(row._mapping, row.source, zone) for row in rows}


def _replies(connection: Connection, ids: Collection[int], zone: tzinfo) -> dict[str, str]:
    columns = (reply.c.id, reply.c.channel, reply.c.happened_at.label("decided_at"))
    rows = connection.execute(sa.select(*columns).where(is_any_of(reply.c.id, sorted(ids))))
    return {
        f"reply {row.id}": f"the number {_says(row._mapping, 'reply', zone)}"
        if row.channel != "email"
        else f"the address {_says(row._mapping, 'reply', zone)}"
        for row in rows
    }


def _holds(connection: Connection, ids: Collection[int], zone: tzinfo) -> dict[str, str]:
    h = contact_hold.c
    rows = connection.execute(
        sa.select(h.id, h.reply_id, h.why, h.held_at).where(is_any_of(h.id, sorted(ids)))
    )
    return {
        f"held {row.id}": f"held since {_day(row.held_at, zone)}: reply {row.reply_id} says "
        + ("that somebody died" if row.why == DEATH else "that the number is wrong")
        for row in rows
    }


def _unsubscriptions(connection: Connection, ids: Collection[int], zone: tzinfo) -> dict[str, str]:
    keys = sorted(f"by_link {number}" for number in ids)
    if not keys:
        return {}
    rows = connection.execute(
        sa.select(address_decision).where(is_any_of(address_decision.c.evidence, keys))
    )
    return {row.evidence: f"the address {_says(row._mapping, 'by_link', zone)}" for row in rows}


def _says(row: Mapping[Any, Any], source: str, zone: tzinfo) -> str:
    what = _CHANNELS.get(row["channel"], row["channel"])
    purpose = row.get("purpose", "any")
    about = "" if purpose == "any" else f" about {purpose.replace('_', ' ')}"
    how = _SOURCES.get(source, f"by {source}")
    return f"opted out of {what}{about} on {_day(row['decided_at'], zone)} {how}"


def _day(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y}"
