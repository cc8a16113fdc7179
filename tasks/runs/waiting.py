"""
Waiting for people: a run that waits is suspended, and holds neither a process nor a place.

Prefect cannot say who resumed a run, and anybody may press Resume. So a run that comes back asks
our own tables, which know the decision and whose it is, and suspends itself again where there is
none. The flow runs again from its top each time; every step of it may run twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from prefect.flow_runs import suspend_flow_run


def wait_until(decided: Callable[[], bool], *, at_most: timedelta) -> None:
    """
    Go on if it is decided; otherwise end this process until `tasks.runs.runs.resume` starts another.

    Works in runs of a deployment only: without one, nobody could start the run again.

    Args:
        decided: asks our tables; called once each time the run comes back
        at_most: how long Prefect keeps a run waiting before it fails it
    """
    if decided():
        return
    # A key of its own for every wait: Prefect would let a run pass that waits on one key twice
    suspend_flow_run(timeout=int(at_most.total_seconds()), key=f"wait-{uuid4()}")
