"""
How the notices of an operation stand, for `operations show` and for the day's overview.

From the trail, which has the requester and what could not be made, and from the campaigns that were made. A
notice that nobody got is told of here, not in Prefect alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.notice_trail import SENT
from clinic.message.outcomes.summary import trouble_of
from clinic.notify.asking import ASKED, FAILED
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import campaign

_BEGINS_WITHIN: Final = timedelta(minutes=15)
RECENT: Final = timedelta(days=7)
_WORDS: Final = {
    states.CHECKING: "is being prepared",
    states.AWAITING_APPROVAL: "waits for its approval",
    states.RUNNING: "is being sent",
    states.SCHEDULED: "waits for its time",
    states.RECONCILING: "was sent; of some nobody knows yet whether it left",
    states.COMPLETED: "was sent",
}


@dataclass(frozen=True)
class Notice:
    """
    One notice that was asked for.

    campaign_id: None: none was made
    says: how it stands, in words
    failed: somebody whom it is for was not told, and will not be unless a person does something
    """

    operation_id: int
    audience: str
    requested_by: str
    asked_at: datetime
    campaign_id: int | None
    sent: int
    not_sent: int
    says: str
    failed: bool


def notices_of(record: Record, operation_id: int, now: datetime) -> list[Notice]:
    """Those of one operation, in the order in which they were asked for."""
    return _notices(record, audit_act.c.subject_id == operation_id, now)


def failed_lately(record: Record, now: datetime) -> list[Notice]:
    """Those of the last week that did not reach everybody."""
    recent = audit_act.c.timestamp >= now - RECENT
    return [each for each in _notices(record, recent, now) if each.failed]


def _notices(record: Record, which: sa.ColumnElement[bool], now: datetime) -> list[Notice]:
    a = audit_act.c
    with record.read() as connection:
        acts = connection.execute(
            sa.select(a.subject_id, a.operation_type, a.operator, a.timestamp, a.new_values)
            .where(a.subject == "notice", a.operation_type.in_((ASKED, FAILED)), which)
            .order_by(a.stream, a.number)
        ).all()
        asked: dict[str, tuple[Any, Mapping[str, str]]] = {}
        codes: dict[str, str] = {}
        for act in acts:
            values = orjson.loads(act.new_values)
            if act.operation_type == ASKED:
                asked.setdefault(values["request_key"], (act, values))
            else:
                codes[values["request_key"]] = values["code"]
        made = _campaigns(connection, list(asked))
        return [
            _notice(connection, act, values, made.get(key), codes.get(key), now)
            for key, (act, values) in asked.items()
        ]


def _campaigns(connection: Connection, keys: Sequence[str]) -> dict[str, Any]:
    found = connection.execute(
        sa.select(campaign).where(is_any_of(campaign.c.request_key, keys))
    ).all()
    return {job.request_key: job for job in found}


def _notice(
    connection: Connection, act: Any, values: Mapping[str, str], job: Any, code: str | None,
    now: datetime,
) -> Notice:  # fmt: skip
    sent = not_sent = 0
    if job is None:
        late = now - act.timestamp > _BEGINS_WITHIN
        says = f"could not be sent: {code}" if code else "was asked for; its run has not begun"
        failed = bool(code) or late
    else:
        counts = count_outcomes(connection, job.id)
        sent = sum(rows for name, rows in counts.items() if name in SENT)
        not_sent = sum(counts.values()) - sent
        says, failed = _of_campaign(connection, job, counts, not_sent)
    return Notice(
        operation_id=act.subject_id,
        audience=values["audience"],
        requested_by=act.operator,
        asked_at=act.timestamp,
        campaign_id=job.id if job is not None else None,
        sent=sent,
        not_sent=not_sent,
        says=says,
        failed=failed,
    )


def _of_campaign(
    connection: Connection, job: Any, counts: Mapping[str, int], not_sent: int
) -> tuple[str, bool]:
    says = _WORDS.get(job.state, f"is {job.state}" + _because(job.state_reason))
    if trouble := trouble_of(connection, job.id):
        if job.state_reason:  # it says what was the matter
            return f"{says} until somebody resumes it: cohort resume {job.id}", True
        return f"{says}, but the gateway takes nothing: {trouble}", True
    if job.state == states.COMPLETED:
        left_out = ", ".join(
            f"{rows:,} {code}" for code, rows in counts.items() if code not in SENT
        )
        return (f"was not sent to all: {left_out}", True) if not_sent else (says, False)
    decided = job.state_reason == "approval-rejected" or job.state == states.CANCELLED_CAMPAIGN
    return says, not decided and (job.state not in _WORDS or job.state == states.RECONCILING)


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""
