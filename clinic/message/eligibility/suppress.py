"""
Opt-outs, and what is written of those who are left out at the last moment (NEW-5): `suppressed`, with the code.

Which rules leave them out: at_sending.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.eligibility.held import HELD, hold_evidence
from clinic.message.reminders.remind import take_back
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import address_decision
from clinic.values.purposes import decided_by


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
            consent.c.purpose.in_(decided_by(purpose)),
            consent.c.patient_id.in_(patients),
        )
        .subquery()
    )
    return sa.select(latest.c.patient_id, latest.c.id).where(
        latest.c.rank == 1, latest.c.decision == "opt_out"
    )


def suppress(
    connection: Connection, batch_id: int, found: Sequence[tuple[int, str]], now: datetime
) -> int:
    """
    Suppress these messages of a batch as far as they still wait, each for its reason; how many.

    Args:
        found: message and reason, as `left_out` gives them (at_sending.py)
    """
    by_reason: dict[str, list[int]] = {}
    for key, reason in found:
        by_reason.setdefault(reason, []).append(key)
    count = 0
    for reason, ids in sorted(by_reason.items()):
        done = connection.execute(
            sa.update(message)
            .where(is_any_of(message.c.id, ids), message.c.state == states.PENDING)
            .values(state=states.SUPPRESSED, reason=reason, status_at=now)
        ).rowcount
        if done and reason == "opted_out":
            _note_decision(connection, batch_id)
        if done and reason == HELD:
            _note_hold(connection, batch_id)
        if done and reason == "appointment_changed":
            take_back(connection, batch_id)
        count += done
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


def _note_hold(connection: Connection, batch_id: int) -> None:
    """Which reply it was that left them out."""
    connection.execute(
        sa.update(message)
        .where(
            message.c.batch_id == batch_id,
            message.c.state == states.SUPPRESSED,
            message.c.reason == HELD,
            message.c.evidence.is_(None),
        )
        .values(evidence=hold_evidence())
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
            consent.c.purpose.in_(decided_by(chosen.purpose)),
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
