"""
Lists whom a recall did not reach, as follow-ups of a person; and notes what came of them since (NEW-31).

    its rows ─► left out, failed, cancelled ……………… as soon as that is known
             └► neither answered nor coded ………………… on the recall date
    open follow-ups ─► delivered, answered or coded after all: noted, and a person closes them

Read from what the record says, some thousand rows a statement, and a row has one follow-up: killed anywhere,
the next run lists what is missing and nothing twice. Nothing is written where nothing is new. The deceased and
test patients are nobody's follow-up, nor is a second row of the same patient; nor who has had it by now, whom a
person left out, or who is no longer of the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
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
# Also as the reason why a message was left out at the last moment
_NOBODYS: Final = (
    "accepted", "duplicate", "patient_dead", "patient_fictitious", "coded_since", "deselected",
    "cohort_left",
)  # fmt: skip
# Rows that one transaction looks at
BLOCK: Final = 10_000
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


def list_unreached(record: Record, clock: Clock, settings: Settings, *, block: int = BLOCK) -> int:
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
        with record.read() as connection:
            own = _due_of(connection, key, today)
        if own is not None:
            count += _list(record, own, now, days, block)
    note_news(record, now)
    return count


def at_once(counts: Mapping[str, int]) -> int:
    """How many rows of these outcomes are follow-ups as soon as the campaign goes: it cannot reach them."""
    return sum(rows for code, rows in counts.items() if code in _UNREACHED)


def is_meant() -> ColumnElement[bool]:
    """Of campaigns: no dry run, and none that a person stopped before anything of it was sent."""
    said_no = sa.func.coalesce(campaign.c.state_reason, "").in_(_BY_PERSON)
    return ~campaign.c.dry_run & ~((campaign.c.state == states.REFUSED) & said_no)


class _Own(NamedTuple):
    """A recall of which something may be listed now. is_due: its day has come; rows: the last of its list."""

    job: Campaign
    asked: Recall
    is_due: bool
    rows: int


def _due_of(connection: Connection, campaign_id: int, today: date) -> _Own | None:
    job, asked = get_campaign(connection, campaign_id), recall_of(connection, campaign_id)
    if asked is None:
        return None
    is_due = today >= asked.by
    if not (is_due or job.released_at or job.state in states.ENDED):
        return None  # its rows may be judged again
    last = sa.select(sa.func.max(list_row.c.row_number)).where(list_row.c.list_id == job.list_id)
    return _Own(job, asked, is_due, int(connection.scalar(last) or 0))


def _list(record: Record, own: _Own, now: datetime, days: timedelta, block: int) -> int:
    count = 0
    for first in range(0, own.rows + 1, block):
        rows = range(first, first + block)
        with record.read() as connection:
            found = connection.execute(_unlisted(connection, own, rows, now, days).limit(1))
            is_new = found.first() is not None
        if is_new:
            with record.write() as connection:
                count += _insert(connection, _unlisted(connection, own, rows, now, days))
    if own.is_due:
        with record.write() as connection:
            which = (recall.c.campaign_id == own.job.id) & recall.c.judged_at.is_(None)
            connection.execute(sa.update(recall).where(which).values(judged_at=now))
    return count


def _unlisted(
    connection: Connection, own: _Own, rows: range, now: datetime, days: timedelta
) -> sa.Select[Any]:
    """The follow-ups that are missing, of a block of its rows."""
    job, asked, is_due = own.job, own.asked, own.is_due
    code = code_of(job, in_flight(connection, job.id))
    reason = sa.func.coalesce(message.c.reason, "suppressed")
    wanted: ColumnElement[bool] = code.in_(_UNREACHED) & reason.not_in(_NOBODYS)
    if is_due:
        wanted |= code.in_((*_SENT, *_OPEN)) & ~_answered(job, asked)
    why = sa.case((code.in_(_SENT), UNANSWERED), (code == states.SUPPRESSED, reason), else_=code)
    due_on = asked.by + days if is_due else asked.by
    number = list_row.c.row_number
    listed = sa.exists().where(
        recall_task.c.campaign_id == job.id, recall_task.c.row_number == number
    )
    return (
        sa.select(
            sa.literal(job.id), number,
            sa.func.coalesce(recipient.c.patient_id, list_row.c.patient_id), sa.func.substr(why, 1, 30),
            sa.literal(asked.owner), sa.literal(due_on, sa.Date),
            sa.literal(now, recall_task.c.made_at.type),
        )
        .outerjoin(
            recipient,
            (recipient.c.campaign_id == job.id) & (recipient.c.row_number == number),
        )
        .outerjoin(message, message.c.id == message_on(job.message_base, number))
        .where(
            list_row.c.list_id == job.list_id, number >= rows.start, number < rows.stop, wanted, ~listed
        )
    )  # fmt: skip


def _insert(connection: Connection, rows: sa.Select[Any]) -> int:
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        recall_task
    )
    statement = insert.from_select(_COLUMNS, rows).on_conflict_do_nothing()
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return max(int(done.rowcount), 0)


def _answered(job: Campaign, asked: Recall) -> ColumnElement[bool]:
    """Whether the patient answered, or has one of the codes since."""
    since = job.released_at or job.created_at
    replied = sa.exists().where(*by_reply(sa.func.coalesce(message.c.sent_at, since)))
    return replied | _coded(asked.codes, since.date())


def _coded(codes: tuple[str, ...], since: date) -> ColumnElement[bool]:
    if not codes:
        return sa.false()
    return sa.exists().where(
        diagnosis.c.patient_id == recipient.c.patient_id,
        diagnosis.c.code.in_(codes),
        diagnosis.c.onset >= since,
    )
