"""What came of a recall's open follow-ups since they were listed: noted, for the person who closes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.recall import recall, recall_task
from clinic.record.schema.receipts import reply
from clinic.record.told import of_teller

BLOCK: Final = 1_000


def note_news(record: Record, now: datetime) -> None:
    """
    Note what came of open follow-ups since: in their campaign, or in one that repeats it.

    Looked for in a transaction that only reads: of follow-ups that are open for months nothing is new.
    """
    with record.read() as connection:
        found = connection.execute(_news()).all()
    task = recall_task.c
    statement = (
        sa.update(recall_task)
        .where(
            task.campaign_id == sa.bindparam("of"), task.row_number == sa.bindparam("row"),
            task.done_at.is_(None), task.news.is_(None),
        )
        .values(news=sa.bindparam("said"), news_at=now)
    )  # fmt: skip
    for first in range(0, len(found), BLOCK):
        some = [
            {"of": row.campaign_id, "row": row.row_number, "said": row.said}
            for row in found[first : first + BLOCK]
        ]
        with record.write() as connection:
            connection.execute(statement, some)


def _news() -> sa.Select[Any]:
    task, own, again = recall_task.c, campaign.alias(), campaign.alias()
    repeats = (again.c.resend_of == own.c.id) | (
        (again.c.id > own.c.id) & (again.c.list_name == own.c.list_name)
    )
    delivered = sa.exists().where(
        own.c.id == task.campaign_id,
        (again.c.id == own.c.id) | repeats,
        message.c.campaign_id == again.c.id,
        message.c.patient_id == task.patient_id,
        of_teller("state") == states.DELIVERED,
        of_teller("status_at") >= task.made_at,
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
    return sa.select(task.campaign_id, task.row_number, news.label("said")).where(
        task.done_at.is_(None), task.news.is_(None), news.is_not(None)
    )


def by_reply(since: datetime | ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """
    Of a message: the patient answered it from a number of their own. A keyword (STOP, START, HELP) is none, nor
    is what is marked: "wrong number" or "she died" says nothing of the recall, and a person reads it. What
    comes from a number that patients share is not known to be this one's.
    """
    return (
        reply.c.channel == message.c.channel,
        reply.c.address == message.c.address,
        reply.c.patients == 1,
        reply.c.keyword.is_(None),
        sa.func.coalesce(reply.c.marks, "") == "",
        reply.c.happened_at >= since,
    )
