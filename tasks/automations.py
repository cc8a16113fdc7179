"""
What Prefect does by itself when a run falls silent, and when campaigns halt one after the other.

A run whose machine dies stays `Running` for ever: nobody is left to say otherwise. Runs send a
heartbeat, and this automation, which Prefect's open version has to be given, marks a run as
crashed after three that did not come. The ledger needs no such help to stay right (leases run
out); people and the concurrency limit do, since a dead run would hold its place.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, PauseWorkQueue
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from tasks.environment import HEARTBEAT_SECONDS
from tasks.events import HALTS_REPEAT, WITHIN
from tasks.sending_queue import SENDING_QUEUE
from tasks.workers import WORK_POOL

SILENT_RUNS = "cohort: silent runs have crashed"
REPEATED_HALTS = "cohort: campaigns halt one after the other"
MISSED_HEARTBEATS = 3


def silent_runs() -> AutomationCore:
    """The automation that marks a run as crashed when its heartbeats stop."""
    within = timedelta(seconds=MISSED_HEARTBEATS * HEARTBEAT_SECONDS)
    return AutomationCore(
        name=SILENT_RUNS,
        description=f"No heartbeat for {within.total_seconds():.0f} s: its machine is gone",
        trigger=EventTrigger(
            # Only a run that has sent one can fall silent; anything it says later ends the wait
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[
            ChangeFlowRunState(
                name="Crashed",
                force=False,
                state=StateType.CRASHED,
                message=f"no heartbeat for {within.total_seconds():.0f} s",
            )
        ],
    )


def repeated_halts(queue_id: UUID) -> AutomationCore:
    """
    The automation that pauses the queue of all that sends when two campaigns halted themselves in an hour.

    One list may be bad; two in a row are a bad way out, and what is due next would fail too (NEW-12).
    Campaigns are counted in the record (tasks/events.py), so one event is enough. The queue and not a
    deployment: a paused deployment still runs what `settle` starts. The way on: `cohort server resume`.
    """
    return AutomationCore(
        name=REPEATED_HALTS,
        description="Two campaigns halted themselves within an hour: a person must look (NEW-12)",
        trigger=EventTrigger(
            expect={HALTS_REPEAT},
            match=ResourceSpecification({"prefect.resource.id": ["cohort.campaigns"]}),
            posture=Posture.Reactive,
            threshold=1,
            within=WITHIN,
        ),
        actions=[PauseWorkQueue(source="selected", work_queue_id=queue_id)],
    )


def ensure_automations(*, pool: str = WORK_POOL) -> None:
    """
    Create the automations, or update them, for this work pool, which exists.

    Call `apply_environment` first: this imports prefect.
    """
    with get_client(sync_client=True) as client:
        for wanted in (silent_runs(), repeated_halts(_sending_queue(client, pool))):
            existing = client.read_automations_by_name(wanted.name)
            if existing:
                client.update_automation(existing[0].id, wanted)
            else:
                client.create_automation(wanted)


def _sending_queue(client: SyncPrefectClient, pool: str) -> UUID:
    try:
        return client.read_work_queue_by_name(SENDING_QUEUE, work_pool_name=pool).id
    except ObjectNotFound:
        return client.create_work_queue(SENDING_QUEUE, work_pool_name=pool).id
