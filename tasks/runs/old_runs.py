"""
Prefect's database and lists stay small: finished runs of `settle` are removed after an hour, and those that
found nothing to do after ten minutes.

There are 288 a day, and each shows nothing that the next does not. Those that failed or crashed stay, as runs
of everything else do, until Prefect's own vacuum takes them (prefect_keep_days). So do events, half an hour
(tasks/processes/environment.py).
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound

from tasks.wiring import wiring

SETTLE: Final = "settle"  # the flow
IDLE: Final = "Idle"  # the state of one that found nothing to do
IDLE_KEPT: Final = timedelta(minutes=10)
MOST: Final = 100  # a call: what an earlier version left goes within a day


def forget_runs() -> int:
    """Remove the finished runs of `settle` that are old; how many."""
    parts = wiring()
    kept = timedelta(hours=parts.settings.prefect_keep_settle_hours)
    tag, now = parts.installation.tag, datetime.now(UTC)
    with get_client(sync_client=True) as client:
        idle = forget_settled(client, tag, before=now - min(IDLE_KEPT, kept), named=IDLE)
        return idle + forget_settled(client, tag, before=now - kept)


def forget_settled(
    client: SyncPrefectClient, tag: str, *, before: datetime, named: str = "", most: int = MOST
) -> int:
    """
    Remove runs of `settle` with this tag that ended, not in failure, before that time; how many.

    named: those alone whose state is called so
    """
    found = _ended(client, tag, before, named, most)
    for key in found:
        with contextlib.suppress(ObjectNotFound):  # another machine's settle removed it meanwhile
            client.delete_flow_run(key)
    return len(found)


def _ended(
    client: SyncPrefectClient, tag: str, before: datetime, named: str, limit: int
) -> list[UUID]:
    name = FlowRunFilterStateName(any_=[named]) if named else None
    well = FlowRunFilterStateType(any_=[StateType.COMPLETED, StateType.CANCELLED])
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[SETTLE])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=well, name=name),
            tags=FlowRunFilterTags(all_=[tag]),  # another installation's are its own to forget
            end_time=FlowRunFilterEndTime.model_validate({"before_": before}),
        ),
        limit=limit,
    )
    return [run.id for run in found]
