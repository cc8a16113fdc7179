"""NEW-16: a practice that is closed for a week is no copy that stands still, which is found out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.people import appointment, appointment_source
from clinic.settings.sync import SyncChecks
from data_checks.sync.closed import closed_days
from data_checks.sync.judge import figures_of, judge_source
from tests.ledgers import add_patients

LONDON = "Europe/London"
CHANGED = datetime(2025, 12, 23, 17, tzinfo=UTC)  # a Tuesday
WEEKDAYS = range(5)


def booked(record: Record, days: Iterable[datetime], *, status: str = "booked") -> None:
    """An appointment of the source on each of these days."""
    with record.write() as connection:
        for day in days:
            values = {"patient_id": 1, "starts_at": day.replace(hour=9), "status": status}
            made = connection.execute(
                sa.insert(appointment).values(**values).returning(appointment.c.id)
            )
            row = {
                "source": "copy",
                "key": f"{day:%d%m}-{status}",
                "appointment_id": made.scalar_one(),
            }
            connection.execute(sa.insert(appointment_source).values(**row))


def workdays(first: datetime, last: datetime) -> list[datetime]:
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in every if day.weekday() in WEEKDAYS]


BEFORE = workdays(CHANGED - timedelta(days=8), CHANGED)


@pytest.mark.parametrize(
    ("since", "now", "closed"),
    [
        ([], datetime(2026, 1, 2, 5, tzinfo=UTC), 9),  # Christmas Eve to New Year's Day
        ([], datetime(2025, 12, 26, 5, tzinfo=UTC), 0),  # two days are as a weekend
        ([datetime(2025, 12, 29, tzinfo=UTC)], datetime(2026, 1, 2, 5, tzinfo=UTC), 8),
        (workdays(datetime(2025, 12, 24, tzinfo=UTC), datetime(2026, 1, 7, tzinfo=UTC)),
         datetime(2026, 1, 7, 5, tzinfo=UTC), 0),  # a copy has its appointments as ever
        ([], datetime(2026, 2, 20, 5, tzinfo=UTC), 10),  # of a copy that has none any more
    ],
)  # fmt: skip
def test_days_on_end_without_an_appointment_are_closed(
    record: Record, since: list[datetime], now: datetime, closed: int
) -> None:
    add_patients(record, 1)
    booked(record, [*BEFORE, *since])
    booked(record, [datetime(2025, 12, 25, tzinfo=UTC)], status="cancelled")
    with record.read() as connection:
        assert closed_days(connection, "copy", CHANGED, now, LONDON) == closed
        assert closed_days(connection, "another", CHANGED, now, LONDON) == 0, (
            "of it nothing is known"
        )


@pytest.mark.parametrize(
    ("days", "closed", "passes"), [(9.5, 9, True), (9.5, 0, False), (15.5, 10, False), (5, 0, True)]
)
def test_they_do_not_count_and_are_said(days: float, closed: int, passes: bool) -> None:
    now = CHANGED + timedelta(days=days)
    figures = figures_of(
        {"unchanged": 3}, now=now, as_of=None, before=[], whole=True, no_number=None, changed=CHANGED,
        closed=closed,
    )  # fmt: skip
    verdict = judge_source(figures, SyncChecks())
    (found,) = (check for check in verdict.checks if check.name == "still_written")
    assert found.passed is passes
    assert (f"{24 * closed} of them on days without an appointment" in found.says) is bool(closed)
