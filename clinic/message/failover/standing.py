"""
Which gateways are out, as every process and host of this installation reads it.

    an answer that took nothing ──► failing since then ──► out, once that is `failover_after_seconds` ago
    a refusal that is the gateway's own (OUT) ───────────► out at once
    anything taken or rejected ──────────────────────────► no row: it works

Written in the transaction of the answer, for campaigns that have another gateway. A row of another place is
another provider's. It decides where a new attempt goes and nothing else: one that is open stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.record.schema.campaigns import gateway_standing

SILENT: Final = "halted-ambiguous"
# Halts that are the gateway's alone, so that another one may send. The rest needs a person first: a clock that
# is wrong is wrong for the patients' hours too; what one provider refuses (gateway-refused) is not handed to
# the next; a text that is not ours, a key that is known and a fate that nobody can ask for are nobody's to skip
OUT: Final = frozenset(
    {
        "gateway-credentials", "gateway-payment", "gateway-tls", "gateway-proxy", "gateway-moved",
        "gateway-sender-refused", SILENT,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """A gateway that takes nothing: out from `out_at` on, tried again at `again_at` (None: not by itself)."""

    gateway: str
    channel: str
    place_sha256: str | None
    failing_since: datetime
    failed_at: datetime
    out_at: datetime
    again_at: datetime | None
    code: str | None
    trouble: str | None


@dataclass(frozen=True)
class Failed:
    """
    An answer that took nothing.

    place: where the gateway leads; after, again: until it is out, and from one try of it to the next
    code: of OUT, or None; retry_after: seconds that it asked to wait for
    blind: it cannot be asked what became of a call: each without an answer makes unknown messages
    since: a person let the campaign go on then: what failed before does not count
    """

    place: str | None
    now: datetime
    after: timedelta
    again: timedelta
    code: str | None = None
    trouble: str = ""
    retry_after: float | None = None
    blind: bool = False
    since: datetime | None = None


def note_worked(connection: Connection, gateway: str, channel: str) -> None:
    """It took or rejected messages: nothing stands against it."""
    c = gateway_standing.c
    connection.execute(
        sa.delete(gateway_standing).where(c.gateway == gateway, c.channel == channel)
    )


def note_failed(connection: Connection, gateway: str, channel: str, failed: Failed) -> Standing:
    """It took nothing; how it stands by that."""
    c = gateway_standing.c
    key = (c.gateway == gateway) & (c.channel == channel)
    # Held by whoever notes it, so that two answers at once count both
    known = connection.execute(
        sa.select(gateway_standing).where(key).with_for_update()
    ).one_or_none()
    before = None if known is None else Standing(*known)
    if before is not None and (
        before.place_sha256 != failed.place  # its name leads to another provider by now
        or (failed.since is not None and before.failed_at <= failed.since)
    ):
        before = None
    since = before.failing_since if before else failed.now
    out_at = failed.now if failed.code else since + failed.after
    if before is not None:
        out_at = min(out_at, before.out_at)
    wait = max(failed.again, timedelta(seconds=failed.retry_after or 0.0))
    code = failed.code or (before.code if before else None)
    stands = Standing(
        gateway=gateway,
        channel=channel,
        place_sha256=failed.place,
        failing_since=since,
        failed_at=failed.now,
        out_at=out_at,
        again_at=None if failed.blind and code == SILENT else failed.now + wait,
        code=code,
        trouble=failed.trouble[:200] or (before.trouble if before else None),
    )
    values = dict(stands.__dict__)
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        gateway_standing
    )
    connection.execute(
        insert.values(values).on_conflict_do_update(
            index_elements=["gateway", "channel"], set_=values
        )
    )
    return stands


def find_out(
    connection: Connection,
    channel: str,
    places: dict[str, str | None],
    now: datetime,
    *,
    since: datetime | None = None,
) -> dict[str, Standing]:
    """
    Those of these gateways that are out, by name.

    places: where each leads by now
    since: a person let the campaign go on then: what failed before does not count
    """
    found = read_standings(connection)
    return {
        one.gateway: one
        for one in found
        if one.channel == channel
        and one.gateway in places
        and one.place_sha256 == places[one.gateway]
        and one.out_at <= now
        and (since is None or one.failed_at > since)
    }


def read_standings(connection: Connection) -> list[Standing]:
    """Every gateway that takes nothing, out or not yet, by name."""
    rows = connection.execute(
        sa.select(gateway_standing).order_by(gateway_standing.c.gateway, gateway_standing.c.channel)
    )
    return [Standing(*row) for row in rows]


def take_try(connection: Connection, one: Standing, now: datetime, again: timedelta) -> bool:
    """Whether this is the try of a gateway that is out and due: of many who ask at once, one's."""
    c = gateway_standing.c
    done = connection.execute(
        sa.update(gateway_standing)
        .where(
            c.gateway == one.gateway, c.channel == one.channel,
            c.again_at.is_not(None), c.again_at <= now,
        )
        .values(again_at=now + again)
    )  # fmt: skip
    return bool(done.rowcount)


def says_out(one: Standing, show: Callable[[datetime], str]) -> str:
    """That it is out since when, why, and when it is tried again. show: an instant in words."""
    why = f" ({one.code})" if one.code else ""
    trouble = f": {one.trouble}" if one.trouble else ""
    again = (
        f"it is tried again at {show(one.again_at)}"
        if one.again_at
        else f"it is not tried again by itself: cohort gateways test {one.gateway} --to NUMBER"
    )
    return f"out since {show(one.out_at)}{why}{trouble}; {again}"


def left_of(names: Sequence[str], out: dict[str, Standing]) -> list[str]:
    """Gateways that may still send without a person: a silent one comes back, one that refuses us does not."""
    return [name for name in names if name not in out or not out[name].code]
