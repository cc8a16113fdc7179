"""
Lets what was asked for go on, whatever became of its run: the state is in the record, not in Prefect.

    a run of it is suspended        resumed
    one is at it                    nothing: it reads the decision by itself
    one is to begin                 nothing; whoever asks can be told how long it has not (not_begun.py)
    none, or all of them ended      another is started; asked for twice at once, it is one

One that fell silent, or that a worker took and never began, has ended: it is noted so first.

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from clinic.errors import NotAllowed
from clinic.message.prepare.review import request_of
from clinic.record.database import Record
from tasks.guard.asking import whole
from tasks.runs import runs
from tasks.runs.silent_runs import crash_if_silent
from tasks.wiring import installation

Went = Literal["resumed", "under way", "not begun", "started"]

TO_BEGIN: Final = {StateType.SCHEDULED, StateType.PENDING}
_ENDED: Final = {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}


def operation_goes_on(operation_id: int, kind: str, *, flow_run_id: str | None) -> Went:
    """
    Let the run of an operation go on, or start one.

    Args:
        flow_run_id: the run that its approval knows
    """
    from clinic.change.kinds.table import flow_of  # brings pandas: a campaign goes on without it

    flow = flow_of(kind)
    return go_on(
        f"{flow}/{flow}",
        {"operation_id": operation_id},
        tag=operation_tag(operation_id),
        flow_run_id=flow_run_id,
    )


def campaign_goes_on(record: Record, campaign_id: int, *, flow_run_id: str | None) -> Went:
    """
    The same of a campaign, as it was asked for.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it has ended
    """
    request = request_of(record, campaign_id)
    return go_on(
        "message/message",
        {"request": request.as_parameter()},
        tag=campaign_tag(campaign_id),
        flow_run_id=flow_run_id,
        checked=False,
    )


def campaign_tag(campaign_id: int) -> str:
    """By which the runs of a campaign are found."""
    return f"campaign-{campaign_id}"


def operation_tag(operation_id: int) -> str:
    """By which the runs of an operation are found."""
    return f"operation-{operation_id}"


def go_on(
    name: str,
    parameters: Mapping[str, Any],
    *,
    tag: str,
    flow_run_id: str | None,
    now: datetime | None = None,
    resume: Callable[[UUID], None] = runs.resume,
    checked: bool = True,
) -> Went:
    """
    Let what has this tag go on.

    Args:
        name, parameters: of the deployment, if another run must be started
        flow_run_id: a run of it that may have no tag
        now: by which is judged what fell silent; the machine's clock if not given
        resume: how a suspended run is let go on
        checked: whether the server checks what another run is given (runs.start_deployment)
    """
    now = now or datetime.now(UTC)
    found = runs_of(tag, flow_run_id)
    for run in found:
        if run.state_type is StateType.PAUSED:
            if resumed(run.id, resume):
                return "resumed"
            found = runs_of(tag, flow_run_id)  # it is not what it was: it goes on, or has ended
            break
    with get_client(sync_client=True) as client:
        left = [
            run
            for run in found
            if run.state_type not in _ENDED and not crash_if_silent(client, run, now=now)
        ]
    if left:
        return "not begun" if all(run.state_type in TO_BEGIN for run in left) else "under way"
    runs.start_deployment(name, parameters, key=_key(tag, found), tag=tag, checked=checked)
    return "started"


def _key(tag: str, ended: Sequence[FlowRun]) -> str:
    """
    The same for whoever asks after the same run ended; never that of a run that has ended itself.

    By its id and not by how many there were: people and Prefect's vacuum remove runs, and a number that was
    there before would give the run that has ended, for ever.
    """
    return f"{tag}-after-{ended[0].id if ended else 'none'}"


def resumed(run: UUID, resume: Callable[[UUID], None] = runs.resume) -> bool:
    """
    Let a suspended run go on; False: it does not wait any more.

    Whoever decided and `settle` may do so in the same moment, or Prefect may have ended it after its wait.
    """
    try:
        resume(run)
    except NotAllowed as refused:
        if refused.code != "run-not-waiting":
            raise
        return False
    return True


def runs_of(tag: str, flow_run_id: str | None = None) -> list[FlowRun]:
    """Every run that Prefect still knows of it, the newest first."""
    filters = [FlowRunFilter(tags=FlowRunFilterTags(all_=[installation().tag, tag]))]
    if flow_run_id is not None:
        filters.append(FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run_id)])))
    with get_client(sync_client=True) as client:
        found = {
            run.id: run
            for each in filters
            for run in whole(
                client.read_flow_runs,
                flow_run_filter=each,
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            )
        }
    return list(found.values())
