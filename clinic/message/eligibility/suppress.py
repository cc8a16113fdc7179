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
from clinic.message.reminders.taken_back import take_back
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import address_decision
from clinic.values.purposes import ANY, decided_by


def opted_out(channel: str, purpose: str, patients: sa.Select[tuple[int]]) -> sa.Select[tuple[int]]:
    """The ids among `patients` whose latest decision for this channel and purpose is to opt out."""
    out = opt_outs(channel, purpose, patients).subquery()
    return sa.select(out.c.patient_id)


def opt_outs(
    channel: str, purpose: str, patients: sa.Select[tuple[int]]
) -> sa.Select[tuple[int, int]]:
    """
    `patient_id` among `patients`, and the `id` of the decision by which they are opted out.

    A decision for "any" speaks of all, and the latest wins; of two at one instant, the one noted later
    (formats.md, SMS consent codes: neither → may be messaged). But a general yes that nobody put their name to
    (START, a consent code, an import) ends no earlier objection to this very purpose: only a yes to that
    purpose does, or one that a named person took (NEW-40).
    """
    c = consent.c
    own = (c.purpose != ANY) | ((c.decision == "opt_in") & c.taken_by.is_not(None))
    latest = [c.decided_at.desc(), c.id.desc()]
    rank = sa.func.row_number().over(partition_by=c.patient_id, order_by=latest)
    rank_of_own = sa.func.row_number().over(
        partition_by=[c.patient_id, sa.case((own, 1), else_=0)], order_by=latest
    )
    said = (
        sa.select(
            c.patient_id, c.id, c.decision, rank.label("rank"),
            sa.case((own, rank_of_own), else_=0).label("rank_of_own"),
        )
        .where(
            c.channel.in_([channel, ANY]),
            c.purpose.in_(decided_by(purpose)),
            c.patient_id.in_(patients),
        )
        .subquery()
    )  # fmt: skip
    no = (said.c.decision == "opt_out") & ((said.c.rank == 1) | (said.c.rank_of_own == 1))
    # Where both are a no, the one noted later says it
    out = sa.select(said.c.patient_id, sa.func.max(said.c.id).label("id")).where(no)
    return out.group_by(said.c.patient_id)


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
    waiting = sa.select(message.c.patient_id).where(message.c.batch_id == batch_id)
    out = opt_outs(chosen.channel, chosen.purpose, waiting).subquery()
    own = (
        sa.select("consent " + sa.cast(out.c.id, sa.Text))
        .where(out.c.patient_id == message.c.patient_id)
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
