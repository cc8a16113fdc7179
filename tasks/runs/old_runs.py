"""
Prefect's database stays small: finished runs of `settle` are removed after an hour.

There are 288 a day, of which each takes 60 KB besides its events, and shows nothing that the next does not.
Those that failed or crashed stay, as runs of everything else do, until Prefect's own vacuum takes them
(prefect_keep_days). So do events, an hour or a week (tasks/processes/environment.py).
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
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound

from tasks.guard.decorators import task
from tasks.wiring import wiring

SETTLE: Final = "settle"  # the flow
MOST: Final = 100  # a call: what an earlier version left goes within a day


@task(name="forget-runs", retries=1, retry_delay_seconds=5)
def forget_runs() -> int:
    """Remove the finished runs of `settle` that are old; how many."""
    parts = wiring()
    kept = timedelta(hours=parts.settings.prefect_keep_settle_hours)
    with get_client(sync_client=True) as client:
        return forget_settled(client, parts.installation.tag, before=datetime.now(UTC) - kept)


def forget_settled(
    client: SyncPrefectClient, tag: str, *, before: datetime, most: int = MOST
) -> int:
    """Remove runs of `settle` with this tag that ended, not in failure, before that time; how many."""
    found = _ended(client, tag, before, most)
    for key in found:
        with contextlib.suppress(ObjectNotFound):  # another machine's settle removed it meanwhile
            client.delete_flow_run(key)
    return len(found)


def _ended(client: SyncPrefectClient, tag: str, before: datetime, limit: int) -> list[UUID]:
    well = FlowRunFilterStateType(any_=[StateType.COMPLETED, StateType.CANCELLED])
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[SETTLE])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=well),
            tags=FlowRunFilterTags(all_=[tag]),  # another installation's are its own to forget
            end_time=FlowRunFilterEndTime.model_validate({"before_": before}),
        ),
        limit=limit,
    )
    return [run.id for run in found]
