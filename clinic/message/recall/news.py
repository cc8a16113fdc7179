"""What came of a recall's open follow-ups since they were listed: noted, for the person who closes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.message import states
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.recall import recall, recall_task
from clinic.record.schema.receipts import reply


def note_news(connection: Connection, now: datetime) -> None:
    """Note what came of open follow-ups since: in their campaign, or in one that repeats it."""
    task, own, again = recall_task.c, campaign.alias(), campaign.alias()
    repeats = (again.c.resend_of == own.c.id) | (
        (again.c.id > own.c.id) & (again.c.list_name == own.c.list_name)
    )
    delivered = sa.exists().where(
        own.c.id == task.campaign_id,
        (again.c.id == own.c.id) | repeats,
        message.c.campaign_id == again.c.id,
        message.c.patient_id == task.patient_id,
        message.c.state == states.DELIVERED,
        message.c.status_at >= task.made_at,
    )
    replied = sa.exists().where(
        message.c.campaign_id == task.campaign_id,
        message.c.patient_id == task.patient_id,
        *by_reply(task.made_at),
    )
    coded = sa.exists().where(
        recall.c.campaign_id == task.campaign_id,
        diagnosis.c.patient_id == task.patient_id,
        (" " + recall.c.codes + " ").like("% " + diagnosis.c.code + " %"),
        diagnosis.c.onset >= sa.func.date(task.made_at),
    )
    news = sa.case((coded, "coded"), (replied, "answered"), (delivered, "delivered"))
    connection.execute(
        sa.update(recall_task)
        .where(task.done_at.is_(None), task.news.is_(None), news.is_not(None))
        .values(news=news, news_at=now)
    )


def by_reply(since: datetime | ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """
    Of a message: the patient answered it from a number of their own. A STOP is no answer, and what comes from a
    number that patients share is not known to be this one's.
    """
    return (
        reply.c.channel == message.c.channel,
        reply.c.address == message.c.address,
        reply.c.patients == 1,
        sa.func.coalesce(reply.c.keyword, "") != "stop",
        reply.c.happened_at >= since,
    )
