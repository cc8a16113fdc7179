"""Prefect's database does not grow without end; a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.flows import Flow
from prefect.states import Cancelled, Completed, Failed, Running, Scheduled

from flows.settle import settle
from flows.upkeep.chase_approvals import chase_approvals
from tasks.runs.old_runs import IDLE, forget_settled

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def _run(client: SyncPrefectClient, tag: str, *states: State[object], of: object = settle) -> UUID:
    """A run of a flow that went through these states."""
    flow: Flow[..., object] = of  # type: ignore[assignment]
    run = client.create_flow_run(flow, state=Scheduled(), tags=[tag])
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)
    return run.id


def _these(keys: dict[str, UUID]) -> FlowRunFilter:
    return FlowRunFilter(id=FlowRunFilterId(any_=list(keys.values())))


def _left(client: SyncPrefectClient, keys: dict[str, UUID]) -> set[str]:
    there = {run.id for run in client.read_flow_runs(flow_run_filter=_these(keys))}
    return {name for name, key in keys.items() if key in there}


def test_old_runs_of_settle_go_and_whatever_somebody_may_ask_for_stays() -> None:
    """Newer ones, those that failed or run, other flows' and other installations' stay."""
    tag, other = f"installation-{uuid4().hex[:8]}", f"installation-{uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        keys = {
            "old": _run(client, tag, Running(), Completed()),
            "old cancelled": _run(client, tag, Cancelled()),
            "old failed": _run(client, tag, Running(), Failed()),
            "running": _run(client, tag, Running()),
            "to come": _run(client, tag),
            "another's": _run(client, other, Running(), Completed()),
            "chase": _run(client, tag, Completed(), of=chase_approvals),
        }
        keys["idle"] = _run(client, tag, Running(), Completed(name=IDLE))
        hour = datetime.now(UTC)  # Prefect's server sets the time of an end itself
        keys["new"] = _run(client, tag, Running(), Completed())
        assert forget_settled(client, tag, before=hour, named=IDLE) == 1
        assert _left(client, keys) == keys.keys() - {"idle"}
        assert forget_settled(client, tag, before=hour) == 2
        assert _left(client, keys) == keys.keys() - {"idle", "old", "old cancelled"}
        assert forget_settled(client, tag, before=hour) == 0


def test_what_an_earlier_version_left_goes_by_and_by() -> None:
    tag = f"installation-{uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        for _ in range(5):
            _run(client, tag, Completed())
        now = datetime.now(UTC)
        assert [forget_settled(client, tag, before=now, most=2) for _ in range(4)] == [2, 2, 1, 0]
