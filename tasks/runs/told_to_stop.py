"""
Stop means stop: whoever cancels, suspends or pauses a run in the Prefect UI pauses its campaign.

    the run's process   asks every few seconds what it is told: begins no further part, pauses the campaign
    reconciling         the same of runs whose process is gone or could not ask (heeding.py)

Prefect does not know who did it. A stop needs no proof; the way on is a proven person's: `cohort resume`.
A run that waits for an approver is suspended by itself: its campaign cannot be paused, and is not sent.

    cancelled while its list is checked     the campaign is paused as soon as it would be sent
    resumed or approved since             an earlier stop is over, whatever Prefect made of that run later

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import PrefectException
from sqlalchemy import Connection

from clinic.errors import CohortError
from clinic.message.campaign.campaign import Campaign
from tasks.guard.asking import quickly
from tasks.guard.decorators import NotWanted
from tasks.runs.heeding import pause_for
from tasks.runs.stops import told_at, told_by
from tasks.wiring import Wiring, stopped, wiring

EVERY_SECONDS: Final = 3.0


@contextlib.contextmanager
def listening(flow_run_id: UUID | str | None) -> Iterator[None]:
    """While the block runs a stop in the Prefect UI is heeded by this process."""
    if flow_run_id is None:
        yield
        return
    over, known = threading.Event(), get_settings_context()
    # Prefect's settings and no more: the run's own client is not for two threads
    own = SettingsContext(profile=known.profile, settings=known.settings)
    args = (UUID(str(flow_run_id)), over, own)
    threading.Thread(target=_listen, args=args, name="listening", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _listen(flow_run_id: UUID, over: threading.Event, own: SettingsContext) -> None:
    with (
        own,
        get_client(sync_client=True) as client,
    ):  # one for all that is asked: it takes long to make
        while not over.wait(EVERY_SECONDS):
            with contextlib.suppress(httpx.HTTPError, PrefectException, CohortError, OSError):
                if _heard(flow_run_id, client):
                    return


def _heard(flow_run_id: UUID, client: SyncPrefectClient) -> bool:
    """Ask once; whether the campaign stands still for it."""
    parts = wiring()
    parts.listening_since = parts.listening_since or parts.clock.now()
    hear(parts, flow_run_id, client)
    if not parts.told_to_stop:
        return False
    parts.stop.set()
    return stop_campaign(parts)


def hear(parts: Wiring, flow_run_id: UUID, client: SyncPrefectClient) -> None:
    """Note what a person told the run of this process, and when; nothing, where nobody can be asked."""
    if parts.told_to_stop:
        return
    with quickly():
        run = client.read_flow_run(flow_run_id)
        parts.told_at = told_at(client, run) if told_by(run.state) else None
        parts.told_to_stop = told_by(run.state)


def stop_campaign(parts: Wiring) -> bool:
    """
    Pause the campaign of this process's run as it was told to, once; whether it stood still for it.

    Told while its list was checked, it is paused after its release. Resumed since, it is left: the process may
    have stood still while `settle` heeded the stop, or take its time to end.
    """
    number, told = parts.campaign_id, parts.told_at
    if number is None:
        return False
    if told is not None and parts.listening_since is not None:
        told = max(told, parts.listening_since)  # Prefect's server may have another clock

    def resumed_since(_: Connection, job: Campaign) -> bool:
        return told is not None and job.resumed_at is not None and told < job.resumed_at

    if not parts.stood_still:
        parts.stood_still = pause_for(parts, number, parts.told_to_stop, resumed_since)
    return parts.stood_still


def heed(flow_run_id: UUID | str | None) -> None:
    """
    Of a process that is to begin nothing more: if a person told its run to stop, its campaign is paused.

    A worker that cancels a run signals it too, and may be quicker than we ask: so it is asked before it is told
    what became of the campaign, and again as the run ends.
    """
    parts = stopped()
    if parts is None or flow_run_id is None:
        return
    with contextlib.suppress(httpx.HTTPError, PrefectException, CohortError, OSError):
        with get_client(sync_client=True) as client:
            hear(parts, UUID(str(flow_run_id)), client)
        if parts.told_to_stop:
            stop_campaign(parts)


def end_if_told(flow_run_id: UUID | str | None) -> None:
    """
    At the end of a run that sends: if a person told it to stop, its campaign is paused, whoever noticed first.

    Raises:
        NotWanted: it was cancelled: that is its last state, and nothing has failed
    """
    parts = stopped()
    if parts is None or flow_run_id is None:
        return
    heed(flow_run_id)
    if parts.told_to_stop == "run-cancelled":
        number = parts.campaign_id
        raise NotWanted(
            "run-cancelled",
            "it was cancelled here, and what it sends is paused. "
            f"The way on: cohort resume {number}, or: cohort cancel {number}"
            if number
            else "it was cancelled here; nothing was sent",
            "Cancelled",
        )
