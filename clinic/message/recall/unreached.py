"""
Lists whom a recall did not reach, as follow-ups of a person; and notes what came of them since (NEW-31).

    its rows ─► left out, failed, cancelled ……………… as soon as that is known
             └► neither answered nor coded ………………… on the recall date
    open follow-ups ─► delivered, answered or coded after all: noted, and a person closes them

Read from what the record says, one statement a recall, and a row has one follow-up: killed anywhere, the
next run lists what is missing and nothing twice. The deceased and test patients are nobody's follow-up, nor
is a second row of the same patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.cohort.outcomes import AFTER, BEFORE, KEPT, OUTCOMES, TOGETHER
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.counting import code_of, in_flight
from clinic.message.codes import message_on
from clinic.message.recall.news import by_reply, note_news
from clinic.message.safety.recall_asked import Recall, recall_of
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, message, recipient
from clinic.record.schema.recall import recall, recall_task
from clinic.settings import Settings

UNANSWERED: Final = "recall_unanswered"
_NOBODYS: Final = ("accepted", "duplicate", "patient_dead", "patient_fictitious")
_KINDS: Final = ("left_out", "error", "failed")
# Known for good before the recall date
_UNREACHED: Final = tuple(
    code for code, one in OUTCOMES.items() if one.kind in _KINDS and code not in _NOBODYS
)
_SENT: Final = ("sent", "delivered", KEPT, TOGETHER)
_OPEN: Final = tuple(code for code, one in (BEFORE | AFTER).items() if one.kind == "open")
# A person said no before anything began: whoever was on the list is theirs
_BY_PERSON: Final = ("approval-rejected", "not-confirmed", "previewed", "warning-not-accepted")
_COLUMNS: Final = ("campaign_id", "row_number", "patient_id", "code", "owner", "due_on", "made_at")


def list_unreached(record: Record, clock: Clock, settings: Settings) -> int:
    """List whom the recalls did not reach, as far as that is known now; how many were new. Again: nothing."""
    now = clock.now()
    today = now.astimezone(ZoneInfo(settings.organisation.time_zone)).date()
    with record.read() as connection:
        keys = connection.scalars(
            sa.select(recall.c.campaign_id)
            .join(campaign, campaign.c.id == recall.c.campaign_id)
            .where(recall.c.judged_at.is_(None), is_meant())
            .order_by(recall.c.campaign_id)
        ).all()
    days = timedelta(days=settings.recall.follow_up_days)
    count = 0
    for key in keys:
        with record.write() as connection:
            count += _list(connection, key, now, today, days)
    with record.write() as connection:
        note_news(connection, now)
    return count


def at_once(counts: Mapping[str, int]) -> int:
    """How many rows of these outcomes are follow-ups as soon as the campaign goes: it cannot reach them."""
    return sum(rows for code, rows in counts.items() if code in _UNREACHED)


def is_meant() -> ColumnElement[bool]:
    """Of campaigns: no dry run, and none that a person stopped before anything of it was sent."""
    said_no = sa.func.coalesce(campaign.c.state_reason, "").in_(_BY_PERSON)
    return ~campaign.c.dry_run & ~((campaign.c.state == states.REFUSED) & said_no)


def _list(
    connection: Connection, campaign_id: int, now: datetime, today: date, days: timedelta
) -> int:
    job, asked = get_campaign(connection, campaign_id), recall_of(connection, campaign_id)
    if asked is None:
        return 0
    is_due = today >= asked.by
    if not (is_due or job.released_at or job.state in states.ENDED):
        return 0  # its rows may be judged again
    count = _insert(connection, job, asked, now, is_due=is_due, days=days)
    if is_due:
        own = (recall.c.campaign_id == campaign_id) & recall.c.judged_at.is_(None)
        connection.execute(sa.update(recall).where(own).values(judged_at=now))
    return count


def _insert(
    connection: Connection, job: Campaign, asked: Recall, now: datetime, *, is_due: bool,
    days: timedelta,
) -> int:  # fmt: skip
    code = code_of(job, in_flight(connection, job.id))
    reason = sa.func.coalesce(message.c.reason, "suppressed")
    wanted: ColumnElement[bool] = code.in_(_UNREACHED) & (reason != "patient_dead")
    if is_due:
        wanted |= code.in_((*_SENT, *_OPEN)) & ~_answered(job, asked)
    why = sa.case((code.in_(_SENT), UNANSWERED), (code == states.SUPPRESSED, reason), else_=code)
    due_on = asked.by + days if is_due else asked.by
    rows = (
        sa.select(
            sa.literal(job.id), list_row.c.row_number,
            sa.func.coalesce(recipient.c.patient_id, list_row.c.patient_id), sa.func.substr(why, 1, 30),
            sa.literal(asked.owner), sa.literal(due_on, sa.Date),
            sa.literal(now, recall_task.c.made_at.type),
        )
        .outerjoin(
            recipient,
            (recipient.c.campaign_id == job.id) & (recipient.c.row_number == list_row.c.row_number),
        )
        .outerjoin(message, message.c.id == message_on(job.message_base, list_row.c.row_number))
        .where(list_row.c.list_id == job.list_id, wanted)
    )  # fmt: skip
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        recall_task
    )
    statement = insert.from_select(_COLUMNS, rows).on_conflict_do_nothing()
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return max(int(done.rowcount), 0)


def _answered(job: Campaign, asked: Recall) -> ColumnElement[bool]:
    """Whether the patient answered, or has one of the codes since."""
    since = job.released_at or job.created_at
    replied = sa.exists().where(*by_reply(since))
    return replied | _coded(asked.codes, since.date())


def _coded(codes: tuple[str, ...], since: date) -> ColumnElement[bool]:
    if not codes:
        return sa.false()
    return sa.exists().where(
        diagnosis.c.patient_id == recipient.c.patient_id,
        diagnosis.c.code.in_(codes),
        diagnosis.c.onset >= since,
    )
