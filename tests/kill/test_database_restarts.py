"""NEW-3 where nobody is killed but the database: it is restarted twice while a campaign is sent."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.kill.harness import finish, judge, prepare, start
from tests.kill.job import Job
from tests.postgres import running_server
from tests.processes import ONE_SERVER
from tests.servers.recorder import RunningGateway, running_gateway

pytestmark = ONE_SERVER

PEOPLE = 1_000


def wait_for(gateway: RunningGateway, count: int) -> None:
    until = time.monotonic() + 60
    while len(gateway.report().taken) < count and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.parametrize("gateway_class", ["I", "B"])
def test_a_database_that_is_restarted_in_mid_send_doubles_loses_and_forgets_nobody(
    tmp_path: Path, gateway_class: str
) -> None:
    """Not on a blind gateway either: its answers are kept until they can be written."""
    with (
        running_server() as server,
        running_gateway(mode=gateway_class, faults="none", seed=1, latency_ms=40) as gateway,
    ):
        record = Record.open(server.url)
        migrate(record)
        record.close()
        file = prepare(server.url, tmp_path, PEOPLE)
        job = Job(
            url=server.url, home=str(tmp_path), file=str(file), gateway=gateway.url,
            gateway_class=gateway_class, batch_size=50, per_request=50,
        )  # fmt: skip
        process = start(job)
        for part in (200, 500):
            wait_for(gateway, part)
            server.restart()
        process.join(
            120
        )  # a thread that was claiming may have given up: whatever is left is finished
        finish(job)
        fate = judge(server.url, gateway.report().taken, people=PEOPLE, kills=0)
    assert fate.is_clean, fate
    assert fate.outcomes == {"sent": PEOPLE}, fate
