"""
Whether runs are taken: when this installation's work pool was polled last, as Prefect's server has it.

That a worker's process lives says little: it may have lost its folder, its login or its server.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.copies import MARK
from tasks.prefect.polling import worker_name
from tasks.prefect.sending_queue import SENDING_QUEUE
from tasks.processes.identity import Installation
from tasks.processes.server import ask_server
from tasks.processes.workers import worker_end, worker_log, worker_pid, worker_runs

LATELY: Final = 60.0  # a worker polls every 5 seconds
START_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Polling:
    """
    worker: one that was started here lives; seconds: since the pool was polled, None: never
    """

    pool: str
    worker: bool
    seconds: float | None
    needed_here: bool  # the server is this home's own, and runs are processes: nobody else's worker could poll

    @property
    def polls(self) -> bool:
        """Whether what is due is taken."""
        lately = self.seconds is not None and self.seconds < LATELY
        return lately and (self.worker or not self.needed_here)

    @property
    def says(self) -> str:
        """For people."""
        here = "a worker runs here" if self.worker else "no worker runs here"
        if self.seconds is None:
            return f"{here}, and none has polled {self.pool} yet"
        return f"{here}; {self.pool} was polled {_ago(self.seconds)} ago"


def polling(settings: Settings, who: Installation) -> Polling:
    """Ask the server; takes at most a few seconds, raises nothing, imports no prefect."""
    last = last_poll(settings, who)
    seconds = None if last is None else max(0.0, (datetime.now(UTC) - last).total_seconds())
    needed = not settings.prefect_api_url and who.runs_as == "process"
    return Polling(who.pool, worker_runs(settings), seconds, needed)


def last_poll(settings: Settings, who: Installation) -> datetime | None:
    """When the pool was polled last, by the server's clock; None: never, or the server does not answer."""
    polls = []
    for name in ("default", SENDING_QUEUE):
        queue = ask_server(settings, f"/work_pools/{who.pool}/queues/{name}")
        if isinstance(queue, dict) and queue.get("last_polled"):
            polls.append(datetime.fromisoformat(queue["last_polled"]))
    return max(polls, default=None)


def wait_until_polled(
    settings: Settings,
    who: Installation,
    *,
    before: datetime | None,
    timeout: float = START_SECONDS,
) -> None:
    """
    Until the worker of this home has polled, later than `before`.

    Call `apply_environment` first: this imports prefect.

    Raises:
        MendableError: it ended, or does not poll; with the end of its log
    """
    deadline = time.monotonic() + timeout
    while not _has_polled(settings, who, before):
        if not worker_runs(settings):
            raise MendableError(
                "worker-start",
                f"the worker ended at once, so nothing that is due is done: {worker_end(settings)} "
                f"(see {worker_log(settings)})",
            )
        if time.monotonic() > deadline:
            raise MendableError(
                "worker-start",
                f"the worker did not poll within {timeout:.0f} s, so nothing that is due is done: "
                f"{worker_end(settings)} (see {worker_log(settings)})",
            )
        time.sleep(0.2)


def _has_polled(settings: Settings, who: Installation, before: datetime | None) -> bool:
    """It is known to the server by its own name besides: another machine's worker may poll the same pool."""
    last = last_poll(settings, who)
    if last is None or (before is not None and last <= before):
        return False
    from prefect.client.orchestration import get_client

    from tasks.guard.asking import whole

    name = worker_name(worker_pid(settings) or 0)
    with get_client(sync_client=True) as client:
        known = whole(client.read_workers_for_work_pool, work_pool_name=who.pool)
    return any(one.name == name or one.name.startswith(name + MARK) for one in known)


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
