"""
Steps that wait for a record that is away: a database that is started again, or another that takes over.

    @task(name="…", **WHILE_AWAY)    the task is tried again for two minutes, and only for that
    while_away(function)             the same in a flow's own body

What a person must put right, a full disk among it, and whatever nobody foresaw fail at once. What is away
for longer: settle_operations.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypedDict, TypeVar

from prefect.client.schemas.objects import State, TaskRun

from clinic.errors import RecordUnsafe
from clinic.record.outage import PASSING, outage

T = TypeVar("T")

SECONDS: Final = [1.0, 5.0, 15.0, 30.0, 60.0]


def record_is_away(task: Any, run: TaskRun, state: State[Any]) -> bool:
    """Whether to try again: the record could not be reached."""
    return _is_away(state.result(raise_on_failure=False))


def while_away(function: Callable[[], T], *, sleep: Callable[[float], None] = time.sleep) -> T:
    """What `function` gives, called again as long as the record is away, at most as often as a task."""
    for seconds in SECONDS:
        try:
            return function()
        except Exception as error:
            if not _is_away(outage(error) or error):
                raise
        sleep(seconds)
    return function()


def _is_away(error: object) -> bool:
    return isinstance(error, RecordUnsafe) and error.code in PASSING


class Retries(TypedDict):
    """A task's policy of trying again."""

    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Callable[[Any, TaskRun, State[Any]], bool]


WHILE_AWAY: Final[Retries] = {
    "retries": len(SECONDS),
    "retry_delay_seconds": SECONDS,
    "retry_condition_fn": record_is_away,
}
