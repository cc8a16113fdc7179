"""
Signed in at the desk: a browser has a random token, the record its digest and a keyed mark (ASVS 7).

    begin ──► seen … seen ──► ends by itself: nothing for `idle`, or `lasts` after it began
                        └───► ended: by signing out, from the list of one's sessions, by a new password,
                              or since its person was disabled

The mark is as that of a sign-in at the terminal (terminal.py): a row put in by SQL proves nobody, and a new
password ends every session that began with the old one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, find_operator
from clinic.govern.sessions.terminal import IN, OUT, mark_of
from clinic.record.database import Record
from clinic.record.schema.govern import desk_session as table

_LETTERS: Final = 120
_NOTED_EVERY: Final = timedelta(seconds=60)
"""A request within it writes nothing: a page that asks again every two seconds is no write each."""


@dataclass(frozen=True)
class Session:
    """One sign-in of a person at one browser. Times are in UTC."""

    id: int
    person: Operator
    browser: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime


def begin(record: Record, clock: Clock, person: Operator, *, lasts: timedelta, browser: str) -> str:
    """
    Sign a proven person in; the token, which only their browser has from now on.

    Args:
        person: of `prove`
        browser: what it calls itself, as it stands in the list of sessions
    """
    token, now = secrets.token_urlsafe(32), clock.now().replace(microsecond=0)
    with record.write() as connection:
        hold(connection, "operators")
        connection.execute(table.delete().where(table.c.ends_at < now))
        connection.execute(
            table.insert().values(
                digest=_digest(token), mark=mark_of(connection, token, person.name, now + lasts),
                operator=person.name, browser=browser[:_LETTERS], began_at=now, seen_at=now,
                ends_at=now + lasts,
            )
        )  # fmt: skip
        act = Act(
            operator=person.name, operation_type=IN, subject="operator", new_values={"at": "desk"}
        )
        record_act(connection, clock, act)
    return token


def find(
    record: Record, clock: Clock, token: str, *, idle: timedelta, seen: bool = True
) -> Session | None:
    """
    The session of this token, if it has not ended; its person was seen now.

    seen: False: a page asks by itself, and nobody is known to sit before it
    """
    now = clock.now()
    with record.read() as connection:
        row = connection.execute(sa.select(table).where(table.c.digest == _digest(token))).first()
        if row is None or row.ends_at <= now or row.seen_at + idle <= now:
            return None
        person = find_operator(connection, row.operator)
        mark = mark_of(connection, token, row.operator, row.ends_at)
    if person is None or not person.active or not hmac.compare_digest(row.mark, mark):
        return None
    if seen and now - row.seen_at >= _NOTED_EVERY:
        with record.write() as connection:
            connection.execute(table.update().where(table.c.id == row.id).values(seen_at=now))
    return Session(row.id, person, row.browser, row.began_at, row.seen_at, row.ends_at)


def sessions_of(record: Record, clock: Clock, name: str, *, idle: timedelta) -> list[Session]:
    """Those of a person that have not ended, the newest first."""
    now = clock.now()
    query = (
        sa.select(table)
        .where(table.c.operator == name, table.c.ends_at > now, table.c.seen_at > now - idle)
        .order_by(table.c.began_at.desc(), table.c.id.desc())
    )
    with record.read() as connection:
        person = find_operator(connection, name)
        rows = connection.execute(query).all()
    if person is None:
        return []
    return [
        Session(row.id, person, row.browser, row.began_at, row.seen_at, row.ends_at) for row in rows
    ]


def end(record: Record, clock: Clock, name: str, session_id: int) -> bool:
    """End one session of this person; whether there was one."""
    with record.write() as connection:
        hold(connection, "operators")
        own = (table.c.id == session_id) & (table.c.operator == name)
        if not connection.execute(table.delete().where(own)).rowcount:
            return False
        act = Act(operator=name, operation_type=OUT, subject="operator", new_values={"at": "desk"})
        record_act(connection, clock, act)
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
