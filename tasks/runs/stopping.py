"""
A run that sends is told to stop: what is being sent is finished, batches are given back, and the run ends.

    SIGTERM ──► no further submission is begun ──► saved, summarized ──► its successor is asked for ──► ended
    a stop in the Prefect UI ──► the same, and its campaign is paused instead (told_to_stop.py)

The successor waits for the next worker, which takes it up first of all: so sending is on again as soon as a
worker and a run have started, and not only once `settle` has looked. The worker's side: tasks/draining.py.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_RUN: Final = "PREFECT__FLOW_RUN_ID"  # in the environment of what a worker started
_LOG = logging.getLogger(__name__)


def drained(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a flow that sends: SIGTERM lets it end by itself after the submissions in flight."""

    @functools.wraps(function)
    def draining(*args: P.args, **kwargs: P.kwargs) -> R:
        from prefect.runtime import flow_run

        from tasks.runs.told_to_stop import end_if_told, listening

        own = flow_run.get_id()
        with asked_to_stop(), listening(own):
            try:
                return function(*args, **kwargs)
            finally:
                end_if_told(own)
                _leave_successors()

    return draining


def _leave_successors() -> None:
    """
    Of a worker's run that was told to stop. What is typed in a terminal and stopped there, its person knows of.

    Whatever keeps it from that: `settle` looks for what is left when a worker starts.
    """
    from tasks.wiring import stopped

    parts = stopped()
    if parts is None or parts.told_to_stop or not os.environ.get(_RUN):
        return
    try:
        from tasks.runs.waking import leave_successors  # imports prefect

        leave_successors(parts)
    except Exception as error:
        _LOG.warning("no successor was asked for: %s", type(error).__name__)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[None]:
    """While the block runs SIGTERM lets this process begin no further submission."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = signal.getsignal(signal.SIGTERM)

    def asked(number: int, frame: FrameType | None) -> None:
        from tasks.wiring import stop_sending

        # Asked again, it still drains: a supervisor may signal the whole group besides
        if not stop_sending() and callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
