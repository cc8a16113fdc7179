"""PAT-14, ACX-29, ACX-30: at once, later, or over several days; a campaign that is late is missed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.message import states
from clinic.message.prepare.due import due_campaigns
from clinic.message.sending.deliver import deliver, send_batch
from clinic.message.sending.ledger import Ledger
from clinic.message.timing.schedule import (
    days_of_batches,
    let_go,
    patients_a_day,
    staggered_batch_size,
    starts_of_days,
    waits_until,
)
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.settings import Release
from clinic.values.calendar import ALWAYS, Calendar
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

NINE_TO_FIVE = Calendar(
    "Europe/London", text=[*[[(9 * 60, 17 * 60)]] * 5, [], []], voice=ALWAYS
)  # fmt: skip
OFFICE = Timing(calendar=NINE_TO_FIVE)


def state_of(record: Record, number: int) -> tuple[str, str | None]:
    with record.read() as connection:
        row = connection.execute(
            sa.select(campaign.c.state, campaign.c.state_reason).where(campaign.c.id == number)
        ).one()
    return (row.state, row.state_reason)


def office(record: Record, clock: FakeClock, folder: Path, people: int = 30) -> Ledger:
    add_patients(record, people)
    return make_ledger(record, clock, folder, timing=OFFICE)


def test_sending_later_waits_in_the_record_and_is_woken(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """PAT-14: nothing leaves before the time, whoever tries; then everything does."""
    ledger, gateway = office(record, clock, tmp_path), FakeGateway()
    start = clock.now() + timedelta(hours=3)
    number = add_campaign(record, clock, 30, state=states.CHECKING, start_at=start)
    assert let_go(record, clock.now(), number, OFFICE) == states.SCHEDULED
    assert let_go(record, clock.now(), number, OFFICE) == states.SCHEDULED
    deliver(ledger, gateway, number, 1, 1)
    assert (gateway.calls, due_campaigns(record, clock.now(), OFFICE)) == (0, [])
    assert waits_until(record, number, OFFICE, clock.now()) == start
    clock.time = start
    assert due_campaigns(record, clock.now(), OFFICE) == [number]
    deliver(ledger, gateway, number, 1, 1)
    assert message_states(record, number) == {"accepted": 30}


def test_a_campaign_past_its_latest_start_is_missed_and_not_sent_in_the_night(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-4: the machine was off for two days."""
    ledger, gateway = office(record, clock, tmp_path), FakeGateway()
    start = clock.now() + timedelta(hours=1)
    number = add_campaign(
        record, clock, 30, state=states.CHECKING, start_at=start, latest_start=start + timedelta(days=1)
    )  # fmt: skip
    let_go(record, clock.now(), number, OFFICE)
    clock.time = start + timedelta(days=2)
    assert due_campaigns(record, clock.now(), OFFICE) == []
    assert state_of(record, number) == (states.MISSED, "too-late")
    deliver(ledger, gateway, number, 1, 1)
    assert gateway.calls == 0


