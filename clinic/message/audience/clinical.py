"""
What holds for a template of the class clinical, a result or advice to many (NEW-28, safety case 11).

A clinician approves it, however few it goes to (clinic/message/prepare/approve.py), and it is worth something
for hours alone: what was not sent `release.clinical_hours` after it was asked for is left out, and whoever was
not reached is contacted another way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import CohortRefused
from clinic.message.audience.audience import audience_of
from clinic.message.audience.classes import CLINICAL
from clinic.record.database import Record
from clinic.record.schema.lists import template_version
from clinic.record.schema.messages import campaign
from clinic.record.template_versions import select_version

LATE: Final = "clinical_late"  # the reason of what was not sent in time


def is_clinical(connection: Connection, version_id: int) -> bool:
    """Whether a template's version is of the class."""
    return CLINICAL in audience_of(connection, version_id).classes


def require_in_time(
    record: Record, key: str, version: int | None, *, start_at: datetime | None, days: int | None,
    now: datetime, hours: float,
) -> None:  # fmt: skip
    """
    Whether what is asked for can leave while it is worth something.

    Args:
        key, version: of the template; None: its newest
        start_at, days: when it is to start, and over how many days it is spread

    Raises:
        CohortRefused: it is of the class clinical, and would leave too late
    """
    late = start_at is not None and start_at > now + timedelta(hours=hours)
    if not (late or (days or 1) > 1):
        return
    query = select_version(key, version, template_version.c.id)
    with record.read() as connection:
        found = connection.scalar(query)
        clinical = found is not None and is_clinical(connection, found)
    if clinical:
        raise CohortRefused(
            "clinical-late",
            f"template {key} is of the class clinical: it leaves within {hours:g} hours "
            "(release.clinical_hours), neither later nor spread over days. Nothing was sent",
        )


_JOB: Final = sa.select(
    campaign.c.created_at, campaign.c.template_version_id, campaign.c.dry_run
).where(campaign.c.id == sa.bindparam("this_campaign"))


def is_late(connection: Connection, campaign_id: int, hours: float, now: datetime) -> bool:
    """Whether what waits of a campaign is worth nothing any more; a dry run's is never late."""
    job = connection.execute(_JOB, {"this_campaign": campaign_id}).one()
    if job.dry_run or now <= job.created_at + timedelta(hours=hours):
        return False
    return is_clinical(connection, job.template_version_id)
