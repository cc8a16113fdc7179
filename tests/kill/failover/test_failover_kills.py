"""NEW-19 against `kill -9`: the sender dies while one gateway refuses it and another sends; two books judge."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.kill.harness import end, finish, judge, kill_at, kill_within, prepare, start
from tests.kill.job import Job
from tests.processes import ONE_SERVER
from tests.servers.recorder import RunningGateway, running_gateway

pytestmark = ONE_SERVER

PEOPLE = 200
OPEN = 20  # two threads with a batch of ten each


def job_of(url: str, folder: Path, first: RunningGateway, second: RunningGateway) -> Job:
    """Everybody, in batches of ten, through the first; through the second where that takes nothing."""
    file = prepare(url, folder, PEOPLE)
    return Job(
        url=url, home=str(folder), file=str(file), gateway=f"{first.url} {second.url}",
        gateway_class="I", batch_size=10,
    )  # fmt: skip


def both(*gateways: RunningGateway) -> Counter[int]:
    taken: Counter[int] = Counter()
    for one in gateways:
        taken.update(one.report().taken)
    return taken


def kill_once_sent(job: Job, gateway: RunningGateway, messages: int) -> None:
    """Run the job until the gateway has so many, and kill it."""
    process, until = start(job), time.monotonic() + 300
    while gateway.report().unique < messages and process.is_alive():
        assert time.monotonic() < until, "the second gateway does not get them"
        time.sleep(0.1)
    process.kill()
    end(process)


def by_gateway(url: str) -> dict[str | None, int]:
    record = Record.open(url)
    with record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.gateway, sa.func.count()).group_by(message.c.gateway)
        ).all()
    record.close()
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize(
    ("point", "hit"),
    [("intent.done", 2), ("send.returned", 1), ("record.mid", 1), ("record.precommit", 1), ("record.done", 2)],
)  # fmt: skip
def test_a_kill_while_the_first_refuses_us_doubles_nobody_and_loses_nobody(
    record_url: str, tmp_path: Path, point: str, hit: int
) -> None:
    with running_gateway() as first, running_gateway() as second:
        job = replace(job_of(record_url, tmp_path, first, second), token="wrong")
        assert kill_at(replace(job, point=point, hit=hit)) == 1
        kill_once_sent(job, second, PEOPLE - OPEN)
        # What was open at the kill is asked of the first alone, which says nothing until it knows us again
        assert (first.report().unique, by_gateway(record_url).get("a")) == (0, None)
        finish(replace(job, token="t"))
        fate = judge(record_url, both(first, second), people=PEOPLE, kills=2)
        assert first.report().unique <= OPEN
    assert fate.is_clean, fate
    assert fate.unknown == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_while_a_login_ends_and_is_right_again(
    record_url: str, tmp_path: Path, seed: int
) -> None:
    """And answers of both get lost; what the first may have is asked of the first again."""
    rng = random.Random(seed)
    faults = "cut=0.05,error_done=0.05"
    with (
        running_gateway(faults=faults, seed=seed, latency_ms=4) as first,
        running_gateway(faults=faults, seed=seed + 1, latency_ms=4) as second,
    ):
        job = job_of(record_url, tmp_path, first, second)
        kills = sum(
            kill_within(replace(job, token=token), rng, seconds=1.5)
            for token in ("t", "wrong", "t", "wrong")
        )
        finish(job)
        fate = judge(record_url, both(first, second), people=PEOPLE, kills=kills)
    assert fate.is_clean, fate
    assert fate.unknown == 0
    assert sum(by_gateway(record_url).values()) == PEOPLE
