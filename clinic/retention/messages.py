"""
Address and text of messages: the row stays with its state, so that counts add up and nobody is messaged twice.

    on a patient's record      8 years, and the patient not seen since; of children until they are 25
    on no record               24 months: not saved, left out, dry runs

Each campaign's chain says what was taken out, and by whom (clinic/govern/redact/sealed.py).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held, held_campaigns
from clinic.govern.redact.sealed import redact
from clinic.message import states
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.govern import ERASED, REMOVED
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import clinical_item
from clinic.retention.age import kept_on, months_before, years_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened
from clinic.retention.stubs import digest_of_keys
from clinic.settings.operations import Retention

WHAT: Final = "messages"
BLOCK: Final = 5_000

_m, _c = message.c, campaign.c
_AT: Final = sa.func.coalesce(_m.sent_at, _m.status_at, _c.created_at)
_HELD: Final = _m.patient_id.in_(held("patient")) | _m.campaign_id.in_(held_campaigns())
_ON_RECORD: Final = sa.exists().where(clinical_item.c.id == _m.id)
_BOTH: Final = message.join(campaign, _c.id == _m.campaign_id)


def plan(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many messages, and how many of them are held."""
    kept, elsewhere = ((~_HELD & which, _AT) for which in (_ON_RECORD, ~_ON_RECORD))
    row = connection.execute(
        sa.select(
            sa.func.count(sa.case((~_HELD, 1))),
            sa.type_coerce(sa.func.min(sa.case(kept)), _c.created_at.type),
            sa.type_coerce(sa.func.min(sa.case(elsewhere)), _c.created_at.type),
            sa.func.count(sa.case((_HELD, 1))),
        )
        .select_from(_BOTH)
        .where(*_old(now, settings))
    ).one()
    years, months = settings.message_years, settings.message_months
    since = [months_before(at, -n) for at, n in ((row[1], 12 * years), (row[2], months)) if at]
    authority = f"retention.message_years {years}, message_months {months}"
    return Due(WHAT, row[0], row[0], min(since, default=None), row[3], "decision", authority)


def due(connection: Connection, now: datetime, settings: Retention) -> list[int]:
    """Ids, in their order."""
    query = sa.select(_m.id).select_from(_BOTH).where(*_old(now, settings), ~_HELD)
    return list(connection.scalars(query.order_by(_m.id)))


def before(now: datetime, settings: Retention) -> datetime:
    """Of what is on a record: what is later stays, and triggers keep it."""
    return years_before(now, settings.message_years)


def remove(record: Record, clock: Clock, settings: Retention, opened: Opened) -> int:
    """Take address, subject, text and error out of what is due; how many messages."""
    query = (
        sa.select(_m.campaign_id, _m.id)
        .select_from(_BOTH)
        .where(*_old(opened.at, settings), ~_HELD)
        .order_by(_m.campaign_id, _m.id)
        .limit(BLOCK)
    )
    gone = 0
    while True:
        with record.write() as connection:
            found = connection.execute(query).tuples().all()
            if not found:
                return gone
            ids = [key for _, key in found]
            redact(
                connection, clock, opened.decision, rows={message: ids}, blocks=(),
                change=partial(_empty, ids=ids), patients=len(ids),
            )  # fmt: skip
            for number, rows in groupby(found, key=lambda row: row[0]):
                keys = [key for _, key in rows]
                of = ("campaign", number)
                opened.leave_stub(connection, WHAT, of, len(keys), digest_of_keys(keys))
        gone += len(ids)


def _empty(connection: Connection, ids: list[int]) -> None:
    values = {"address": REMOVED, "subject": None, "body": REMOVED, "error_text": None}
    connection.execute(sa.update(message).where(is_any_of(_m.id, ids)).values(values))
    # What the network said stands on each item that this message tells (clinic/govern/audit/derived.py)
    teller = sa.case((_m.reason == states.ONE_MESSAGE, _m.told_by), else_=_m.id)
    told = sa.select(_m.id).where(
        is_any_of(_m.id, ids) | is_any_of(_m.told_by, ids), is_any_of(teller, ids)
    )
    connection.execute(
        sa.update(clinical_item).where(clinical_item.c.id.in_(told)).values(error_text=None)
    )


def _old(now: datetime, settings: Retention) -> tuple[sa.ColumnElement[Any], ...]:
    """Whose time is over, held or not."""
    years, months = before(now, settings), months_before(now, settings.message_months)
    kept = kept_on(now, settings.message_years)
    over = (_ON_RECORD & (_AT < years) & _m.patient_id.not_in(kept)) | (
        ~_ON_RECORD & (_AT < months)
    )
    return (
        _c.state.in_(list(states.ENDED)), _c.created_at < max(years, months), _m.state != "pending",
        _m.body.not_in((ERASED, REMOVED)), over,
    )  # fmt: skip
