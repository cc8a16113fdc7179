"""NEW-3, NEW-7, NEW-8, NEW-9: what holds for one process that sends a campaign holds for four."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.control import pause
from clinic.message.sending.beside import sent_by
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message, submission
from tests.kill.harness import judge, prepare
from tests.kill.job import Job
from tests.kill.many import Share, release, send, share_of
from tests.processes import ONE_SERVER, processes
from tests.servers.postgres_copies import Copies
from tests.servers.recorder import RunningGateway, running_gateway

pytestmark = ONE_SERVER

PEOPLE, PROCESSES = 600, 4


@pytest.fixture(params=["I", "B"])
def gateway(request: pytest.FixtureRequest) -> Iterator[RunningGateway]:
    with running_gateway(mode=request.param, latency_ms=20) as found:
        yield found


@pytest.fixture
def postgres_record_url(postgres_copies: Copies) -> Iterator[str]:
    with postgres_copies.empty() as url:
        yield url


@pytest.fixture
def job(postgres_record_url: str, tmp_path: Path, gateway: RunningGateway) -> Job:
    file = prepare(postgres_record_url, tmp_path, PEOPLE)
    return Job(
        url=postgres_record_url, home=str(tmp_path), file=str(file), gateway=gateway.url,
        gateway_class=gateway.mode, batch_size=20, per_request=10,
    )  # fmt: skip


def start(share: Share, number: int, count: int = PROCESSES) -> list[BaseProcess]:
    made = [processes.Process(target=send, args=(share, number)) for _ in range(count)]
    for one in made:
        one.start()
    return made


def end(running: list[BaseProcess], codes: list[int]) -> None:
    for one in running:
        one.join(300)
    assert [one.exitcode for one in running] == codes


def finish(job: Job, number: int) -> str:
    """What the campaign's own run does once at the end; the state that it comes to."""
    record = Record.open(job.url)
    save_batches(record, SystemClock(), number, 1, 10_000)
    state = summarize(record, SystemClock(), number).state
    record.close()
    return state


def wait_for(gateway: RunningGateway, count: int) -> None:
    until = time.monotonic() + 120
    while len(gateway.report().taken) < count:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_one_of_four_is_killed_and_the_others_carry_on(job: Job, gateway: RunningGateway) -> None:
    """By the gateway's own book: nobody twice, nobody lost; and each of the others had a part of it."""
    share = share_of(job)
    number = release(share)
    running = start(share, number)
    wait_for(gateway, PEOPLE // 4)
    running[0].kill()
    end(running, [-9, 0, 0, 0])
    state = finish(job, number)
    fate = judge(job.url, gateway.report().taken, people=PEOPLE, kills=1)
    assert fate.is_clean, fate
    blind = job.gateway_class == "B"
    # At most what the dead one had under way: a batch a sender
    assert fate.unknown <= (40 if blind else 0), fate
    assert state == ("reconciling" if fate.unknown else "completed")
    assert len(owners(job, number)) >= PROCESSES - 1


def owners(job: Job, number: int) -> Counter[str]:
    """Messages that each worker tried."""
    record = Record.open(job.url)
    with record.read() as connection:
        names = connection.scalars(
            sa.select(submission.c.owner)
            .join(batch, batch.c.id == submission.c.batch_id)
            .where(batch.c.campaign_id == number)
        ).all()
    counts = Counter({name: sent_by(record, number, name)[1] for name in set(names)})
    record.close()
    return counts


def test_the_pace_is_one_for_all(job: Job, gateway: RunningGateway) -> None:
    """NEW-7: four at once send no more in any second than one alone would."""
    share = share_of(job, a_second=150)
    number = release(share)
    end(start(share, number), [0] * PROCESSES)
    assert len(owners(job, number)) == PROCESSES
    assert finish(job, number) == "completed"
    record = Record.open(job.url)
    with record.read() as connection:
        made = connection.execute(
            sa.select(submission.c.created_at, submission.c.members).order_by(
                submission.c.created_at
            )
        ).all()
    record.close()
    times = [row.created_at for row in made for _ in range(len(row.members) // 8)]
    assert len(times) == PEOPLE
    # 150 later than any message at least a second has gone by
    assert min((b - a).total_seconds() for a, b in zip(times, times[150:], strict=False)) >= 1.0
    assert all(a <= b for a, b in pairwise(times))
    assert judge(job.url, gateway.report().taken, people=PEOPLE, kills=0).is_clean


def test_two_campaigns_to_the_same_people_sent_by_four_reach_each_once(
    job: Job, gateway: RunningGateway
) -> None:
    """NEW-8: one message a person in the days of the cap, whichever process is first."""
    share = share_of(job)
    capped = share.settings.contact.model_copy(update={"most": 1, "days": 7, "same_days": 0})
    share = Share(share.job, share.settings.model_copy(update={"contact": capped}), {"again": True})
    numbers = [release(share, list_name=name) for name in ("One", "Other")]
    running = [one for number in numbers for one in start(share, number, 2)]
    end(running, [0] * PROCESSES)
    record = Record.open(job.url)
    with record.read() as connection:
        rows = connection.execute(sa.select(message.c.patient_id, message.c.state)).all()
    record.close()
    had = Counter(row.patient_id for row in rows if row.state == states.ACCEPTED)
    assert len(had) == PEOPLE
    assert set(had.values()) == {1}
    taken = gateway.report().taken
    assert sum(taken.values()) == PEOPLE


def test_a_pause_stops_all_of_them_within_the_part_in_flight(
    job: Job, gateway: RunningGateway
) -> None:
    """NEW-9: no process begins another part, and each of them ends by itself."""
    share = share_of(job, a_second=10)  # so that much is left, on a busy machine too
    number = release(share)
    running = start(share, number)
    wait_for(gateway, PEOPLE // 20)
    record = Record.open(job.url)
    pause(record, SystemClock(), number, by="mia", reason="a wrong text")
    with record.read() as connection:
        begun = connection.scalar(sa.select(sa.func.count()).select_from(submission))
    end(running, [0] * PROCESSES)
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(submission)) == begun
        assert connection.scalar(sa.select(campaign.c.state)) == states.PAUSED
        waits = connection.scalar(
            sa.select(sa.func.count()).where(message.c.state == states.PENDING)
        )
    record.close()
    assert waits == PEOPLE - len(gateway.report().taken)
    assert waits > 0
