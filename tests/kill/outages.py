"""Nobody kills the main job, but what it needs goes away: the database restarts, Prefect's server dies."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.installation import installed
from tests.kill.harness import Fate, finish, judge, prepare, start
from tests.kill.job import Job
from tests.servers.postgres import running_server
from tests.servers.recorder import RunningGateway, running_gateway


def wait_for(gateway: RunningGateway, count: int, at_it: Callable[[], bool]) -> bool:
    """Until the gateway has so many messages; False: nobody is at it any more, and it will not."""
    until = time.monotonic() + 600
    while len(gateway.report().taken) < count:
        if not at_it() or time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def restart_database(gateway_class: str, *, people: int, times: int, folder: Path) -> Fate:
    """Send a campaign whose PostgreSQL is restarted so often meanwhile; then run the job to its end."""
    with (
        running_server() as server,
        running_gateway(mode=gateway_class, faults="none", seed=1, latency_ms=40) as gateway,
    ):
        record = Record.open(server.url)
        migrate(record)
        record.close()
        file = prepare(server.url, folder, people)
        job = Job(
            url=server.url, home=str(folder), file=str(file), gateway=gateway.url,
            gateway_class=gateway_class, batch_size=50, per_request=50,
        )  # fmt: skip
        process = start(job)
        for turn in range(1, times + 1):
            if not wait_for(gateway, people * turn // (2 * times), process.is_alive):
                # Both threads were claiming when the database went, and gave up
                process.join(60)
                process = start(job)
                assert wait_for(gateway, people * turn // (2 * times), process.is_alive)
            server.restart()
        process.join(600)  # a thread that was claiming may have given up: what is left is finished
        finish(job)
        return judge(server.url, gateway.report().taken, people=people, kills=0)


def prefect_dies(url: str, folder: Path, gateway_class: str, *, people: int) -> Fate:
    """Type `cohort message`, and kill the Prefect server when a tenth of the messages has left."""
    with (
        running_gateway(mode=gateway_class, faults="none", seed=1, latency_ms=40) as gateway,
        installed(
            folder, gateway=gateway.url, gateway_class=gateway_class, people=people, url=url
        ) as made,
    ):
        sending = made.start(*made.message())
        assert wait_for(gateway, people // 10, lambda: sending.poll() is None)
        made.kill_server()
        done = made.end(sending)
        assert done.code == 0, done.err
        return judge(made.url, gateway.report().taken, people=people, kills=0)
