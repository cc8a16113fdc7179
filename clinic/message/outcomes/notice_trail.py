"""
That a notice was sent is on the trail when it was, and as far as it was (ALC-8, ALC-32).

Said in the transaction that closes its campaign, by whichever way that comes: `done` if the gateway has
all of it, else what became of it, with the counts of each outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.outcomes import KEPT
from clinic.govern.audit.trail import Act, write_act
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.purposes import STAFF_LIST
from clinic.record.schema.lists import cohort_list

SENT: Final = frozenset({"sent", "delivered"})


def tell_ended(connection: Connection, campaign_id: int, now: datetime) -> None:
    """What became of a notice to staff; of any other campaign, nothing."""
    job = get_campaign(connection, campaign_id)
    source = sa.select(cohort_list.c.source).where(cohort_list.c.id == job.list_id)
    if connection.scalar(source) != STAFF_LIST:
        return
    counts = count_outcomes(connection, campaign_id)
    act = Act(
        operator=job.requested_by,
        operation_type="notification",
        subject="campaign",
        subject_id=job.id,
        new_values={"recipients": job.rows, "list": job.list_id, "purpose": job.purpose, **counts},
        reason=job.list_name,
        outcome=outcome_of(counts),
    )
    write_act(connection, act, now)


def outcome_of(counts: Mapping[str, int]) -> str:
    """`done`: all were told; `partly`; `outbox`: kept there; `failed`: nobody was told."""
    told = sum(rows for code, rows in counts.items() if code in SENT)
    if told:
        return "done" if told == sum(counts.values()) else "partly"
    return "outbox" if counts.get(KEPT) else "failed"
