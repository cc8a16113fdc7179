"""What is under a legal hold, as queries: whatever removes by a clock leaves it out (NEW-39)."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.record.schema.change import operation_item
from clinic.record.schema.govern import legal_hold
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message, recipient


def held(subject: str) -> sa.Select[tuple[int]]:
    """Numbers of the patients, campaigns or lists that are held by themselves."""
    return sa.select(legal_hold.c.subject_id).where(
        legal_hold.c.subject == subject, legal_hold.c.lifted_at.is_(None)
    )


def held_campaigns() -> sa.Select[tuple[int]]:
    """Held by themselves or by their list."""
    return sa.select(campaign.c.id).where(
        campaign.c.id.in_(held("campaign")) | campaign.c.list_id.in_(held("list"))
    )


def held_lists() -> sa.Select[tuple[int]]:
    """Held by themselves or by a campaign."""
    of_campaigns = sa.select(campaign.c.list_id).where(campaign.c.id.in_(held("campaign")))
    return sa.select(cohort_list.c.id).where(
        cohort_list.c.id.in_(held("list")) | cohort_list.c.id.in_(of_campaigns)
    )


def is_about_held(
    subject: sa.ColumnElement[str], subject_id: sa.ColumnElement[int]
) -> sa.ColumnElement[bool]:
    """
    Whether what a row is about is held: a patient, campaign, list or operation.

    Also a campaign or an operation that has a held patient.
    """
    patients = held("patient")
    campaigns = held_campaigns().union(
        sa.select(recipient.c.campaign_id).where(recipient.c.patient_id.in_(patients))
    )
    operations = sa.select(operation_item.c.operation_id).where(
        operation_item.c.patient_id.in_(patients)
    )
    about = {
        "patient": patients,
        "campaign": campaigns,
        "list": held_lists(),
        "operation": operations,
    }
    return sa.or_(*((subject == name) & subject_id.in_(keys) for name, keys in about.items()))


def is_of_held_message(reference: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether a reference is that of a message to a held patient, or of a held campaign."""
    of_one = message.c.patient_id.in_(held("patient")) | message.c.campaign_id.in_(held_campaigns())
    return sa.exists().where(message.c.id == reference, of_one)
