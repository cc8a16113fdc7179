"""
Records are no copies: they go when two people decided it, and exactly what was due when it was asked.

    replies     what patients wrote, 8 years after it came (the health record's period); of children until they
                are 25. The row stays, with its day and its mark: decisions point to it ("reply 12")

The approval is bound to the digest of what is due. A hold that is placed meanwhile, or anything else that
changes what is due, makes it void: it is asked for again.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.held import held
from clinic.govern.people.operators import Operator
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, TAIL_DIGITS, patient
from clinic.record.schema.receipts import reply
from clinic.retention.due import Due
from clinic.retention.stubs import Stub, leave_stub
from clinic.settings import Settings
from clinic.settings.operations import Retention

WHAT: Final = "replies"
KIND: Final = "retention"
GONE: Final = "[removed]"
BLOCK: Final = 2_000
_SUBJECT_ID: Final = 1  # of the class; there is one
_OF_AGE: Final = 25


def plan_replies(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many, and how many of them are held."""
    ids = _due(connection, now, settings)
    oldest = connection.scalar(
        sa.select(sa.func.min(reply.c.happened_at)).where(_old(now, settings), reply.c.text != GONE)
    )
    since = oldest and _later(oldest, settings.reply_years)
    all_old = sa.select(sa.func.count()).where(
        _old(now, settings), reply.c.text != GONE, _of(held("patient"))
    )
    is_held = int(connection.scalar(all_old) or 0)
    return Due(
        WHAT, len(ids), len(ids), since if ids else None, is_held, "decision", _authority(settings)
    )


def ask_replies(
    record: Record, clock: Clock, settings: Settings, *, by: Operator, reason: str
) -> int:
    """
    Ask for the decision over all that is due now; the number of the request.

    Raises:
        NotAllowed: nothing is due, or this role may not ask
    """
    with record.write() as connection:
        ids = _due(connection, clock.now(), settings.retention)
        if not ids:
            raise NotAllowed(
                "retention-nothing", "nothing of this class is due; see: cohort retention plan"
            )
        return request_approval(
            connection, clock, subject=KIND, subject_id=_SUBJECT_ID, kind=KIND, digest=_digest(ids),
            requested_by=by.name,
            summary={
                "class": WHAT, "rows": len(ids), "until": clock.now().isoformat(),
                "authority": _authority(settings.retention),
            },
            reason=reason, flow_run_id=None,
            expires_in=timedelta(hours=settings.release.approval_hours),
        )  # fmt: skip


def remove_replies(record: Record, clock: Clock, settings: Settings) -> int:
    """
    Do what was approved, in one transaction with the approval's use; how many replies.

    Raises:
        NotAllowed: nobody approved it, or what is due has changed since: it is asked for again
    """
    with record.write() as connection:
        ids = _due(connection, clock.now(), settings.retention)
        used = require_approved(
            connection, subject=KIND, subject_id=_SUBJECT_ID, digest=_digest(ids), now=clock.now()
        )
        for first in range(0, len(ids), BLOCK):
            which = is_any_of(reply.c.id, ids[first : first + BLOCK])
            connection.execute(
                sa.update(reply).where(which).values(text=GONE, address="", note=None)
            )
        stub = Stub(
            WHAT, "approval", used.id, len(ids), _digest(ids), f"approval {used.id}", clock.now()
        )
        leave_stub(connection, stub, by=used.requested_by, approver=used.decided_by)
    return len(ids)


def _due(connection: Connection, now: datetime, settings: Retention) -> list[int]:
    """Ids, in their order."""
    today = now.date()
    children = sa.select(patient.c.id).where(patient.c.birth_date > _earlier(today, _OF_AGE))
    query = sa.select(reply.c.id).where(
        _old(now, settings), reply.c.state == "done", reply.c.text != GONE,
        ~_of(held("patient")), ~_of(children),
    )  # fmt: skip
    return list(connection.scalars(query.order_by(reply.c.id)))


def _old(now: datetime, settings: Retention) -> sa.ColumnElement[bool]:
    return reply.c.happened_at < _back(now, settings.reply_years)


def _of(patients: sa.Select[tuple[int]]) -> sa.ColumnElement[bool]:
    """Whether a reply came from the number or address of one of these patients."""
    by_mail = reply.c.channel == "email"
    tail = sa.func.substr(reply.c.address, sa.func.length(reply.c.address) - (TAIL_DIGITS - 1))
    number = sa.literal_column(MOBILE_TAIL) == tail
    mail = sa.literal_column(EMAIL_PLAIN) == sa.func.lower(reply.c.address)
    return sa.exists().where(patient.c.id.in_(patients), (by_mail & mail) | (~by_mail & number))


def _digest(ids: list[int]) -> str:
    return hashlib.sha256(f"{WHAT}: {','.join(map(str, ids))}".encode()).hexdigest()


def _authority(settings: Retention) -> str:
    return f"retention.reply_years {settings.reply_years}"


def _back(at: datetime, years: int) -> datetime:
    day = _earlier(at.date(), years)
    return at.replace(year=day.year, month=day.month, day=day.day)


def _later(at: datetime, years: int) -> datetime:
    day = _earlier(at.date(), -years)
    return at.replace(year=day.year, month=day.month, day=day.day)


def _earlier(day: date, years: int) -> date:
    """The same day so many years before; of 29 February the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
