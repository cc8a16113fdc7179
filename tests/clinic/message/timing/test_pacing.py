"""NEW-7: no second, hour or day, wherever it begins, has more messages than its limit."""

from __future__ import annotations

import multiprocessing
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.clock import SystemClock
from clinic.message.sending.deliver import send_batch
from clinic.message.timing.pacing import SECOND, Lane, Turn, lane_of
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.settings import Pace
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.processes import ONE_SERVER, processes


def take(record: Record, lanes: list[Lane], wanted: int, now: datetime) -> int:
    with record.write() as connection:
        turn = Turn(connection, lanes, now)
        count = turn.allowance(wanted).count
        turn.take(count)
        return count


@settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    most=st.integers(1, 40),
    steps=st.lists(st.tuples(st.integers(0, 900_000), st.integers(1, 60)), min_size=1, max_size=40),
    window=st.sampled_from(["per_second", "per_hour", "per_day"]),
)
def test_no_window_wherever_it_begins_has_more_than_the_limit(
    sqlite_record: Record, most: int, steps: list[tuple[int, int]], window: str
) -> None:
    """NEW-7: a rolling window, not one of the clock's: 59 minutes past counts with the next hour."""
    length = {"per_second": 1.0, "per_hour": 3600.0, "per_day": 86_400.0}[window]
    lane = lane_of(f"property {window} {most} {hash(tuple(steps))}", Pace(**{window: most}))
    start = FakeClock().now()
    waits = accumulate(wait * length / 1_000_000 for wait, _ in steps)
    times = [start + timedelta(seconds=wait) for wait in waits]
    taken = [
        (at, take(sqlite_record, [lane], wanted, at))
        for at, (_, wanted) in zip(times, steps, strict=True)
    ]
    for first, _ in taken:
        within = [n for at, n in taken if timedelta() <= at - first < timedelta(seconds=length)]
        assert sum(within) <= most


def test_the_pace_is_kept_up_as_well_as_kept(record: Record) -> None:
    """NEW-7: who asks again when told to loses no more than a fiftieth of the pace."""
    lane, clock = lane_of("gateway sms", Pace(per_second=50)), FakeClock()
    start, sent = clock.now(), 0
    while clock.now() - start < timedelta(seconds=60):
        with record.write() as connection:
            turn = Turn(connection, [lane], clock.now())
            allowed = turn.allowance(1000)
            turn.take(allowed.count)
        sent += allowed.count
        if allowed.more_at:
            clock.time = max(clock.now(), allowed.more_at)
        else:
            clock.sleep(0.001)
    assert 50 * 60 * 0.96 <= sent <= 50 * 61


def test_the_slowest_of_several_lanes_decides(record: Record) -> None:
    lanes = [
        lane_of("gateway sms", Pace(per_second=10)),
        lane_of("campaign 1", Pace(per_second=100, per_hour=15)),
    ]
    now = FakeClock().now()
    assert take(record, lanes, 1000, now) == 10
    assert take(record, lanes, 1000, now) == 0
    assert take(record, lanes, 1000, now + timedelta(seconds=2)) == 5
    with record.write() as connection:
        allowed = Turn(connection, lanes, now + timedelta(seconds=4)).allowance(1000)
    assert allowed.count == 0
    assert allowed.more_at is not None
    assert timedelta(hours=1) < allowed.more_at - now <= timedelta(hours=1, minutes=2)


def test_what_did_not_leave_after_all_is_given_back_once(record: Record) -> None:
    lane, now = lane_of("gateway sms", Pace(per_hour=100)), FakeClock().now()
    assert take(record, [lane], 100, now) == 100
    later = now + timedelta(minutes=5)
    with record.write() as connection:
        Turn(connection, [lane], later).put_back(30, taken_at=now)
    assert take(record, [lane], 100, later) == 30
    with record.write() as connection:  # long forgotten: nothing to give back
        Turn(connection, [lane], now + timedelta(hours=2)).put_back(50, taken_at=now)
    assert take(record, [lane], 200, now + timedelta(hours=2)) == 100


def test_a_clock_set_back_makes_no_room(record: Record) -> None:
    lane, now = lane_of("gateway sms", Pace(per_hour=10)), FakeClock().now()
    assert take(record, [lane], 10, now) == 10
    assert take(record, [lane], 10, now - timedelta(hours=3)) == 0


@pytest.mark.parametrize(
    ("rate", "seconds", "most"),
    [(20, 1.0, 20), (12.5, 1.0, 12), (1.0, 1.0, 1), (0.5, 2.0, 1), (0.001, 1000.0, 1)],
)
def test_a_provider_s_rate_holds_for_all_that_send_through_it(
    record: Record, clock: FakeClock, tmp_path: Path, rate: float, seconds: float, most: int
) -> None:
    """NEW-7: several runs of one campaign, or several campaigns, are one customer to the provider."""
    add_patients(record, 60)
    timing, gateway = Timing(rates={"fake": rate}), FakeGateway()
    numbers = [add_campaign(record, clock, 30, batch_size=10) for _ in range(2)]
    ledgers = [make_ledger(record, clock, tmp_path / str(n), timing=timing) for n in range(3)]
    for turn in range(1, 3):
        for ledger in ledgers:
            for number in numbers:
                while (claim := ledger.claim(number, 1, 3)) is not None:
                    send_batch(ledger, gateway, claim)
        assert len(gateway.received) == turn * most
        clock.time += timedelta(seconds=seconds * 1.05)


def test_a_lane_without_limits_costs_nothing(record: Record) -> None:
    lane = lane_of("gateway sms", Pace())
    assert lane.limits == {}
    assert take(record, [lane], 1000, FakeClock().now()) == 1000


def _take_for(url: str, seconds: float, results: multiprocessing.Queue[list[float]]) -> None:
    record, clock, taken = Record.open(url), SystemClock(), []
    end = clock.now() + timedelta(seconds=seconds)
    lane = Lane("gateway sms", {SECOND: 40})
    while clock.now() < end:
        with record.write() as connection:
            turn = Turn(connection, [lane], clock.now())
            now = clock.now()
            turn.begin_at(now)  # as timing.py does: the lane may have been waited for
            count = turn.allowance(7).count
            turn.take(count)
        taken += [now.timestamp()] * count
        clock.sleep(0.003)
    record.close()
    results.put(taken)


@ONE_SERVER
def test_the_pace_holds_over_processes(record_url: str) -> None:
    """NEW-7: four processes take from one lane."""
    results: multiprocessing.Queue[list[float]] = processes.Queue()
    workers = [
        processes.Process(target=_take_for, args=(record_url, 2.5, results)) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    taken = sorted(time for _ in workers for time in results.get(timeout=60))
    for worker in workers:
        worker.join()
    assert len(taken) >= 40
    for number, time in enumerate(taken):
        assert sum(time <= other < time + 1 for other in taken[number:]) <= 40
