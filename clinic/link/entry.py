"""
What happens at a link: whether it is open, one try of a date of birth, and what is noted of it.

    live ─► wrong ×5 ─► waits 15 minutes ─► wrong ×10 ─► locked until staff unlock it
      └► right: proven, the tries are forgotten

A try is counted before it is compared, in a transaction of its own: who breaks the connection, or tries at
forty places at once, has no try more (ACX-14). Ten of some 33,000 dates of birth are a chance of 0.03 %.
"""

from __future__ import annotations

import hmac
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.clock import Clock
from clinic.link.token import digest_of
from clinic.record.database import Record
from clinic.record.schema.door.links import link_use, patient_link
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.record.types import UtcDateTime

WAITS_AFTER: Final = 5
WAITS: Final = timedelta(minutes=15)
LOCKED_AFTER: Final = 10


class Tried(Enum):
    """What came of a date of birth. dead: an unknown, expired, revoked or locked link, all alike"""

    RIGHT = "right"
    WRONG = "wrong"
    WAIT = "wait"
    DEAD = "dead"


class _Counted(NamedTuple):
    message_id: int
    tries: int


def is_open(record: Record, clock: Clock, given: str) -> bool:
    """Whether a link can be tried, now or in a quarter of an hour. Changes nothing."""
    with record.read() as connection:
        return _is_live(connection, digest_of(given), clock.now())


def try_birth_date(record: Record, clock: Clock, given: str, born: date) -> Tried:
    """One try of a date of birth at a link."""
    digest, now = digest_of(given), clock.now()
    with record.write() as connection:
        counted = _count(connection, digest, now)
    if counted is None:
        with record.read() as connection:
            return Tried.WAIT if _is_live(connection, digest, now) else Tried.DEAD
    with record.read() as connection:
        right = _is_theirs(connection, counted.message_id, born)
    with record.write() as connection:
        if right:
            _forget_tries(connection, digest, counted.tries)
            note_use(connection, digest, "proven", now)
            return Tried.RIGHT
        locked = counted.tries >= LOCKED_AFTER
        note_use(connection, digest, "locked" if locked else "wrong", now)
    if locked:
        return Tried.DEAD
    return Tried.WAIT if counted.tries == WAITS_AFTER else Tried.WRONG


def note_opened(record: Record, clock: Clock, given: str) -> None:
    """Write down that what a link leads to was opened."""
    with record.write() as connection:
        note_use(connection, digest_of(given), "opened", clock.now())


def note_use(connection: Connection, digest: str, what: str, now: datetime) -> None:
    """Write down what was done with a link."""
    connection.execute(sa.insert(link_use).values(digest=digest, what=what, at=now))


def is_live(now: datetime) -> ColumnElement[bool]:
    """Whether a link leads anywhere."""
    own = patient_link.c
    return own.revoked_at.is_(None) & own.locked_at.is_(None) & (own.expires_at > now)


def _is_live(connection: Connection, digest: str, now: datetime) -> bool:
    query = sa.select(patient_link.c.digest).where(patient_link.c.digest == digest, is_live(now))
    return connection.scalar(query) is not None


def _count(connection: Connection, digest: str, now: datetime) -> _Counted | None:
    """One try more, if one may be made."""
    own = patient_link.c
    until, at = sa.literal(now + WAITS, UtcDateTime), sa.literal(now, UtcDateTime)
    waits = sa.case((own.tries + 1 == WAITS_AFTER, until), else_=own.wait_until)
    locks = sa.case((own.tries + 1 >= LOCKED_AFTER, at), else_=own.locked_at)
    row = connection.execute(
        sa.update(patient_link)
        .where(
            own.digest == digest,
            is_live(now),
            own.wait_until.is_(None) | (own.wait_until <= now),
        )
        .values(tries=own.tries + 1, wait_until=waits, locked_at=locks)
        .returning(own.message_id, own.tries)
    ).one_or_none()
    return None if row is None else _Counted(*row)


def _forget_tries(connection: Connection, digest: str, counted: int) -> None:
    """Unless somebody else tried meanwhile."""
    own = patient_link.c
    connection.execute(
        sa.update(patient_link)
        .where(own.digest == digest, own.tries == counted)
        .values(tries=0, wait_until=None, locked_at=None)
    )


def _is_theirs(connection: Connection, message_id: int, born: date) -> bool:
    """Of the patient of the message, or of one whom it tells too, since they share its number."""
    own = message.c
    found = connection.scalars(
        sa.select(patient.c.birth_date)
        .join(message, own.patient_id == patient.c.id)
        .where((own.id == message_id) | (own.told_by == message_id))
    )
    said = born.isoformat().encode()
    return any(hmac.compare_digest(said, one.isoformat().encode()) for one in found if one)
