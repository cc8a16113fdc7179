"""
What was found before, so that each finding is told when it begins and when it ends, once: here by an event.

Told first, noted then: killed between the two, it is told again and never lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.health.findings import Finding
from clinic.record.database import Record
from clinic.record.schema.health import health_finding
from clinic.record.schema.messages import installation


@dataclass(frozen=True)
class News:
    """Findings that nobody was told of yet, and the codes of those that are over."""

    begun: tuple[Finding, ...]
    ended: tuple[str, ...]


def note_findings(record: Record, clock: Clock, findings: Iterable[Finding]) -> News:
    """Note what is wrong now; what of it is news."""
    found = {one.code: one for one in findings}
    with record.write() as connection:
        forget(connection, health_finding.c.code.not_in(list(found)))
        known = dict(
            connection.execute(sa.select(health_finding.c.code, health_finding.c.told))
            .tuples()
            .all()
        )
        new = sorted(found.keys() - known.keys())
        if new:
            connection.execute(
                sa.insert(health_finding), [{"code": code, "since": clock.now()} for code in new]
            )
    untold = [code for code in found if not known.get(code)]
    over = sorted(code for code, told in known.items() if told and code not in found)
    return News(tuple(found[code] for code in untold), tuple(over))


def noted_now(record: Record) -> list[tuple[str, datetime]]:
    """What was wrong when it was looked last: the code of each finding, and since when; the oldest first."""
    c = health_finding.c
    # One that was told is known until its end was told, too: what is over a moment longer than it is
    query = sa.select(c.code, c.since).order_by(c.since, c.code)
    with record.read() as connection:
        return list(connection.execute(query).tuples().all())


def note_told(record: Record, news: News) -> None:
    """Both were told."""
    begun = [one.code for one in news.begun]
    told = sa.update(health_finding)
    with record.write() as connection:
        connection.execute(told.where(health_finding.c.code.in_(begun)).values(told=True))
        connection.execute(told.where(health_finding.c.code.in_(news.ended)).values(told=False))
        forget(connection, health_finding.c.code.in_(news.ended))


def forget(connection: Connection, gone: sa.ColumnElement[bool]) -> None:
    """Forget these, which are over, where nobody waits to hear so, by event or by mail."""
    c = health_finding.c
    connection.execute(
        sa.delete(health_finding).where(gone, c.told.is_(False), c.mailed_at.is_(None))
    )


def note_watched(record: Record, clock: Clock) -> None:
    """The flow that reconciles looked after the record now."""
    with record.write() as connection:
        connection.execute(sa.update(installation).values(watched_at=clock.now()))
