"""
Which runs a person told to stop in the Prefect UI, what, and when they pressed it.

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort

from tasks.guard.asking import whole

_WHOSE: Final = ("", "beside-")  # tags of a campaign's own run, and of those beside it (beside.py)
_ASKED_OF: Final = 50  # campaigns whose runs are asked for together
_STOPS: Final = (StateType.CANCELLING, StateType.CANCELLED, StateType.PAUSED)
_BY_HAND: Final = "Cancelled"  # its other names are ours: Rejected, Expired, Withdrawn, Refused
_LIMIT_SAYS: Final = "concurrency limit"  # Prefect cancels a run that came while another went


def told_by(state: State[object] | None) -> str:
    """`run-cancelled` or `run-suspended`, if a person told a run in this state to stop; else ""."""
    if state is None or _LIMIT_SAYS in (state.message or ""):
        return ""
    if state.is_paused():
        return "run-suspended"
    by_hand = state.is_cancelling() or (state.is_cancelled() and state.name == _BY_HAND)
    return "run-cancelled" if by_hand else ""


def stops_of(tag: str, numbers: Sequence[int]) -> Iterator[tuple[int, str, datetime]]:
    """
    Each stop of a run of these campaigns: which, what was told, and when. For none nobody is asked.

    tag: the installation's
    """
    told = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_STOPS)))
    for first in range(0, len(numbers), _ASKED_OF):
        asked = numbers[first : first + _ASKED_OF]
        some = {f"{whose}campaign-{number}" for number in asked for whose in _WHOSE}
        tags = FlowRunFilterTags(all_=[tag], any_=sorted(some))
        with get_client(sync_client=True) as client:
            for run in whole(
                client.read_flow_runs,
                flow_run_filter=FlowRunFilter(tags=tags, state=told),
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            ):
                code, number = told_by(run.state), _campaign_of(some.intersection(run.tags))
                if code and number is not None:
                    yield number, code, told_at(client, run)


def told_at(client: SyncPrefectClient, run: FlowRun) -> datetime:
    """
    When a person pressed it: of a run that is Cancelling and then Cancelled, the first.

    A worker that comes back after an hour ends such a run then, and a process that drains does at its end.
    """
    assert run.state is not None, "it was told by its state"
    code, first = told_by(run.state), run.state.timestamp
    states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    for state in reversed(states):
        if told_by(state) != code:
            break
        first = min(first, state.timestamp)
    return first


def _campaign_of(tags: set[str]) -> int | None:
    found = [match for tag in tags if (match := re.fullmatch(r"(?:beside-)?campaign-(\d+)", tag))]
    return int(found[0][1]) if found else None