def test_a_running_campaign_stops_at_closing_time_and_goes_on_at_opening(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ARC-15, NEW-4: what is left at closing waits for the next opening; nothing is dropped."""
    ledger, gateway = office(record, clock, tmp_path), FakeGateway()
    number = add_campaign(record, clock, 30, batch_size=10)
    clock.time = datetime(2026, 3, 6, 16, 59, 59, tzinfo=UTC)
    claim = ledger.claim(number, 1, 3)
    assert claim is not None
    clock.sleep(1)  # it is claimed in time, and the intent would come too late
    deliver(ledger, gateway, number, 1, 3)
    send_batch(ledger, gateway, claim)
    assert gateway.calls == 0
    assert message_states(record, number) == {"pending": 30}
    monday = datetime(2026, 3, 9, 9, tzinfo=UTC)
    assert waits_until(record, number, OFFICE, clock.now()) == monday
    assert due_campaigns(record, clock.now(), OFFICE) == []
    clock.time = monday
    assert due_campaigns(record, clock.now(), OFFICE) == [number]
    deliver(ledger, gateway, number, 1, 3)
    assert message_states(record, number) == {"accepted": 30}


def test_a_rehearsal_is_free_of_hours_since_nothing_leaves(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    ledger, gateway = office(record, clock, tmp_path), FakeGateway()
    clock.time = datetime(2026, 3, 8, 3, tzinfo=UTC)
    number = add_campaign(record, clock, 30, dry_run=True)
    deliver(ledger, gateway, number, 1, 1)
    assert message_states(record, number) == {"accepted": 30}


@pytest.mark.parametrize(
    ("accepted", "days", "a_day"), [(10_000, 7, 1429), (10, 3, 4), (1, 5, 1), (0, 5, 0)]
)
def test_patients_a_day_are_shown_for_the_days_chosen(accepted: int, days: int, a_day: int) -> None:
    """ACX-30: ≈ patients per day, recomputed when the number of days changes."""
    assert patients_a_day(accepted, days) == a_day


@settings(max_examples=200, deadline=None, derandomize=True)
@given(accepted=st.integers(1, 100_000), days=st.integers(1, 60), most=st.integers(1, 1000))
def test_no_day_has_more_than_its_share_and_a_batch(accepted: int, days: int, most: int) -> None:
    """ACX-29, ACX-30: whatever the list, the days and the gateway's largest batch."""
    size = staggered_batch_size(accepted, days, most)
    sizes = [min(size, accepted - first) for first in range(0, accepted, size)]
    day_of = days_of_batches(sizes, days)
    assert 1 <= size <= most
    assert day_of == sorted(day_of)
    for day in range(days):
        on_day = sum(n for n, d in zip(sizes, day_of, strict=True) if d == day)
        assert on_day <= patients_a_day(accepted, days) + size


def test_each_day_of_a_stagger_begins_on_an_open_day_at_the_time_of_the_start() -> None:
    """ACX-29: over the weekend, and over the change of the clocks."""
    start = datetime(2026, 3, 26, 14, 30, tzinfo=UTC)  # a Thursday; the clocks change on Sunday
    days = starts_of_days(OFFICE, "sms", start, 4)
    local = [day.astimezone(NINE_TO_FIVE.zone) for day in days]
    assert [day.day for day in local] == [26, 27, 30, 31]
    assert {day.time() for day in local} == {time(14, 30)}


def test_a_staggered_campaign_sends_a_days_share_a_day(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-29, ACX-35: the rest of each day waits in the record until that day."""
    ledger, gateway = office(record, clock, tmp_path), FakeGateway()
    number = add_campaign(record, clock, 30, batch_size=5, state=states.CHECKING, stagger_days=3)
    let_go(record, clock.now(), number, OFFICE)
    sent = []
    for _ in range(4):
        if number in due_campaigns(record, clock.now(), OFFICE):
            deliver(ledger, gateway, number, 1, 6)
        sent.append(len(gateway.received))
        clock.time += timedelta(days=1)
    assert sent == [10, 20, 30, 30]
    assert set(gateway.received.values()) == {1}


def test_the_first_part_goes_alone_and_the_rest_follows_when_it_did_well(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-12: a canary."""
    add_patients(record, 30)
    timing = Timing(release=Release(canary=10, canary_minutes=30, canary_failures=0.1))
    ledger, gateway = make_ledger(record, clock, tmp_path, timing=timing), FakeGateway()
    number = add_campaign(record, clock, 30, batch_size=10, canary_size=10)
    deliver(ledger, gateway, number, 1, 3)
    assert set(gateway.received) == {message_id(number, n) for n in range(1, 11)}
    assert due_campaigns(record, clock.now(), timing) == []
    later = waits_until(record, number, timing, clock.now())
    assert later is not None
    assert timedelta(minutes=25) < later - clock.now() <= timedelta(minutes=30)
    clock.time = later
    assert due_campaigns(record, clock.now(), timing) == [number]
    deliver(ledger, gateway, number, 1, 3)
    assert message_states(record, number) == {"accepted": 30}


@pytest.mark.parametrize(
    ("reason", "stands"),
    [
        ("not_answered", (states.RUNNING, None)),
        ("machine_answered", (states.RUNNING, None)),
        ("call_failed", (states.PAUSED, "canary-failed")),
    ],
)
def test_who_was_not_in_is_no_failure_of_the_first_part(
    record: Record, clock: FakeClock, tmp_path: Path, reason: str, stands: tuple[str, str | None]
) -> None:
    """NEW-12, ARC-8: half of those who are called are out; that says nothing of the list or the gateway."""
    add_patients(record, 20)
    timing = Timing(release=Release(canary=10, canary_minutes=30, canary_failures=0.1))
    ledger, gateway = make_ledger(record, clock, tmp_path, timing=timing), FakeGateway()
    number = add_campaign(record, clock, 20, batch_size=10, canary_size=10, channel="voice")
    deliver(ledger, gateway, number, 1, 1)
    with record.write() as connection:
        connection.execute(
            sa.update(message)
            .where(message.c.id.in_([message_id(number, n) for n in range(1, 6)]))
            .values(state=states.UNDELIVERED, reason=reason, channel="voice")
        )
    clock.sleep(3600)
    deliver(ledger, gateway, number, 1, 2)
    assert state_of(record, number) == stands


@pytest.mark.parametrize("plan", [["reject"], ["half"]])
def test_the_rest_stays_when_the_first_part_did_badly(
    record: Record, clock: FakeClock, tmp_path: Path, plan: list[str]
) -> None:
    """NEW-12: many refused, or many unknown: the campaign is paused, for a person."""
    add_patients(record, 30)
    timing = Timing(release=Release(canary=10, canary_minutes=30, canary_failures=0.1))
    ledger, gateway = make_ledger(record, clock, tmp_path, timing=timing), FakeGateway(plan=plan)
    number = add_campaign(record, clock, 30, batch_size=10, canary_size=10)
    deliver(ledger, gateway, number, 1, 3)
    clock.sleep(3600)
    deliver(ledger, gateway, number, 1, 3)
    assert state_of(record, number) == (states.PAUSED, "canary-failed")
    assert message_states(record, number)["pending"] == 20
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(batch)) == 3
