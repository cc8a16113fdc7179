"""
Records are no copies: they go when two people decided it, and exactly what was due when it was asked.

    asked ─► approved ─► begun: the approval is used, triggers let this class go ─► block by block ─► ended

The approval is bound to the digest of what is due. A hold that is placed meanwhile, or anything else that
changes what is due, makes it void: it is asked for again. Killed between, it goes on in the next night. Of each
block a stub stays, in the transaction that destroys, with the approval as its authority.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.people.operators import Operator
from clinic.govern.redact.opened import begin_redaction, decision_of, end_redaction
from clinic.record.database import Record
from clinic.record.schema.govern import redaction
from clinic.retention import access_log, before_images, import_values, messages, replies, trail
from clinic.retention.due import Due
from clinic.retention.opened import Opened
from clinic.settings import Settings
from clinic.settings.operations import Retention

KIND: Final = "retention"


@dataclass(frozen=True)
class RecordClass:
    """
    A class of records.

    number: by which approvals name it
    due: keys of all that is due, in their order; before: only what is older may go
    remove: takes it out, block by block, and does what is left when it is done again; how much
    """

    what: str
    number: int
    plan: Callable[[Connection, datetime, Retention], Due]
    due: Callable[[Connection, datetime, Retention], list[Any]]
    before: Callable[[datetime, Retention], datetime]
    remove: Callable[[Record, Clock, Retention, Opened], int]


_ALL: Final = (
    RecordClass(replies.WHAT, 1, replies.plan, replies.due, replies.before, replies.remove),
    RecordClass(messages.WHAT, 2, messages.plan, messages.due, messages.before, messages.remove),
    RecordClass(
        before_images.WHAT,
        3,
        before_images.plan,
        before_images.due,
        before_images.before,
        before_images.remove,
    ),
    RecordClass(trail.WHAT, 4, trail.plan, trail.due, trail.before, trail.remove),
    RecordClass(
        access_log.WHAT, 5, access_log.plan, access_log.due, access_log.before, access_log.remove
    ),
    RecordClass(
        import_values.WHAT,
        6,
        import_values.plan,
        import_values.due,
        import_values.before,
        import_values.remove,
    ),
)
CLASSES: Final[Mapping[str, RecordClass]] = MappingProxyType({one.what: one for one in _ALL})


def class_of(number: int) -> RecordClass:
    """By the number that approvals have."""
    return next(one for one in CLASSES.values() if one.number == number)


def ask(
    record: Record, clock: Clock, settings: Settings, what: str, *, by: Operator, reason: str
) -> int:
    """
    Ask for the decision over all of a class that is due now; the number of the request.

    Raises:
        NotFound: there is no such class
        NotAllowed: nothing is due, or this role may not ask
    """
    if what not in CLASSES:
        raise NotFound("retention-class", f"{what!r} is no class; there are: {', '.join(CLASSES)}")
    one = CLASSES[what]
    with record.write() as connection:
        keys = one.due(connection, clock.now(), settings.retention)
        if not keys:
            raise NotAllowed(
                "retention-nothing", "nothing of this class is due; see: cohort retention plan"
            )
        planned = one.plan(connection, clock.now(), settings.retention)
        return request_approval(
            connection, clock, subject=KIND, subject_id=one.number, kind=KIND,
            digest=_digest(what, keys), requested_by=by.name,
            summary={
                "class": what, "rows": len(keys), "held": planned.held,
                "until": clock.now().isoformat(), "authority": planned.authority,
            },
            reason=reason, flow_run_id=None,
            expires_in=timedelta(hours=settings.release.approval_hours),
        )  # fmt: skip


def carry_out(record: Record, clock: Clock, settings: Settings, what: str) -> int:
    """
    Do what was approved, once; how much went.

    Raises:
        NotAllowed: nobody approved it, or what is due has changed since: it is asked for again
    """
    one, now = CLASSES[what], clock.now()
    with record.write() as connection:
        keys = one.due(connection, now, settings.retention)
        used = require_approved(
            connection, subject=KIND, subject_id=one.number, digest=_digest(what, keys), now=now
        )
        before = one.before(now, settings.retention)
        number = begin_redaction(connection, clock, used, what=what, removes_before=before)
    return finish(record, clock, settings, number)


def finish(record: Record, clock: Clock, settings: Settings, redaction_id: int) -> int:
    """Bring to its end what was begun; how much went now. Again: nothing."""
    with record.read() as connection:
        c = redaction.c
        row = connection.execute(
            sa.select(c.what, c.begun_at, c.removes_before).where(c.id == redaction_id)
        ).one()
        decision = decision_of(connection, redaction_id)
    opened = Opened(decision, row.begun_at, row.removes_before)
    gone = CLASSES[row.what].remove(record, clock, settings.retention, opened)
    with record.write() as connection:
        end_redaction(connection, clock, redaction_id, {row.what: gone})
    return gone


def finish_all(record: Record, clock: Clock, settings: Settings) -> int:
    """Bring everything to its end that was killed; how many decisions."""
    c = redaction.c
    with record.read() as connection:
        left = connection.scalars(
            sa.select(c.id).where(c.ended_at.is_(None), c.what.is_not(None)).order_by(c.id)
        ).all()
    for number in left:
        finish(record, clock, settings, number)
    return len(left)


def _digest(what: str, keys: Iterable[Any]) -> str:
    digest = hashlib.sha256(f"{what}: ".encode())
    digest.update(",".join(map(str, keys)).encode())
    return digest.hexdigest()
