"""NEW-4, ARC-7, ACX-30: the review says when a campaign starts, and honestly when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinic.message import states
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.due import due_campaigns
from clinic.message.sending.deliver import deliver
from clinic.message.timing.estimate import UNPACED, after, estimate
from clinic.message.timing.pacing import lane_of
from clinic.message.timing.schedule import let_go, waits_until
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.settings import Pace, Pacing, Release
from clinic.values.calendar import Calendar
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger

NINE_TO_FIVE = Calendar("UTC", text=[*[[(540, 1020)]] * 5, [], []])
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pace", "messages", "ends", "why"),
    [
        (Pace(per_second=1), 3600, "2026-03-02 11:00", "an hour at one a second"),
        (Pace(per_hour=1000), 7000, "2026-03-02 17:00", "to the end of the day"),
        (Pace(per_hour=1000), 8000, "2026-03-03 10:00", "and on at opening"),
        (Pace(per_day=3000), 9000, "2026-03-04 10:01", "three days, of 24 hours each"),
        (Pace(per_day=3000), 15_001, "2026-03-09 09:00", "over a weekend"),
        (Pace(), int(UNPACED * 60), "2026-03-02 10:01", "no pace: as fast as a gateway answers"),
        (Pace(per_second=1), 0, "2026-03-02 10:00", "nothing to send"),
    ],
)
def test_the_end_is_the_queue_at_the_lanes_pace_inside_open_hours(
    pace: Pace, messages: int, ends: str, why: str
) -> None:
    """NEW-4: an honest estimate."""
    found = after(Timing(calendar=NINE_TO_FIVE), "sms", MONDAY, [lane_of("x", pace)], messages)
    assert found is not None
    said = datetime.fromisoformat(ends).replace(tzinfo=UTC)
    assert abs(found - said) < timedelta(minutes=1), why


def test_a_full_batch_ends_within_the_hour_that_users_are_told(
    record: Record, clock: FakeClock
) -> None:
    """ARC-7: 1,000 messages, in working hours, even at a long code's one a second."""
    add_patients(record, 1000)
    number = add_campaign(record, clock, 1000)
    for pacing in (Pacing(), Pacing(sms=Pace(per_second=1))):
        found = estimate(record, number, Timing(pacing=pacing), clock.now())
        assert found.ends is not None
        assert found.ends - clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize("days", [None, 3])
def test_what_is_said_is_what_happens(
    record: Record, clock: FakeClock, tmp_path: Path, days: int | None
) -> None:
    """NEW-4, ACX-30: a campaign sent on a fast clock ends when its review said, to the quarter of an hour."""
    add_patients(record, 60)
    timing = Timing(calendar=NINE_TO_FIVE, pacing=Pacing(sms=Pace(per_hour=7)))
    ledger, gateway = make_ledger(record, clock, tmp_path, timing=timing), FakeGateway()
    number = add_campaign(
        record, clock, 60, batch_size=10, state=states.CHECKING, stagger_days=days,
        start_at=clock.now() + timedelta(hours=1), released_at=None,
    )  # fmt: skip
    said = estimate(record, number, timing, clock.now())
    let_go(record, clock.now(), number, timing)
    while len(gateway.received) < 60:
        if due_campaigns(record, clock.now(), timing):
            deliver(ledger, gateway, number, 1, 6)
        later = waits_until(record, number, timing, clock.now())
        clock.time = later or clock.now() + timedelta(minutes=1)
    assert said.a_day == (20 if days else None)
    assert said.ends is not None
    # A pace of an hour is kept in steps of an hour
    assert abs(clock.now() - said.ends) < timedelta(hours=1, minutes=15)
    assert summarize(record, clock, number).state == states.COMPLETED


def test_what_waits_before_it_and_the_first_part_count(record: Record, clock: FakeClock) -> None:
    add_patients(record, 100)
    timing = Timing(
        pacing=Pacing(sms=Pace(per_second=1)), release=Release(canary=10, canary_minutes=60)
    )
    add_campaign(record, clock, 100)
    number = add_campaign(record, clock, 100, state=states.CHECKING, canary_size=10)
    said = estimate(record, number, timing, clock.now())
    assert said.ahead == 100
    assert said.starts == clock.now() + timedelta(seconds=100)
    assert said.ends == clock.now() + timedelta(seconds=200, hours=1)
