"""
The follow-ups of recalls, as people see and close them: beside those of operations in `cohort follow-ups`.

A follow-up is named by its campaign and its row of the list, "c7.12"; "c7" names all of campaign 7's. A
person closes it, or gives it to somebody else: who and when is on the trail.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.outcomes import AT_SENDING, OUTCOMES
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may
from clinic.govern.people.teams import owner_named
from clinic.message.recall.unreached import UNANSWERED
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.record.schema.recall import recall_task

SAYS: Final = {
    **{code: one.says for code, one in (OUTCOMES | AT_SENDING).items()},
    UNANSWERED: "Sent, and no answer or code by the recall date. Ask again in another way.",
}
NEWS: Final = {
    "delivered": "delivered since",
    "answered": "has answered since",
    "coded": "has the code since",
}
_NAME: Final = re.compile(r"[cC](\d+)(?:\.(\d+))?")
_T: Final = recall_task.c


@dataclass(frozen=True)
class RecallFollowUp:
    """
    A patient whom a recall did not reach, or who did not answer.

    number: "c7.12"; team: whose it is
    patient: the NHS number or the practice's id; empty: nobody knows whom the row means
    news: what came since, which a person judges
    """

    number: str
    campaign_id: int
    row_number: int
    patient: str
    team: str
    due_on: date
    code: str
    says: str
    news: str
    news_at: datetime | None
    done_at: datetime | None
    done_by: str | None


def is_of_recall(number: str) -> bool:
    """Whether a follow-up's number is that of a recall's."""
    return _NAME.fullmatch(number.strip()) is not None


def list_recall_follow_ups(
    record: Record, *, owner: str = "", campaign_id: int | None = None, closed: bool = False,
    limit: int | None = None,
) -> list[RecallFollowUp]:  # fmt: skip
    """Those that are open, the earliest date first; `closed`: those that are done as well."""
    known_as = sa.func.coalesce(patient.c.nhs_number, patient.c.local_id, "")
    query = (
        sa.select(recall_task, known_as.label("patient"))
        .outerjoin(patient, patient.c.id == _T.patient_id)
        .order_by(_T.due_on, _T.campaign_id, _T.row_number)
        .limit(limit)
    )
    if not closed:
        query = query.where(_T.done_at.is_(None))
    if owner:
        query = query.where(_T.owner == owner.strip().lower())
    if campaign_id is not None:
        query = query.where(_T.campaign_id == campaign_id)
    with record.read() as connection:
        return [
            RecallFollowUp(
                f"c{row.campaign_id}.{row.row_number}", row.campaign_id, row.row_number, row.patient,
                row.owner, row.due_on, row.code, SAYS.get(row.code, row.code),
                NEWS.get(row.news or "", ""), row.news_at, row.done_at, row.done_by,
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def open_by_owner(record: Record) -> Counter[str]:
    """How many are open, by whose they are."""
    query = sa.select(_T.owner, sa.func.count()).where(_T.done_at.is_(None)).group_by(_T.owner)
    with record.read() as connection:
        return Counter(dict(connection.execute(query).tuples().all()))


def close(
    record: Record, clock: Clock, numbers: Sequence[str], *, by: Operator, done: bool = True
) -> int:
    """
    Note that they are done, or are not after all; how many that changed. Again: nothing.

    Raises:
        NotFound: there is none of such a number
        NotAllowed: the role works with no patient's record
    """
    with record.write() as connection:
        changed = 0
        for campaign_id, which in _named(connection, numbers, by):
            moved = connection.execute(
                sa.update(recall_task)
                .where(which, _T.done_at.is_(None) == sa.literal(done))
                .values(done_at=clock.now() if done else None, done_by=by.name if done else None)
                .returning(_T.code)
            )
            what = "done" if done else "reopened"
            changed += _tell(
                connection, clock, what, campaign_id, moved.scalars().all(), by.name, {}
            )
        return changed


def give(record: Record, clock: Clock, numbers: Sequence[str], *, to: str, by: Operator) -> int:
    """
    Give open ones to another team or operator; how many.

    Raises:
        NotFound: there is none of such a number, or nobody of this name
        NotAllowed: the role works with no patient's record
    """
    with record.write() as connection:
        owner = owner_named(connection, to)
        changed = 0
        for campaign_id, which in _named(connection, numbers, by):
            moved = connection.execute(
                sa.update(recall_task)
                .where(which, _T.done_at.is_(None), _T.owner != owner)
                .values(owner=owner)
                .returning(_T.code)
            )
            codes = moved.scalars().all()
            changed += _tell(connection, clock, "given", campaign_id, codes, by.name, {"to": owner})
        return changed


def _named(
    connection: Connection, numbers: Sequence[str], by: Operator
) -> list[tuple[int, sa.ColumnElement[bool]]]:
    """The campaigns of these numbers, each with a condition for its rows; each number is there."""
    if not may(by.role, "request", "status"):
        raise NotAllowed("follow-up-not-allowed", f"who is {by.role} ticks no follow-ups")
    rows: dict[int, set[int] | None] = {}
    for number in numbers:
        found = _NAME.fullmatch(number.strip())
        campaign_id, row = (int(found[1]), found[2] and int(found[2])) if found else (0, None)
        which = _T.campaign_id == campaign_id
        which &= sa.true() if row is None else _T.row_number == row
        if connection.scalar(sa.select(sa.literal(1)).where(which).limit(1)) is None:
            raise NotFound(
                "follow-up-unknown", f"there is no follow-up {number}: cohort follow-ups"
            )
        known = rows.setdefault(campaign_id, set())
        rows[campaign_id] = None if row is None or known is None else known | {int(row)}
    return [
        (key, (_T.campaign_id == key) & (sa.true() if some is None else _T.row_number.in_(some)))
        for key, some in rows.items()
    ]


def _tell(
    connection: Connection, clock: Clock, what: str, campaign_id: int, codes: Sequence[str], by: str,
    more: dict[str, Any],
) -> int:  # fmt: skip
    if codes:
        act = Act(
            operator=by,
            operation_type=f"follow-up.{what}",
            subject="campaign",
            subject_id=campaign_id,
            patients_affected=len(codes),
            new_values={**Counter(codes), **more},
        )
        record_act(connection, clock, act)
    return len(codes)
