"""An orderly stop leaves nobody's message unknown, and the rest goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign
from tasks.draining import wait_for_children
from tests.ledgers import add_campaign, add_patients, message_states

PEOPLE = 400


def start(record: Record, folder: Path) -> subprocess.Popen[bytes]:
    url = record.engine.url.render_as_string(hide_password=False)
    return subprocess.Popen([sys.executable, "-m", "tests.tasks.slow_sender", url, str(folder)])


def taken(folder: Path) -> Counter[str]:
    log = folder / "log"
    return Counter(log.read_text().split()) if log.exists() else Counter()


def stop_in_mid_send(record: Record, folder: Path) -> None:
    """Once it has begun to send, in the middle of a request."""
    before, sender = len(taken(folder)), start(record, folder)
    until = time.monotonic() + 600
    while len(taken(folder)) == before:
        assert time.monotonic() < until, "it never began to send"
        time.sleep(0.01)
    sender.send_signal(signal.SIGTERM)
    sender.send_signal(signal.SIGTERM)  # a supervisor that signals the whole group besides
    assert sender.wait(600) == 0


def restarts(record: Record, folder: Path, times: int) -> None:
    add_patients(record, PEOPLE)
    number = add_campaign(record, SystemClock(), PEOPLE, batch_size=PEOPLE // times // 2)
    for _ in range(times):
        stop_in_mid_send(record, folder)
        with record.read() as connection:
            assert connection.scalar(sa.select(campaign.c.state)) == states.RUNNING
            leased = sa.select(sa.func.count()).where(batch.c.state == states.LEASED)
            assert connection.scalar(leased) == 0
    assert start(record, folder).wait(600) == 0
    assert message_states(record, number) == {"accepted": PEOPLE}
    assert set(taken(folder).values()) == {1}
    assert len(taken(folder)) == PEOPLE


def test_an_orderly_stop_finishes_what_is_in_flight_and_gives_the_rest_back(
    record: Record, tmp_path: Path
) -> None:
    """NEW-3, on a blind gateway: 0 unknown, 0 twice, 0 halts."""
    restarts(record, tmp_path, 2)


@pytest.mark.slow
def test_fifty_restarts_in_mid_send(record: Record, tmp_path: Path) -> None:
    restarts(record, tmp_path, 50)


def test_a_worker_waits_for_its_runs_and_for_no_longer_than_it_may() -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(0.5), sys.exit(3))); "
    )
    code += "print('x', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout
    with child.stdout as said:
        said.readline()
        wait_for_children(signal.SIGTERM, seconds=30)
        assert child.wait(0.5) == 3
    deaf = subprocess.Popen([sys.executable, "-c", code.replace("sys.exit(3)", "0")], stdout=-1)
    assert deaf.stdout
    with deaf.stdout as said:
        said.readline()
        begun = time.monotonic()
        wait_for_children(signal.SIGTERM, seconds=1)
        assert time.monotonic() - begun >= 1
        os.kill(deaf.pid, signal.SIGKILL)
        deaf.wait()
