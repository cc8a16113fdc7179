"""
An orderly stop: what is being sent is finished, batches are given back, and the process ends.

    worker    SIGTERM ──► asks its runs to drain, waits for them, then stops as Prefect's worker does
    run       SIGTERM ──► begins no further submission; asks for its successor, ends (tasks/runs/stopping.py)

A blind gateway's messages in flight would be `unknown` for ever if their process were killed in mid-call.
What is left goes on as soon as a worker is there again: the successor of a run that drained waits for it,
and for what was killed a worker that starts asks for `settle` at once. It also takes away runs that died
while they were starting, which would keep the next ones from starting.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

    from tasks.processes.identity import Installation

DRAIN_SECONDS: Final = 25.0  # a supervisor kills after 30 at the earliest
# A run that has not begun by then died: on a busy machine the imports alone take a quarter of it
STARTED_BY_NOW: Final = timedelta(seconds=60)
_GOES_ON: Final = "settle"  # looks for what is due


def drain_children_first() -> None:
    """
    Of the worker's process: let SIGTERM do what it did, once the runs that it started have ended.

    The event loop stands still meanwhile, so nothing new is started.
    """
    before = signal.getsignal(signal.SIGTERM)

    def asked(number: int, frame: FrameType | None) -> None:
        wait_for_children(signal.SIGTERM, seconds=DRAIN_SECONDS)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, asked)


def wait_for_children(number: signal.Signals, *, seconds: float) -> None:
    """Signal this process's children, and wait for them to end; those that do not are left."""
    for pid in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    until = time.monotonic() + seconds
    while _children() and time.monotonic() < until:
        time.sleep(0.1)


def _children() -> list[int]:
    """This process's living children; a zombie, whom the event loop will bury, does not count."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name may hold anything, in brackets: what follows the last one is fixed
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(entry.parent.name))
    return found


async def go_on(
    client: PrefectClient, who: Installation, *, within: timedelta = STARTED_BY_NOW
) -> None:
    """
    A worker starts: what waited for one is looked for now, and what died in starting is out of the way.

    Runs of this installation alone: another's are another worker's. What died within the last minute cannot be
    told from what is starting: `look_again` after that.

    within: what was asked to start has begun by then, or has ended
    """
    await _end_unbegun(client, who, within)
    await _ask_what_is_due(client, who)


async def look_again(
    client: PrefectClient, who: Installation, *, within: timedelta = STARTED_BY_NOW
) -> None:
    """A minute after `go_on`: one that died in starting would keep its place for minutes, and the next out."""
    if await _end_unbegun(client, who, within):
        await _ask_what_is_due(client, who)


async def _end_unbegun(client: PrefectClient, who: Installation, within: timedelta) -> int:
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.objects import State
    from prefect.states import Crashed

    from tasks.guard.asking import whole_async

    pending: Any = {"state": {"type": {"any_": ["PENDING"]}}, "tags": {"all_": [who.tag]}}
    limit, count = datetime.now(UTC) - within, 0
    found = await whole_async(
        client.read_flow_runs, flow_run_filter=FlowRunFilter.model_validate(pending)
    )
    for run in found:
        if run.deployment_id and run.state and run.state.timestamp < limit:
            died: State[Any] = Crashed(message="its worker was stopped while it was starting")
            await client.set_flow_run_state(run.id, died, force=True)
            count += 1
    return count


async def _ask_what_is_due(client: PrefectClient, who: Installation) -> None:
    from prefect.client.schemas.filters import DeploymentFilter, FlowFilter

    from tasks.guard.asking import whole_async

    flow: Any = {"name": {"any_": [_GOES_ON]}}
    ours: Any = {"tags": {"all_": [who.tag]}}
    for deployment in await whole_async(
        client.read_deployments,
        flow_filter=FlowFilter.model_validate(flow),
        deployment_filter=DeploymentFilter.model_validate(ours),
    ):
        await client.create_flow_run_from_deployment(deployment.id)
