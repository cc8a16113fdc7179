"""
Who saw a patient: every look at them alone, and every look at something that they were in (NEW-37).

    access_patient                        shown by key: a card, a search, the rows of a list that changes
    campaign, operation, selection        their patients stand in the record for ever: joined when it is asked
    report, trail                         by the days that they are of, and what there was before the look

A look that showed a part of something, of which the log does not say who was in it, may have shown them: it
is listed, and says so. A row of a list that was matched to nobody is of no patient that could be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.record.schema.change import operation, operation_item, selection, selection_row
from clinic.record.schema.govern import access_log, access_patient
from clinic.record.schema.messages import campaign, message, recipient

_A: Final = access_log.c
REPORT, REPORT_PART = "report", "report-part"  # the second of one status alone
TRAIL: Final = "trail"
_AT: Final = sa.func.coalesce(message.c.sent_at, message.c.status_at)


@dataclass(frozen=True)
class Seen:
    """
    A look at the patient.

    certainly: whether they were among what was shown; else they may have been: `patients` of `of_all` were
    refused: why nothing was shown; None: it was
    """

    at: datetime
    person: str
    role: str | None
    proven: bool
    host: str
    account: str
    command: str
    subject: str
    subject_id: int | None
    patients: int
    of_all: int | None
    certainly: bool
    reason: str
    words: str | None
    refused: str | None


def who_saw(
    connection: Connection,
    patient_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[Seen]:
    """
    The looks at a patient, the newest first.

    Args:
        since, until: from this instant on, and before this one
    """
    by_key = sa.select(access_patient.c.access_id).where(access_patient.c.patient_id == patient_id)
    own = _A.id.in_(by_key)
    named = sa.exists().where(access_patient.c.access_id == _A.id)
    among = sa.and_(~named, sa.or_(*_among(patient_id)))
    query = (
        sa.select(access_log, own.label("own"), _size().label("of_all"))
        .where(sa.or_(own, among))
        .order_by(_A.id.desc())
        .limit(limit)
    )
    if since is not None:
        query = query.where(_A.at >= since)
    if until is not None:
        query = query.where(_A.at < until)
    return [_seen(row) for row in connection.execute(query).mappings()]


def _among(patient_id: int) -> list[ColumnElement[bool]]:
    """Each kind of what may be looked at as a whole, and whether this patient is, or was then, in it."""
    of = _A.subject_id
    listed = sa.exists().where(recipient.c.campaign_id == of, recipient.c.patient_id == patient_id)
    changed = sa.exists().where(
        operation_item.c.operation_id == of, operation_item.c.patient_id == patient_id
    )
    selected = sa.exists().where(
        selection_row.c.selection_id == of, selection_row.c.patient_id == patient_id
    )
    sent = sa.exists().where(
        message.c.patient_id == patient_id,
        _AT < _A.at,
        _A.sent_from.is_(None) | (_AT >= _A.sent_from),
        _A.sent_before.is_(None) | (_AT < _A.sent_before),
    )
    before = sa.exists().where(
        operation_item.c.patient_id == patient_id,
        operation.c.id == operation_item.c.operation_id,
        operation.c.requested_at < _A.at,
    )
    return [
        (_A.subject == "campaign") & listed,
        (_A.subject == "operation") & changed,
        (_A.subject == "selection") & selected,
        _A.subject.in_((REPORT, REPORT_PART)) & sent,
        (_A.subject == TRAIL) & before,
    ]


def _size() -> ColumnElement[Any]:
    """How many there are in what was looked at; nothing where that is not known for ever."""
    rows = sa.select(campaign.c.rows).where(campaign.c.id == _A.subject_id).scalar_subquery()
    selected = (
        sa.select(selection.c.selected)
        .where(selection.c.id == sa.func.coalesce(_of_operation(), _A.subject_id))
        .scalar_subquery()
    )
    return sa.case(
        (_A.subject == "campaign", rows),
        (_A.subject.in_(("operation", "selection")), selected),
        else_=None,
    )


def _of_operation() -> ColumnElement[Any]:
    return (
        sa.select(operation.c.selection_id)
        .where(_A.subject == "operation", operation.c.id == _A.subject_id)
        .scalar_subquery()
    )


def _seen(row: Any) -> Seen:
    names = [name for name in Seen.__dataclass_fields__ if name not in ("certainly", "of_all")]
    own, of_all = bool(row["own"]), row["of_all"]
    # A whole that is known by its number, and all of it was shown
    whole = row["subject"] == REPORT or (of_all is not None and row["patients"] >= of_all)
    return Seen(
        **{name: row[name] for name in names},
        of_all=None if own else of_all,
        certainly=own or whole,
    )
