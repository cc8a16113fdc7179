"""
A gateway's own ids of what was sent, and the receipts that name a message by them alone (SMPP).

    answer   ─► message_part: an id of each part of each message
    receipt  ─► the part whose id it names, in any spelling, and whose number it came from; exactly one, or none
                (where it gives our number back, a message of that number goes before the id's spelling)
             ─► the message: delivered when all of its parts are, undelivered when one is, else accepted

Where two could be meant nothing is decided. A message of which no answer came is found by the 16 bits of our
number that some SMSCs give back, if one unknown message alone fits (ACX-34, COM-6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.gateway.protocol import Taken, Turned
from clinic.gateway.smpp.ids import spellings
from clinic.message import states
from clinic.message.failover.ways import names_of
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.receipts import message_part, receipt_inbox

_RANK: Final = {None: 0, "accepted": 1, "rejected": 2, "undelivered": 2, "delivered": 3}
_FAILED: Final = ("undelivered", "rejected")
_FEWEST_DIGITS: Final = 7
_LONGEST_TRY: Final = timedelta(
    days=31
)  # validity_hours is 30 days at most, and an answer's lateness
_MARK: Final = 0xFFFF  # so many bits of our number does user_message_reference have


class Named(NamedTuple):
    """
    A receipt that names the gateway's id of a message, or of a part of it.

    reference: our message, if an earlier look found it; what its parts come to by now is still to be seen
    """

    id: int
    reference: int | None
    gateway: str
    gateway_ref: str
    recipient: str | None
    mark: int | None
    outcome: str
    reason: str | None


class Whole(NamedTuple):
    """Our message that a receipt names, and what is known of it with that receipt."""

    reference: int
    outcome: str
    reason: str | None


class _Part(NamedTuple):
    message_id: int
    part: int
    gateway: str
    gateway_ref: str
    outcome: str | None
    reason: str | None
    address: str


def note_parts(
    connection: Connection, gateway: str, results: Mapping[int, Taken | Turned], now: datetime
) -> None:
    """Keep the ids of what was taken, where receipts will name them. Again: nothing."""
    rows = [
        {
            "message_id": reference, "part": number, "gateway": gateway, "gateway_ref": ref[:80],
            "noted_at": now,
        }
        for reference, one in results.items()
        if isinstance(one, Taken)
        for number, ref in enumerate(one.parts, start=1)
    ]  # fmt: skip
    if rows:
        insert: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(insert.insert(message_part).on_conflict_do_nothing(), rows)


def find_wholes(connection: Connection, named: Sequence[Named], now: datetime) -> dict[int, Whole]:
    """
    The messages of these receipts, by the receipts' ids; what they say of parts is written down.

    A receipt that is missing here fits no message, or more than one.
    """
    if not named:
        return {}
    found = _find_parts(connection, named)
    unsure = [one for one in named if one.reference is None and not _is_sure(one, found)]
    marked = _find_marked(connection, unsure, now)
    for key in marked:
        found.pop(key, None)
    wholes = _judge(connection, named, found)
    wholes |= {key: whole for key, whole in marked.items() if whole is not None}
    news = {one.id for one in named if one.reference is None} & wholes.keys()
    if news:
        update_rows(
            connection,
            receipt_inbox,
            ["id", "reference", "recipient"],
            [(key, wholes[key].reference, None) for key in sorted(news)],
        )
    return wholes


def _find_parts(connection: Connection, named: Sequence[Named]) -> dict[int, _Part]:
    every = {word for one in named for word in spellings(one.gateway_ref)}
    own = message_part.c
    rows = connection.execute(
        sa.select(
            own.message_id, own.part, own.gateway, own.gateway_ref, own.outcome, own.reason,
            message.c.address,
        )
        .join(message, message.c.id == own.message_id)
        .where(is_any_of(own.gateway_ref, sorted(every)))
    )  # fmt: skip
    by_name: dict[tuple[str, str], list[_Part]] = defaultdict(list)
    for row in rows:
        by_name[row.gateway, row.gateway_ref].append(_Part._make(row))
    found = {}
    for one in named:
        each = (by_name[one.gateway, word] for word in spellings(one.gateway_ref))
        part = _the_one(one, [part for parts in each for part in parts])
        if part is not None:
            found[one.id] = part
    return found


def _the_one(one: Named, parts: Iterable[_Part]) -> _Part | None:
    """The part that is meant; None: there is none, or two could be."""
    if one.reference is not None:
        fit = [part for part in parts if part.message_id == one.reference]
    else:
        fit = [part for part in parts if _is_from(one, part.address)]
    exact = any(part.gateway_ref == one.gateway_ref for part in fit)
    if one.mark is not None and (len(fit) > 1 or not exact):
        fit = [part for part in fit if _marks(part.message_id, one)]
    return fit[0] if len(fit) == 1 else None


def _is_sure(one: Named, found: Mapping[int, _Part]) -> bool:
    """Whether the part that was found is of the number that the receipt gives back, if it does."""
    part = found.get(one.id)
    return part is not None and (one.mark is None or _marks(part.message_id, one))


def _marks(message_id: int, one: Named) -> bool:
    return message_id & _MARK == one.mark


def _is_from(one: Named, address: str) -> bool:
    """Whether the receipt comes from that number, with or without its country."""
    given = (one.recipient or "").lstrip("+").lstrip("0")
    return len(given) >= _FEWEST_DIGITS and address.endswith(given)


def _judge(
    connection: Connection, named: Sequence[Named], found: Mapping[int, _Part]
) -> dict[int, Whole]:
    """What each message is, with what its parts are now."""
    parts = _all_parts(connection, {part.message_id for part in found.values()})
    changed: set[tuple[int, int]] = set()
    for one in named:
        part = found.get(one.id)
        if part is None:
            continue
        now, _ = parts[part.message_id][part.part]
        if _RANK[one.outcome] > _RANK[now]:
            parts[part.message_id][part.part] = one.outcome, one.reason
            changed.add((part.message_id, part.part))
    _write(connection, [(*place, *parts[place[0]][place[1]]) for place in sorted(changed)])
    return {
        key: Whole(part.message_id, *_whole(parts[part.message_id].values()))
        for key, part in found.items()
    }


def _write(
    connection: Connection, changed: Sequence[tuple[int, int, str | None, str | None]]
) -> None:
    if changed:
        own = message_part.c
        which = (own.message_id == sa.bindparam("key")) & (own.part == sa.bindparam("number"))
        said: dict[str, Any] = {"outcome": sa.bindparam("said"), "reason": sa.bindparam("why")}
        names = ("key", "number", "said", "why")
        connection.execute(
            sa.update(message_part).where(which).values(said),
            [dict(zip(names, row, strict=True)) for row in changed],
        )


def _all_parts(
    connection: Connection, messages: set[int]
) -> dict[int, dict[int, tuple[str | None, str | None]]]:
    own = message_part.c
    found: dict[int, dict[int, tuple[str | None, str | None]]] = defaultdict(dict)
    for row in connection.execute(
        sa.select(own.message_id, own.part, own.outcome, own.reason)
        .where(is_any_of(own.message_id, sorted(messages)))
        .order_by(own.message_id, own.part)
    ):
        found[row.message_id][row.part] = row.outcome, row.reason
    return found


def _whole(parts: Iterable[tuple[str | None, str | None]]) -> tuple[str, str | None]:
    each = list(parts)
    for outcome, reason in each:
        if outcome in _FAILED:
            return str(outcome), reason
    delivered = all(outcome == "delivered" for outcome, _ in each)
    return ("delivered" if delivered else "accepted"), None


def _find_marked(
    connection: Connection, named: Sequence[Named], now: datetime
) -> dict[int, Whole | None]:
    """
    Messages without an answer that these receipts give the number of; None: there may be an answer yet.

    Of one in several parts, that it left at all is what is known.
    """
    marked = [one for one in named if one.mark is not None]
    if not marked:
        return {}
    first = sa.func.coalesce(message.c.gateway, campaign.c.gateway).label("gateway")
    gateways = sa.case((message.c.gateway.is_(None), campaign.c.gateways)).label("gateways")
    named_by = {one.gateway for one in marked}
    no_answer = sa.or_(
        (batch.c.unknown > 0) & (message.c.state == states.UNKNOWN)
        & (message.c.status_at > now - _LONGEST_TRY),
        (batch.c.state == states.LEASED) & (message.c.state == states.PENDING),
    )  # fmt: skip
    rows = connection.execute(
        sa.select(
            message.c.id, message.c.address, message.c.segments, message.c.state, first, gateways
        )
        .join(batch, batch.c.id == message.c.batch_id)
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .where(
            no_answer, message.c.channel == "sms",
            is_any_of(message.c.id.bitwise_and(_MARK), sorted({one.mark or 0 for one in marked})),
            first.in_(named_by) | gateways.is_not(None),
        )
    ).all()  # fmt: skip
    wholes: dict[int, Whole | None] = {}
    for one in marked:
        fit = [
            row
            for row in rows
            if _marks(row.id, one)
            and one.gateway in names_of(row.gateway, row.gateways)
            and _is_from(one, row.address)
        ]
        if len(fit) == 1 and fit[0].state == states.UNKNOWN:
            alone = fit[0].segments == 1
            outcome = (one.outcome, one.reason) if alone else ("accepted", None)
            wholes[one.id] = Whole(fit[0].id, *outcome)
        elif fit:
            wholes[one.id] = None
    return wholes
