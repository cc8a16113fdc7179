"""
NEW-3 against `kill -9`: the main job is killed and run again, and a gateway's own book is the judge.

A small version of `make kill-matrix` (tests/kill/matrix.py), which does it at 200 random instants and
at every point several times, over 5,000 messages, for both databases and gateway classes.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.kill.harness import (
    POINTS,
    Fate,
    end,
    finish,
    judge,
    kill_at,
    kill_within,
    prepare,
)
from tests.kill.job import Job
from tests.kill.naive import run_naive
from tests.processes import ONE_SERVER, processes
from tests.servers.recorder import running_gateway

pytestmark = ONE_SERVER

PEOPLE = 400


def scenario(
    url: str, folder: Path, gateway_class: str, *, faults: str, seed: int, **plug: object
) -> Fate:
    """Kill the job as told, or at three random instants; then let it end, and judge."""
    file = prepare(url, folder, PEOPLE)
    with running_gateway(mode=gateway_class, faults=faults, seed=seed, late_ms=1500) as gateway:
        job = Job(
            url=url, home=str(folder), file=str(file), gateway=gateway.url,
            gateway_class=gateway_class, batch_size=100, per_request=20, **plug,
        )  # fmt: skip
        rng = random.Random(seed)
        if plug:
            kills = kill_at(job)
        else:
            kills = sum(kill_within(job, rng, seconds=0.5) for _ in range(3))
        finish(job)
        return judge(url, gateway.report().taken, people=PEOPLE, kills=kills)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_doubles_nobody_and_loses_nobody(
    record_url: str, tmp_path: Path, point: str
) -> None:
    fate = scenario(record_url, tmp_path, "I", faults="none", seed=1, point=point, hit=2)
    assert fate.kills == 1
    assert fate.is_clean, fate
    assert fate.outcomes == {"sent": PEOPLE}


@pytest.mark.parametrize("point", ["intent.done", "send.returned", "record.precommit"])
def test_with_a_blind_gateway_what_was_in_flight_is_listed_as_unknown(
    record_url: str, tmp_path: Path, point: str
) -> None:
    fate = scenario(record_url, tmp_path, "B", faults="none", seed=1, point=point, hit=2)
    assert fate.kills == 1
    assert fate.is_clean, fate
    # Two threads: the other one may have been anywhere in its own batch of 50
    assert 50 <= fate.unknown <= 100
    assert fate.outcomes["sent"] + fate.unknown == PEOPLE


@pytest.mark.parametrize(("gateway_class", "seed"), [("I", 1), ("B", 3)])
def test_kills_at_random_under_a_gateway_that_misbehaves(
    record_url: str, tmp_path: Path, gateway_class: str, seed: int
) -> None:
    fate = scenario(record_url, tmp_path, gateway_class, faults="mix", seed=seed)
    assert fate.is_clean, fate
    if gateway_class == "I":
        assert fate.unknown == 0
    assert set(fate.outcomes) <= {"sent", "rejected", "unknown"}


@pytest.mark.parametrize(
    ("order", "expected"), [("send_then_record", "doubled"), ("checkpoint_then_send", "lost")]
)
def test_the_harness_catches_the_two_usual_mistakes(
    sqlite_record_url: str, tmp_path: Path, order: str, expected: str
) -> None:
    """The negative control: a harness that lets them pass proves nothing."""
    file = prepare(sqlite_record_url, tmp_path, PEOPLE)
    with running_gateway(mode="B", faults="none", seed=1) as gateway:
        job = Job(
            url=sqlite_record_url, home=str(tmp_path), file=str(file), gateway=gateway.url,
            gateway_class="B", batch_size=100, point="claim.begin",
        )  # fmt: skip
        assert kill_at(job) == 1  # staged, nothing sent
        for hit in (1, 0):
            process = processes.Process(
                target=run_naive, args=(order, sqlite_record_url, gateway.url, hit)
            )
            process.start()
            assert end(process) == hit
        fate = judge(sqlite_record_url, gateway.report().taken, people=PEOPLE, kills=1)
    assert getattr(fate, expected) >= 50, fate
