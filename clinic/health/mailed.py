"""
What people are written to about: what began, what still lasts after a day, what is over.

Sent first, noted then: killed between the two, a letter comes twice and never fails to come. What comes and
goes is over a quarter of an hour after the letter at the earliest: nobody gets two a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.health.findings import UNSURE, Finding
from clinic.health.noted import News, forget
from clinic.record.database import Record
from clinic.record.schema.health import health_finding

SECOND_LOOK: Final = timedelta(seconds=45)  # the watch looks every minute
AGAIN: Final = timedelta(days=1)
SURELY_OVER: Final = timedelta(minutes=15)


Write = Callable[[News], bool]  # whether it left


def mail_findings(record: Record, clock: Clock, findings: Iterable[Finding], write: Write) -> News:
    """Write what is due, and note it if it left; what was due."""
    news = mail_news(record, clock, findings)
    if (news.begun or news.ended) and write(news):
        note_mailed(record, clock, news)
    return news


def mail_news(record: Record, clock: Clock, findings: Iterable[Finding]) -> News:
    """What is to be written of now, of what `note_findings` noted."""
    found, now = {one.code: one for one in findings}, clock.now()
    c = health_finding.c
    with record.read() as connection:
        rows = connection.execute(sa.select(c.code, c.since, c.mailed_at)).tuples().all()
    due = {
        code
        for code, since, mailed_at in rows
        if code in found and _is_due(code, since, mailed_at, now)
    }
    over = [
        code
        for code, _, mailed_at in rows
        if code not in found and mailed_at and now - mailed_at >= SURELY_OVER
    ]
    return News(tuple(found[code] for code in found if code in due), tuple(sorted(over)))


def _is_due(code: str, since: datetime, mailed_at: datetime | None, now: datetime) -> bool:
    if mailed_at is not None:
        return now - mailed_at >= AGAIN
    return code not in UNSURE or now - since >= SECOND_LOOK


def note_mailed(record: Record, clock: Clock, news: News) -> None:
    """It was written."""
    c, written = health_finding.c, sa.update(health_finding)
    begun = [one.code for one in news.begun]
    with record.write() as connection:
        connection.execute(written.where(c.code.in_(begun)).values(mailed_at=clock.now()))
        connection.execute(written.where(c.code.in_(news.ended)).values(mailed_at=None))
        forget(connection, c.code.in_(news.ended))


class RecordAway:
    """The same while the record, which would know what was written, cannot be asked: kept in this process."""

    def __init__(self) -> None:
        self._looks = 0
        self._written: tuple[str, ...] = ()

    def away(self, findings: Iterable[Finding], write: Write) -> None:
        """It cannot be asked. At the second look this is written, once."""
        self._looks += 1
        wrong = tuple(one for one in findings if one.level == "record")
        if self._looks > 1 and not self._written and write(News(wrong, ())):
            self._written = tuple(one.code for one in wrong)

    def back(self, write: Write) -> None:
        """It can be asked."""
        self._looks = 0
        if self._written and write(News((), self._written)):
            self._written = ()
