"""
What was found before, so that each finding is told when it begins and when it ends, once.

Told first, noted then: killed between the two, it is told again and never lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

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
    return News(tuple(found[code] for code in untold), tuple(sorted(known.keys() - found.keys())))


def note_told(record: Record, news: News) -> None:
    """Both were told."""
    begun = [one.code for one in news.begun]
    with record.write() as connection:
        connection.execute(
            sa.update(health_finding).where(health_finding.c.code.in_(begun)).values(told=True)
        )
        connection.execute(sa.delete(health_finding).where(health_finding.c.code.in_(news.ended)))


def note_watched(record: Record, clock: Clock) -> None:
    """The flow that reconciles looked after the record now."""
    with record.write() as connection:
        connection.execute(sa.update(installation).values(watched_at=clock.now()))
