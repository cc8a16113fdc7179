"""
Who is left out at the last moment: read again in the transaction that writes the intent (NEW-5).

Between acceptance and sending a patient may die, leave, or opt out. What is decided here is written
on the message: `suppressed`, with the reason's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.eligibility.contact import recently_contacted
from clinic.message.eligibility.decisions import refusing_addresses
from clinic.message.eligibility.same_text import had_it_meanwhile
from clinic.message.reminders.remind import changed_since, take_back
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import consent, patient
from clinic.record.schema.receipts import address_decision
from clinic.settings import Contact


def opted_out(channel: str, purpose: str, patients: sa.Select[tuple[int]]) -> sa.Select[tuple[int]]:
    """The ids among `patients` whose latest decision for this channel and purpose is to opt out."""
    out = opt_outs(channel, purpose, patients).subquery()
    return sa.select(out.c.patient_id)


def opt_outs(
    channel: str, purpose: str, patients: sa.Select[tuple[int]]
) -> sa.Select[tuple[int, int]]:
    """
    `patient_id` among `patients`, and the `id` of their latest decision, where that is to opt out.

    A decision for "any" speaks of all. The latest wins; of two at one instant, the one noted later
    (formats.md, SMS consent codes: neither → may be messaged).
    """
    rank = (
        sa.func.row_number()
        .over(
            partition_by=consent.c.patient_id,
            order_by=[consent.c.decided_at.desc(), consent.c.id.desc()],
        )
        .label("rank")
    )
    latest = (
        sa.select(consent.c.patient_id, consent.c.id, consent.c.decision, rank)
        .where(
            consent.c.channel.in_([channel, "any"]),
            consent.c.purpose.in_({purpose, "any"}),
            consent.c.patient_id.in_(patients),
        )
        .subquery()
    )
    return sa.select(latest.c.patient_id, latest.c.id).where(
        latest.c.rank == 1, latest.c.decision == "opt_out"
    )


def suppress_ineligible(
    connection: Connection, batch_id: int, campaign_id: int, now: datetime
) -> int:
    """Suppress the waiting messages of a batch whose patient may not be messaged now; how many."""
    waiting = (message.c.batch_id == batch_id) & (message.c.state == states.PENDING)
    members = sa.select(message.c.patient_id).where(waiting)
    return _suppress(connection, batch_id, ineligible(connection, campaign_id, members, now), now)


def ineligible(
    connection: Connection, campaign_id: int, members: sa.Select[tuple[int]], now: datetime
) -> dict[str, sa.Select[tuple[int]]]:
    """Which of these patients may not be messaged now, by the reason's code."""
    chosen = connection.execute(
        sa.select(campaign.c.channel, campaign.c.purpose, cohort_list.c.source)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(campaign.c.id == campaign_id)
    ).one()

    def among(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[int]]:
        return sa.select(patient.c.id).where(patient.c.id.in_(members), *conditions)

    reasons = {
        "patient_dead": among(patient.c.death_date.is_not(None)),
        "patient_deregistered": among(patient.c.deregistered_on <= now.date()),
        "no_contact": among(patient.c.preferred_channel == "none"),
        "opted_out": _refusing(chosen.channel, chosen.purpose, campaign_id, members),
    }
    if chosen.source == "report":  # COM-12, ACX-36: a reminder of what will not be is not sent
        reasons["appointment_changed"] = changed_since(campaign_id, members, now)
    return reasons


def _refusing(
    channel: str, purpose: str, campaign_id: int, members: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """By a decision of their own, or of the number that their message would go to."""
    own = opted_out(channel, purpose, members)
    of_address = refusing_addresses(channel, purpose, campaign_id, members)
    both = sa.union_all(own, of_address).subquery()
    return sa.select(both.c[0])


def suppress_recently_contacted(
    connection: Connection, batch_id: int, campaign_id: int, contact: Contact, now: datetime
) -> int:
    """Suppress the waiting messages of a batch whose patient had enough of them lately; how many (NEW-8)."""
    waiting = (message.c.batch_id == batch_id) & (message.c.state == states.PENDING)
    members = sa.select(message.c.patient_id).where(waiting)
    had_enough = recently_contacted(contact, members, now, but=campaign_id)
    return _suppress(connection, batch_id, {"recently_contacted": had_enough}, now)


def suppress_had_lately(
    connection: Connection, batch_id: int, campaign_id: int, contact: Contact, now: datetime
) -> int:
    """Suppress the waiting messages of a batch whose patient had it from another campaign; how many."""
    waiting = (message.c.batch_id == batch_id) & (message.c.state == states.PENDING)
    members = sa.select(message.c.patient_id).where(waiting)
    had = had_it_meanwhile(connection, campaign_id, contact, members, now)
    return 0 if had is None else _suppress(connection, batch_id, {"had_this_lately": had}, now)


def _suppress(
    connection: Connection,
    batch_id: int,
    reasons: Mapping[str, sa.Select[tuple[int]]],
    now: datetime,
) -> int:
    waiting = (message.c.batch_id == batch_id) & (message.c.state == states.PENDING)
    count = 0
    for reason, ids in reasons.items():
        left_out = connection.execute(
            sa.update(message)
            .where(waiting, message.c.patient_id.in_(ids))
            .values(state=states.SUPPRESSED, reason=reason, status_at=now)
        ).rowcount
        if left_out and reason == "opted_out":
            _note_decision(connection, batch_id)
        if left_out and reason == "appointment_changed":
            take_back(connection, batch_id)
        count += left_out
    count_suppressed(connection, batch_id, count)
    return count


def count_suppressed(connection: Connection, batch_id: int, count: int) -> None:
    """So many more of a batch are left out at the last moment."""
    if count:
        connection.execute(
            sa.update(batch)
            .where(batch.c.id == batch_id)
            .values(suppressed=batch.c.suppressed + count)
        )


def _note_decision(connection: Connection, batch_id: int) -> None:
    """Which decision it was that left them out (NEW-5): the patient's own, or that of their number."""
    chosen = connection.execute(
        sa.select(campaign.c.channel, campaign.c.purpose)
        .join(batch, batch.c.campaign_id == campaign.c.id)
        .where(batch.c.id == batch_id)
    ).one()
    out = sa.case((consent.c.decision == "opt_out", "consent " + sa.cast(consent.c.id, sa.Text)))
    own = (
        sa.select(out)
        .where(
            consent.c.patient_id == message.c.patient_id,
            consent.c.channel.in_([chosen.channel, "any"]),
            consent.c.purpose.in_({chosen.purpose, "any"}),
        )
        .order_by(consent.c.decided_at.desc(), consent.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    of_address = (
        sa.select(address_decision.c.evidence)
        .where(
            address_decision.c.channel == chosen.channel,
            address_decision.c.address == message.c.address,
        )
        .scalar_subquery()
    )
    connection.execute(
        sa.update(message)
        .where(
            message.c.batch_id == batch_id,
            message.c.state == states.SUPPRESSED,
            message.c.reason == "opted_out",
            message.c.evidence.is_(None),
        )
        .values(evidence=sa.func.coalesce(own, of_address))
    )
