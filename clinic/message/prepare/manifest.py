"""
The manifest: SHA-256 over everything that a campaign is about to do (NEW-1).

It covers what was asked for, the schedule, the rules of time, the version of this program, and every
message of every batch: who, where to, and each character. An approval binds to it; it is made again
from the record in the transaction that releases the campaign, so that whatever changed since, by
whomever, voids the approval.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.campaign.asked import Terms, names_in
from clinic.message.campaign.campaign import Campaign
from clinic.message.fallback.people import digest_of
from clinic.record.schema.messages import batch, message, recipient
from clinic.settings import Settings

# All of its terms, but how many messages a batch has: the batches themselves are covered
_ASKED_FOR = (
    *(name for name in names_in(Terms) if name != "batch_size"),
    "id", "list_id", "template_version_id", "purpose", "canary_size", "rows",
)  # fmt: skip
# Terms that came later say something only where they are set: what was approved before them stays approved
_LATER = frozenset(
    {
        "gateways", "gateway_shares", "fallback", "fallback_after", "fallback_version_id",
        "fallback_gateways", "attachment_sha256",
    }
)  # fmt: skip


def manifest_of(connection: Connection, job: Campaign, settings: Settings) -> str:
    """The manifest of a staged campaign as it stands in the record, in hexadecimal."""
    head = {
        "campaign": terms_of(job),
        "counts": _counts(connection, job.id),
        "time_zone": settings.organisation.time_zone,
        "facility_zones": settings.organisation.facility_zones,
        "hours": settings.hours.model_dump(mode="json"),
        "contact": settings.contact.model_dump(mode="json"),
        "release": settings.release.model_dump(mode="json"),
        "program": version("cohort"),
    }
    if job.fallback is not None:
        head["fallback"] = digest_of(connection, job.id)
    digest = hashlib.sha256(orjson.dumps(head, option=orjson.OPT_SORT_KEYS))
    keys = connection.scalars(
        sa.select(batch.c.id).where(batch.c.campaign_id == job.id).order_by(batch.c.number)
    ).all()
    for key in keys:
        digest.update(_root(connection, key))
    return digest.hexdigest()


def terms_of(job: Campaign) -> dict[str, Any]:
    """What was asked for, as the manifest has it."""
    said = {name: getattr(job, name) for name in _ASKED_FOR}
    return {name: one for name, one in said.items() if one is not None or name not in _LATER}


def _counts(connection: Connection, campaign_id: int) -> list[tuple[str, int]]:
    rows = connection.execute(
        sa.select(recipient.c.outcome, sa.func.count())
        .where(recipient.c.campaign_id == campaign_id)
        .group_by(recipient.c.outcome)
    )
    return sorted((row[0], row[1]) for row in rows)


def _root(connection: Connection, batch_id: int) -> bytes:
    """SHA-256 over a batch's messages, in order."""
    c = message.c
    rows = connection.execute(
        sa.select(c.id, c.patient_id, c.channel, c.address, c.subject, c.body, c.segments)
        .where(c.batch_id == batch_id)
        .order_by(c.id)
    )
    return hashlib.sha256(orjson.dumps([tuple(row) for row in rows])).digest()
