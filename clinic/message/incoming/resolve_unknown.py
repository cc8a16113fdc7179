"""
Resolves, with a second approver, messages that are `unknown` long after any delivery receipt.

    ask (one person) ─► approval (another) ─► `settle`    sent: it counts as sent; not_sent: it may be resent

The decision is evidence like a receipt and goes the same way (`settle.py`): a receipt that comes after all
and says `delivered` still wins. Of what they say was sent no receipt is awaited any more (receipt_timeout.py):
it may not become a failure that is sent again. "Not sent" may text somebody twice: that is why two people
must say so.
Source: shared notes on reliability §2.1 M10; NEW-3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.gateway.received import Receipt, Said
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.audit.trail import Act, record_act
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import messages_of
from clinic.message.failover.ways import sent_by
from clinic.message.incoming.apply_receipts import Applied, apply_receipts
from clinic.message.incoming.receipts import insert_receipts
from clinic.message.network_reasons import REASONS, SETTLED_NOT_SENT, SETTLED_SENT
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message

Fate = Literal["sent", "not_sent"]
HORIZON: Final = timedelta(hours=72)  # before that a delivery receipt may still tell


def ask_to_settle(
    record: Record,
    clock: Clock,
    campaign_id: int,
    fate: Fate,
    *,
    rows: Collection[int] | None = None,
    requested_by: str,
    reason: str,
    expires_in: timedelta,
) -> int:
    """
    Ask another person to agree what became of a campaign's unknown messages; the approval's number.

    Args:
        rows: only these rows of its list; None: all that are unknown for 72 hours

    Raises:
        NotFound: there is no such campaign
        NotAllowed: nothing is unknown so long, a row that is named is not, or the role may not ask
    """
    now = clock.now()
    with record.write() as connection:
        chosen = _choose(connection, campaign_id, rows, now)
        return request_approval(
            connection, clock, subject="unknown", subject_id=campaign_id, kind="resend_unknown",
            digest=_digest(campaign_id, chosen, fate), requested_by=requested_by,
            summary={"campaign": campaign_id, "messages": len(chosen), "fate": fate},
            reason=reason, flow_run_id=None, expires_in=expires_in,
        )  # fmt: skip


def may_ask(record: Record, campaign_id: int, now: datetime) -> bool:
    """Whether a message of the campaign is unknown so long that it may be asked for."""
    query = sa.select(message.c.id).where(_long_unknown(campaign_id, now))
    with record.read() as connection:
        return bool(connection.scalar(sa.select(query.exists())))


def _long_unknown(campaign_id: int, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        messages_of(campaign_id),
        message.c.state == states.UNKNOWN,
        message.c.sent_at <= now - HORIZON,
    )


def settle_unknowns(
    record: Record,
    clock: Clock,
    campaign_id: int,
    fate: Fate,
    *,
    rows: Collection[int] | None = None,
    by: str = "",
) -> Applied:
    """
    Resolve what was approved, and only that: what became known since voids the approval.

    by: who resolves it, proven; whoever asked for it if nobody is named

    Raises:
        NotFound, NotAllowed: as `ask_to_settle`, or there is no approval of exactly this
    """
    now = clock.now()
    with record.write() as connection:
        chosen = _choose(connection, campaign_id, rows, now)
        approval = require_approved(
            connection, subject="unknown", subject_id=campaign_id,
            digest=_digest(campaign_id, chosen, fate), now=now,
        )  # fmt: skip
        said = [
            _evidence(gateway, approval.id, key, fate)
            for key, gateway in _gateways(connection, chosen)
        ]
        insert_receipts(connection, said, now)
        act = Act(
            operator=by or approval.requested_by, operation_type="unknown.settled",
            subject="campaign", subject_id=campaign_id, approver=approval.decided_by,
            patients_affected=len(chosen), new_values={"fate": fate, "approval": approval.id},
        )  # fmt: skip
        record_act(connection, clock, act)
    return apply_receipts(record, clock)


def _choose(
    connection: Connection, campaign_id: int, rows: Collection[int] | None, now: datetime
) -> Sequence[int]:
    """The ids of the messages meant, ascending."""
    get_campaign(connection, campaign_id)
    found = connection.execute(
        sa.select(message.c.row_number, message.c.id)
        .where(_long_unknown(campaign_id, now))
        .order_by(message.c.id)
    )
    unknown: dict[int, int] = {row[0]: row[1] for row in found}
    if rows is not None and not set(rows) <= unknown.keys():
        raise NotAllowed(
            "unknown-not-settleable",
            "a row that was named is not unknown, or not for 72 hours: until then a delivery receipt may tell",
        )
    chosen = [key for row, key in unknown.items() if rows is None or row in rows]
    if not chosen:
        raise NotAllowed(
            "unknown-none",
            f"no message of campaign {campaign_id} has been unknown for 72 hours",
        )
    return chosen


def _gateways(connection: Connection, chosen: Sequence[int]) -> list[tuple[int, str]]:
    """Each of these messages, and the gateway that may have it: what is said of it is matched by that too."""
    rows = connection.execute(
        sa.select(message.c.id, sent_by())
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .where(is_any_of(message.c.id, chosen))
        .order_by(message.c.id)
    )
    return [(row[0], row[1]) for row in rows]


def _digest(campaign_id: int, chosen: Sequence[int], fate: Fate) -> str:
    return hashlib.sha256(f"{campaign_id}/{fate}/{','.join(map(str, chosen))}".encode()).hexdigest()


def _evidence(gateway: str, approval_id: int, reference: int, fate: Fate) -> Receipt:
    event_id = f"settled {approval_id}/{reference}"
    said: Said = "accepted" if fate == "sent" else "rejected"
    code = SETTLED_SENT if fate == "sent" else SETTLED_NOT_SENT
    return Receipt(gateway, event_id, reference, said, code, REASONS[code].says)
