"""
Previews: campaigns that are made to be looked at, and taken away again (ACX-31).

What a row would be told is known only once its list was imported, judged and written. So a preview is a
dry run whose request key bears a mark: no list shows it, nothing releases it, and when it was looked at
it is deleted whole. One whose process was killed keeps its mark, and the next preview deletes it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_index import PREVIEW, is_preview
from clinic.message.audience.audience import ANYBODY
from clinic.message.audience.spared import with_spared
from clinic.message.campaign.counting import messages_of
from clinic.message.template.catalogue import PREVIEW_TEXT, NewTemplate, add_template
from clinic.record.database import Record
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.lists import (
    cohort_list,
    list_row,
    template,
    template_audience,
    template_purpose,
    template_version,
)
from clinic.record.schema.messages import (
    batch,
    campaign,
    check_result,
    gate_override,
    message,
    recipient,
)
from clinic.record.schema.recall import coverage_asked, recall
from clinic.record.schema.receipts import reminder, told_visit
from clinic.record.schema.safety import content_finding, safety_acceptance

# Longer than anybody's preview takes: what is older was left by a process that died
_LEFT_BEHIND: Final = timedelta(hours=6)
_OF_PREVIEW: Final = template.c.message_type == PREVIEW_TEXT


def preview_key() -> str:
    """A request key that marks what is made with it as a preview."""
    return f"{PREVIEW}{uuid.uuid4()}"


def add_preview_text(
    record: Record, clock: Clock, text: str, *, key: str, by: str, purpose: str,
    subject: str | None = None,
) -> str:  # fmt: skip
    """
    Keep a free text for the length of a preview; the key it can be sent by.

    Not the key that the same text has for real: that one may be somebody else's, and is not deleted.

    Raises:
        TemplateRefused: the text is not fit
    """
    audience = with_spared(ANYBODY, f"{subject or ''} {text}")
    new = NewTemplate(key, "Free text", PREVIEW_TEXT, text, subject, purpose, audience=audience)
    add_template(record, clock, new, by=by)
    return key


def discard_preview(record: Record, key: str) -> None:
    """
    Delete everything that was made with this request key. Again: nothing.

    Raises:
        ValueError: the key does not bear the mark
    """
    if not key.startswith(PREVIEW):
        raise ValueError("only a preview can be deleted")
    with record.write() as connection:
        _discard(connection, key)


def discard_left_behind(record: Record, now: datetime) -> None:
    """Delete the previews whose process died."""
    old = now - _LEFT_BEHIND
    begun = (
        sa.select(cohort_list.c.request_key).where(
            is_preview(cohort_list.c.request_key), cohort_list.c.taken_at < old
        ),
        sa.select(campaign.c.request_key).where(
            is_preview(campaign.c.request_key), campaign.c.created_at < old
        ),
        sa.select(template.c.key)
        .join(template_version, template_version.c.template_id == template.c.id)
        .where(_OF_PREVIEW, template_version.c.created_at < old),
    )
    with record.read() as connection:
        keys = {key for query in begun for key in connection.scalars(query)}
    for key in sorted(keys):
        discard_preview(record, key)


def _discard(connection: Connection, key: str) -> None:
    """In the order in which the rows refer to each other."""
    made = sa.select(campaign.c.id).where(campaign.c.request_key == key, campaign.c.dry_run)
    for campaign_id in connection.scalars(made).all():
        told = sa.select(message.c.id).where(messages_of(campaign_id))
        connection.execute(sa.delete(told_visit).where(told_visit.c.message_id.in_(told)))
        connection.execute(sa.delete(message).where(messages_of(campaign_id)))
        for table in (
            batch,
            recipient,
            check_result,
            gate_override,
            safety_acceptance,
            content_finding,
            fallback_person,
            coverage_asked,
            recall,
        ):
            connection.execute(sa.delete(table).where(table.c.campaign_id == campaign_id))
        connection.execute(sa.delete(campaign).where(campaign.c.id == campaign_id))
    lists = sa.select(cohort_list.c.id).where(cohort_list.c.request_key == key)
    for table in (list_row, reminder):
        connection.execute(sa.delete(table).where(table.c.list_id.in_(lists)))
    connection.execute(sa.delete(cohort_list).where(cohort_list.c.request_key == key))
    texts = sa.select(template.c.id).where(template.c.key == key, _OF_PREVIEW)
    versions = sa.select(template_version.c.id).where(template_version.c.template_id.in_(texts))
    for beside in (template_audience, template_purpose):
        connection.execute(sa.delete(beside).where(beside.c.template_version_id.in_(versions)))
    connection.execute(sa.delete(template_version).where(template_version.c.template_id.in_(texts)))
    connection.execute(sa.delete(template).where(template.c.key == key, _OF_PREVIEW))
