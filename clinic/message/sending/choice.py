"""
By which of a campaign's gateways a new attempt leaves, and what an answer says of how that one stands.

    order    the first that is not out
    share    each its part of the batches, by their numbers; of one that is out the next has it
    all out  the one that may come back, else the first choice: it waits or halts as with one gateway

Chosen before the intent is written, which names it: from then on the attempt is that gateway's alone. Only
messages that were proven not to have been sent come here again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.gateway.protocol import Answer, Gateway, GatewayClass
from clinic.message import states
from clinic.message.failover.standing import (
    OUT,
    Failed,
    Standing,
    find_out,
    left_of,
    note_failed,
    note_worked,
    take_try,
)
from clinic.message.sending.ledger import Claim, Ledger
from clinic.message.sending.place import place_of
from clinic.record.schema.messages import batch
from clinic.settings.gateways import Route

_GOLDEN: Final = 0.6180339887498949  # its multiples fall evenly between 0 and 1


class Sent(Protocol):
    """What is asked of an attempt."""

    @property
    def gateway(self) -> str: ...
    @property
    def gateway_class(self) -> GatewayClass | str: ...
    @property
    def replay(self) -> bool: ...


def choose(ledger: Ledger, claim: Claim, gateways: Sequence[Gateway]) -> Gateway:
    """The gateway of a batch's next attempt. Of one that is out and due, one batch is the try."""
    if len(gateways) == 1 or not claim.gateways:
        return gateways[0]
    by_name = {one.name: one for one in gateways if one.name in claim.gateways}
    names = [name for name in in_turn(claim) if name in by_name]
    with ledger.record.read() as connection:
        out = _out(connection, ledger, claim, names)
    for name in names:
        one = out.get(name)
        if one is None or _is_our_try(ledger, claim, one):
            return by_name[name]
    # None is left: who may come back is tried, as with one gateway
    return by_name[[*left_of(names, out), *names][0]]


def of_these(claim: Claim, chosen: Gateway, gateways: Sequence[Gateway]) -> Claim:
    """The claim, once it is chosen for: its lanes, and of several those that are there to stand in."""
    if not claim.gateways:
        return claim
    there = {one.name for one in gateways}
    left = tuple(name for name in claim.gateways if name in there)
    return replace(claim, gateway=chosen.name, gateways=left)


def in_turn(claim: Claim) -> list[str]:
    """A campaign's gateways as this batch would have them: the pilot batch by the first choice."""
    names = list(claim.gateways)
    if not claim.shares or claim.is_canary:
        return names
    place, upto = claim.number * _GOLDEN % 1, 0.0
    for at, share in enumerate(claim.shares):
        upto += share
        if place < upto:
            return names[at:] + names[:at]
    return names


def _out(
    connection: Connection, ledger: Ledger, claim: Claim, names: Sequence[str]
) -> dict[str, Standing]:
    places = {name: place_of(ledger.settings, name) for name in names}
    return find_out(connection, claim.channel, places, ledger.clock.now(), since=claim.resumed_at)


def _is_our_try(ledger: Ledger, claim: Claim, one: Standing) -> bool:
    now = ledger.clock.now()
    if one.again_at is None or one.again_at > now:
        return False
    with ledger.record.write() as connection:
        return take_try(
            connection, one, now, timedelta(seconds=_route(ledger, claim).try_again_seconds)
        )


def _route(ledger: Ledger, claim: Claim) -> Route:
    route: Route = getattr(ledger.settings.channels, claim.channel)
    return route


def stand_in(
    connection: Connection,
    ledger: Ledger,
    claim: Claim,
    sent: Sent,
    answer: Answer,
    code: str | None,
    *,
    bound: bool,
) -> bool:
    """
    Note how the gateway stands by its answer; whether another one goes on where the campaign would halt.

    Args:
        code: under which it would
        bound: some of the attempt is still open, so that the batch goes on through this gateway alone
    """
    fault = code if code in OUT else None
    route, now = _route(ledger, claim), ledger.clock.now()
    if fault is None and answer.results:
        note_worked(connection, sent.gateway, claim.channel)
        if (answer.retry_after or 0.0) <= route.failover_after_seconds:
            return False
        # It took some and will take no more for long: it takes nothing from now on
    if fault is None and code is not None:
        return False  # nobody's fault that another gateway makes good
    stands = note_failed(
        connection,
        sent.gateway,
        claim.channel,
        Failed(
            place_of(ledger.settings, sent.gateway),
            now,
            timedelta(seconds=route.failover_after_seconds),
            timedelta(seconds=route.try_again_seconds),
            code=fault,
            trouble=answer.trouble,
            retry_after=answer.retry_after,
            blind=sent.gateway_class == "B",
            since=claim.resumed_at,
        ),
    )
    out = _out(connection, ledger, claim, claim.gateways)
    if not left_of(claim.gateways, out):
        return False
    if not bound and any(name not in out for name in claim.gateways if name != sent.gateway):
        _sooner(connection, claim, stands)
    return True


def _sooner(connection: Connection, claim: Claim, stands: Standing) -> None:
    """What was not sent need not wait for this gateway: another one has it once this one is out."""
    at = max(stands.out_at, stands.failed_at)
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == claim.batch_id, batch.c.state == states.READY, batch.c.not_before > at)
        .values(not_before=at)
    )
