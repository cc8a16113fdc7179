"""
Whom another channel may reach if a campaign's own does not: found when its list is checked, approved with it.

    no address for the first channel   ─► no_address: at once
    accepted for the first channel     ─► failed: if their message proves undeliverable

A row a person, with what the other channel says of them as of then; whoever is `accepted` may be taken, once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.intake.fallback import SAYS
from clinic.record.bulk import insert_rows, plain_rows
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.messages import message, recipient
from clinic.values.text import counted

NO_ADDRESS: Final = "no_address"
FAILED: Final = "failed"
# Of a row: the channel has no number or address to send to
MISSING: Final = (
    "phone_missing", "phone_invalid", "phone_not_mobile", "phone_not_allowed", "email_missing",
    "email_invalid",
)  # fmt: skip
_COLUMNS: Final = ("campaign_id", "patient_id", "row_number", "why", "outcome", "segments")


@dataclass(frozen=True)
class Plan:
    """
    How many are reached how. at_once, later: by the other channel; neither: without an address for the first,
    and not to be reached by the other either; segments: what the others' messages come to at most
    """

    channel: str
    by: str
    hours: int
    at_once: int
    neither: int
    later: int
    segments: int

    @property
    def says(self) -> str:
        """In a sentence, for whoever reviews or approves it."""
        first, other = SAYS[self.channel], SAYS[self.by]
        neither = f" ({self.neither:,} more can be reached by neither)" if self.neither else ""
        return (
            f"By {other} at once: {_people(self.at_once)} whom {first} cannot reach{neither}. By {other} "
            f"later: of {_people(self.later)} those whose message by {first} proves undeliverable, "
            f"{self.hours} h after it; nobody of whom that is not known."
        )


def _people(number: int) -> str:
    return counted(number, "person", "people")


def candidates(
    connection: Connection, campaign_id: int, *, after: int, limit: int
) -> list[tuple[int, int, str]]:
    """Row, patient and why of those who may need the other channel, in the list's order; each person once."""
    own, same = recipient.c, recipient.alias()
    earlier = sa.exists().where(
        same.c.campaign_id == campaign_id,
        same.c.patient_id == own.patient_id,
        (same.c.outcome == "accepted")
        | (same.c.outcome.in_(MISSING) & (same.c.row_number < own.row_number)),
    )
    query = (
        sa.select(
            own.row_number,
            own.patient_id,
            sa.case((own.outcome == "accepted", FAILED), else_=NO_ADDRESS),
        )
        .where(
            own.campaign_id == campaign_id,
            own.row_number > after,
            own.patient_id > 0,  # of who is not in the record no other address is known
            (own.outcome == "accepted") | (own.outcome.in_(MISSING) & ~earlier),
        )
        .order_by(own.row_number)
        .limit(limit)
    )
    return [(int(row), int(key), why) for row, key, why in plain_rows(connection.execute(query))]


def kept_to(connection: Connection, campaign_id: int) -> int:
    """The last row of the list of which a person is kept; -1: none."""
    own = fallback_person.c
    last = connection.scalar(
        sa.select(sa.func.max(own.row_number)).where(own.campaign_id == campaign_id)
    )
    return -1 if last is None else int(last)


def keep_people(
    connection: Connection, campaign_id: int, rows: Iterable[tuple[int, int, str, str, int]]
) -> None:
    """Keep patient, row, why, the other channel's outcome and segments of each."""
    insert_rows(connection, fallback_person, _COLUMNS, ((campaign_id, *row) for row in rows))


def plan_of(connection: Connection, own: Campaign) -> Plan | None:
    """How many are reached how; None: the campaign has no fallback."""
    if own.fallback is None:
        return None
    one = fallback_person.c
    rows = connection.execute(
        sa.select(one.why, one.outcome, sa.func.count(), sa.func.sum(one.segments))
        .where(one.campaign_id == own.id)
        .group_by(one.why, one.outcome)
    ).all()
    reached = {row.why: row for row in rows if row.outcome == "accepted"}

    def count(why: str) -> int:
        return int(reached[why][2]) if why in reached else 0

    return Plan(
        own.channel,
        own.fallback,
        own.fallback_after or 0,
        count(NO_ADDRESS),
        sum(int(row[2]) for row in rows if row.why == NO_ADDRESS) - count(NO_ADDRESS),
        count(FAILED),
        sum(int(row[3]) for row in reached.values()),
    )


def is_approved(connection: Connection, job: Campaign) -> bool:
    """
    Whether a campaign follows another one as that was released: by its other channel and template, to nobody
    else than who was taken for it.
    """
    if job.resend_of is None:
        return False
    first = get_campaign(connection, job.resend_of)
    asked = (first.fallback, first.fallback_version_id)
    if first.manifest_sha256 is None or asked != (job.channel, job.template_version_id):
        return False
    one = fallback_person.c
    taken = sa.select(one.patient_id).where(one.campaign_id == first.id, one.taken_by == job.id)
    others = sa.exists().where(message.c.campaign_id == job.id, message.c.patient_id.not_in(taken))
    return not connection.scalar(sa.select(others))


def digest_of(connection: Connection, campaign_id: int) -> str:
    """SHA-256 over who may be reached by the other channel, and by what they were found so."""
    one = fallback_person.c
    rows = connection.execute(
        sa.select(one.patient_id, one.row_number, one.why, one.outcome, one.segments)
        .where(one.campaign_id == campaign_id)
        .order_by(one.patient_id)
    )
    digest = hashlib.sha256()
    for some in rows.partitions(10_000):
        digest.update(orjson.dumps([tuple(row) for row in some]))
    return digest.hexdigest()
