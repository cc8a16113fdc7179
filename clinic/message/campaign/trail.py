"""
What the audit trail holds of a campaign: the requester, what was released, and each message's state (NEW-10).

    campaign.requested ─► campaign.released ─► campaign.sent …, campaign.receipts …, campaign.cancelled …

An act of each, with counts, in the transaction of what it tells of; the rows themselves are sealed where
they stand (clinic/govern/audit/seals.py). Whatever writes a message's state says so here: a state without
its seal is what `verify` is there to find. Writers of one campaign wait for each other from here to their
commit, so it is said last, after every lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.govern.audit.trail import Act, write_act
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import campaign, message, recipient

_MOST: Final = 10_000  # messages of one act
_REQUESTER: Final = sa.select(campaign.c.requested_by).where(
    campaign.c.id == sa.bindparam("this_campaign")
)
_PREVIEW: Final = "preview-"  # deleted after a look: nothing of it can leave


def tell_requested(connection: Connection, campaign_id: int, now: datetime) -> None:
    """The requester of this campaign, of which list, by which way."""
    job = connection.execute(sa.select(campaign).where(campaign.c.id == campaign_id)).one()
    if job.request_key.startswith(_PREVIEW) and job.dry_run:
        return
    says = {
        name: getattr(job, name)
        for name in ("list_id", "template_version_id", "channel", "gateway", "dry_run", "rows")
    }
    if job.resend_of is not None:
        says["resend_of"] = job.resend_of
    act = _act(job.requested_by, "requested", campaign_id, says)
    write_act(connection, act, now, rows={campaign: [campaign_id]})


def tell_released(
    connection: Connection, job: Campaign, digest: str, counts: Mapping[str, int], now: datetime
) -> None:
    """What was released: the digest of all of it, and how many rows have which outcome."""
    if job.request_key.startswith(_PREVIEW) and job.dry_run:
        return
    act = _act(job.requested_by, "released", job.id, {"digest": digest, **counts})
    write_act(connection, act, now, rows={campaign: [job.id], recipient: [job.id]})


def tell_sent(
    connection: Connection, campaign_id: int, number: int, fates: Mapping[int, str], now: datetime
) -> None:
    """The messages of a batch whose answer is known now, or never will be, and their states."""
    if fates:
        who = connection.scalar(_REQUESTER, {"this_campaign": campaign_id})
        counts = Counter(fates.values())
        act = _act(who or "system", "sent", campaign_id, {"batch": number, **counts}, _left(counts))
        write_act(connection, act, now, rows={message: fates.keys()})


def tell_moved(connection: Connection, what: str, ids: Collection[int], now: datetime) -> None:
    """
    Messages, of any campaigns, that got another state without being sent now.

    Args:
        what: "receipts", "no-receipt", "left-out", "not-sent", "unknown"
    """
    if not ids:
        return
    by_campaign: dict[int, list[int]] = {}
    whose = sa.select(message.c.campaign_id, message.c.id).where(is_any_of(message.c.id, list(ids)))
    for campaign_id, key in connection.execute(whose.order_by(message.c.id)):
        by_campaign.setdefault(campaign_id, []).append(key)
    for campaign_id, keys in sorted(by_campaign.items()):
        for first in range(0, len(keys), _MOST):
            _tell(connection, what, campaign_id, keys[first : first + _MOST], now)


def ids_where(connection: Connection, *which: ColumnElement[bool]) -> list[int]:
    """The ids of messages, ascending."""
    return list(connection.scalars(sa.select(message.c.id).where(*which).order_by(message.c.id)))


def _tell(
    connection: Connection, what: str, campaign_id: int, ids: Collection[int], now: datetime
) -> None:
    counted = connection.execute(
        sa.select(message.c.state, sa.func.count())
        .where(is_any_of(message.c.id, ids))
        .group_by(message.c.state)
    )
    counts = Counter(dict(counted.tuples().all()))
    act = _act("system", what, campaign_id, counts, _left(counts))
    write_act(connection, act, now, rows={message: ids})


def _left(counts: Mapping[str, int]) -> int:
    """How many of them left, or may have."""
    return sum(counts.get(state, 0) for state in (*states.LEFT, states.UNKNOWN))


def _act(who: str, what: str, campaign_id: int, says: Mapping[str, Any], patients: int = 0) -> Act:
    return Act(
        operator=who,
        operation_type=f"campaign.{what}",
        subject="campaign",
        subject_id=campaign_id,
        patients_affected=patients,
        new_values=says,
    )
