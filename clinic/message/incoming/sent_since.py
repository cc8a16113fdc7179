"""
Asks a gateway what it took since a record was set back, and takes that as known.

    the provider's list ──► receipt_inbox ──► each campaign in doubt: `asked` ──► resumed, it sends the rest

What the list has of the record's own messages is never sent again (doubt.py). What it has besides was sent by
campaigns that were made after the backup: the record does not know them, nor to whom they went; they are
counted, and named by reference in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.gateway.received import Receipt
from clinic.govern.audit.trail import Act, record_act
from clinic.message.campaign.doubt import ASKED
from clinic.message.codes import ROOM
from clinic.message.failover.ways import names_of
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message

_WHY: Final = "what was sent since the record was set back"
# Its clock may be behind ours, and what was under way then was taken before: a longer list harms nobody
_CLOCKS: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Asked:
    """
    What a gateway's list says.

    listed: messages of it; known: of those, the record's own
    strange: the others, which campaigns made after the backup sent
    campaigns: that are not in doubt any more
    """

    since: datetime
    listed: int
    known: int
    strange: Sequence[Receipt]
    campaigns: Sequence[int]

    @property
    def lost_campaigns(self) -> int:
        """How many campaigns those were of."""
        return len({(one.reference or 0) // ROOM for one in self.strange})


@dataclass
class _Found:
    listed: int = 0
    known: int = 0
    strange: list[Receipt] = field(default_factory=list)


def in_doubt_since(record: Record, gateway: str) -> datetime | None:
    """The earliest moment from which a campaign of this gateway is in doubt; None: none is."""
    query = sa.select(sa.func.min(campaign.c.doubt_since)).where(
        campaign.c.gateway == gateway,
        campaign.c.gateways.is_(None),
        sa.func.coalesce(campaign.c.doubt_said, "") != ASKED,
    )
    with record.read() as connection:
        since: datetime | None = connection.scalar(query)
    return since


def _of_several(record: Record, gateway: str) -> list[int]:
    """Campaigns in doubt that this gateway is one of several of."""
    query = sa.select(campaign.c.id, campaign.c.gateway, campaign.c.gateways).where(
        campaign.c.gateways.is_not(None), campaign.c.doubt_since.is_not(None)
    )
    with record.read() as connection:
        rows = connection.execute(query.order_by(campaign.c.id)).all()
    return [row.id for row in rows if gateway in names_of(row.gateway, row.gateways)]


def require_since(record: Record, gateway: str, said: datetime | None) -> datetime:
    """
    From when on to ask: as said, but never later than an hour before the first doubt.

    Raises:
        NotAllowed: nothing is in doubt, and nobody said from when on
    """
    doubted = in_doubt_since(record, gateway)
    known = [at for at in (said, doubted and doubted - _CLOCKS) if at is not None]
    if not known and (several := _of_several(record, gateway)):
        raise NotAllowed(
            "nothing-in-doubt",
            f"campaign {', '.join(map(str, several))} is in doubt and has several gateways: what one of them "
            "lists is not all that was sent. Say what was: cohort resume "
            f"{several[0]} --left nothing, or --left unknown",
        )
    if not known:
        raise NotAllowed(
            "nothing-in-doubt",
            "no campaign of this gateway is in doubt: nothing need be asked. To see what was sent by campaigns "
            'that the record does not know, name the time of the backup: --since "2026-03-02 02:00"',
        )
    return min(known)


def ask(
    record: Record,
    clock: Clock,
    pages: Iterable[Sequence[Receipt]],
    *,
    gateway: str,
    since: datetime,
    by: str,
) -> Asked:
    """
    Keep a whole list, and let its campaigns be resumed. Again: what is known by then is kept once.

    A list that breaks off changes nothing but what was kept of it: its campaigns stay in doubt.

    Args:
        pages: of the provider, all that it took since `since`

    Raises:
        GatewayProblem, ListRefused: of `pages`
    """
    found = _Found()
    for page in pages:
        keep_receipts(record, clock, page)
        _sort(record, page, found)
    with record.write() as connection:
        cleared = _clear(connection, gateway, since)
        asked = Asked(since, found.listed, found.known, found.strange, cleared)
        _tell(connection, clock, asked, by)
    apply_receipts(record, clock)
    return asked


def _sort(record: Record, page: Sequence[Receipt], found: _Found) -> None:
    names = sorted({one.reference for one in page if one.reference is not None})
    with record.read() as connection:
        ours = set(
            connection.scalars(sa.select(message.c.id).where(is_any_of(message.c.id, names)))
        )
        bases = {base // ROOM for base in connection.scalars(sa.select(campaign.c.message_base))}
    found.listed += len(page)
    for one in page:
        # Of a campaign that was not staged yet no message is there, but it is the record's own
        if one.reference in ours or (one.reference or 0) // ROOM in bases:
            found.known += 1
        else:
            found.strange.append(one)


def _clear(connection: Connection, gateway: str, since: datetime) -> list[int]:
    return sorted(
        connection.scalars(
            sa.update(campaign)
            .where(
                campaign.c.gateway == gateway,
                campaign.c.gateways.is_(None),  # of several gateways one list is half of it
                campaign.c.doubt_since >= since,
                sa.func.coalesce(campaign.c.doubt_said, "") != ASKED,
            )
            .values(doubt_said=ASKED, row_version=campaign.c.row_version + 1)
            .returning(campaign.c.id)
        ).all()
    )


def _tell(connection: Connection, clock: Clock, asked: Asked, by: str) -> None:
    says = {
        "since": asked.since.isoformat(),
        "listed": asked.listed,
        "known": asked.known,
        "unknown_to_the_record": len(asked.strange),
        "campaigns": list(asked.campaigns),
    }
    act = Act(
        operator=by, operation_type="sending.ask", subject="installation", new_values=says,
        reason=_WHY,
    )  # fmt: skip
    record_act(connection, clock, act)
