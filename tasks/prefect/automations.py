"""
What Prefect does by itself when campaigns halt one after the other. What it tells people: telling.py.

Runs that fall silent are no subject of an automation: it goes by events and cannot ask for a run's
state, so that it ended suspended runs too. tasks/runs/silent_runs.py sees to them.
"""

from __future__ import annotations

from uuid import UUID

from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import PauseWorkQueue
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from tasks.guard.asking import whole
from tasks.prefect.events import HALTS_REPEAT, WITHIN
from tasks.prefect.sending_queue import SENDING_QUEUE
from tasks.prefect.telling import ensure_tellings
from tasks.processes.identity import INSTALLATION, Installation

REPEATED_HALTS = "cohort: campaigns halt one after the other"


def repeated_halts(who: Installation, queue_id: UUID) -> AutomationCore:
    """
    The automation that pauses the queue of all that sends when two campaigns halted themselves in an hour.

    One list may be bad; two in a row are a bad gateway, and what is due next would fail too (NEW-12).
    Campaigns are counted in the record (tasks/prefect/events.py), so one event is enough. The queue and not a
    deployment: a paused deployment still runs what `settle` starts. The way on: `cohort server resume`.
    """
    return AutomationCore(
        name=f"{REPEATED_HALTS} ({who.label})",
        description="Two campaigns halted themselves within an hour: a person must look (NEW-12)",
        trigger=EventTrigger(
            expect={HALTS_REPEAT},
            match=ResourceSpecification(
                {"prefect.resource.id": ["cohort.campaigns"], INSTALLATION: [who.key]}
            ),
            posture=Posture.Reactive,
            threshold=1,
            within=WITHIN,
        ),
        actions=[PauseWorkQueue(source="selected", work_queue_id=queue_id)],
    )


def ensure_automations(
    who: Installation, *, pool: str = "", webhook: SecretStr | None = None
) -> None:
    """
    Create the automations, or update them, for the installation's work pool (or this one), which exists.

    webhook: where people are told; None or empty: nowhere

    Call `apply_environment` first: this imports prefect.
    """
    with get_client(sync_client=True) as client:
        wanted = repeated_halts(who, _sending_queue(client, pool or who.pool))
        # The practice's name in it may have changed
        existing = [
            found
            for found in whole(client.read_automations)
            if found.name.startswith(REPEATED_HALTS) and found.name.endswith(f"{who.key})")
        ]
        if existing:
            client.update_automation(existing[0].id, wanted)
        else:
            client.create_automation(wanted)
        ensure_tellings(client, who, webhook or SecretStr(""))


def _sending_queue(client: SyncPrefectClient, pool: str) -> UUID:
    try:
        return client.read_work_queue_by_name(SENDING_QUEUE, work_pool_name=pool).id
    except ObjectNotFound:
        return client.create_work_queue(SENDING_QUEUE, work_pool_name=pool).id
