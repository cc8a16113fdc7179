"""
Stop means stop: whoever cancels, suspends or pauses a run in the Prefect UI pauses its campaign.

    the run's process   asks every few seconds what it is told: begins no further part, pauses the campaign
    reconciling         the same of runs whose process is gone or could not ask, before it looks what is due

Prefect does not know who did it. A stop needs no proof; the way on is a proven person's: `cohort resume`.
A run that waits for an approver is suspended by itself: its campaign cannot be paused, and is not sent.

    cancelled while its list is checked     the campaign is paused as soon as it would be sent
    resumed or released since             an earlier stop is over

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import PrefectException

from clinic.errors import CohortError, NotAllowed, NotFound
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.control import pause
from tasks.guard.decorators import NotWanted
from tasks.prefect.asking import quickly, whole
from tasks.wiring import Wiring, stopped, wiring

EVERY_SECONDS: Final = 3.0
_STOPS: Final = (StateType.CANCELLING, StateType.CANCELLED, StateType.PAUSED)
_BY_HAND: Final = "Cancelled"  # its other names are ours: Rejected, Expired, Withdrawn, Refused
_LIMIT_SAYS: Final = "concurrency limit"  # Prefect cancels a run that came while another went
_SAYS: Final = {
    "run-cancelled": "its run was cancelled in the Prefect UI",
    "run-suspended": "its run was suspended in the Prefect UI",
}


def told_by(state: State[object] | None) -> str:
    """`run-cancelled` or `run-suspended`, if a person told a run in this state to stop; else ""."""
    if state is None or _LIMIT_SAYS in (state.message or ""):
        return ""
    if state.is_paused():
        return "run-suspended"
    by_hand = state.is_cancelling() or (state.is_cancelled() and state.name == _BY_HAND)
    return "run-cancelled" if by_hand else ""


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
    with own:
        while not over.wait(EVERY_SECONDS):
            with contextlib.suppress(httpx.HTTPError, PrefectException, CohortError, OSError):
                if _heard(flow_run_id):
                    return


def _heard(flow_run_id: UUID) -> bool:
    """Ask once; whether the campaign stands still for it."""
    parts = wiring()
    parts.told_to_stop = parts.told_to_stop or ask(flow_run_id)
    if not parts.told_to_stop:
        return False
    parts.stop.set()
    return stop_campaign(parts)


def ask(flow_run_id: UUID) -> str:
    """What a person told this run; "": nothing, or nobody can be asked."""
    with quickly(), get_client(sync_client=True) as client:
        return told_by(client.read_flow_run(flow_run_id).state)


def stop_campaign(parts: Wiring) -> bool:
    """Pause the campaign of this process's run as it was told to; whether it stands still now."""
    if parts.campaign_id is None:
        return False
    return _paused(parts, parts.campaign_id, parts.told_to_stop)


def end_if_told(flow_run_id: UUID | str | None) -> None:
    """
    At the end of a run that sends: if a person told it to stop, its campaign is paused, whoever noticed first.

    Raises:
        NotWanted: it was cancelled: that is its last state, and nothing has failed
    """
    parts = stopped()
    if parts is None or flow_run_id is None:
        return
    with contextlib.suppress(httpx.HTTPError, PrefectException, CohortError, OSError):
        # A worker that cancels a run signals it too, and may be quicker than we ask
        parts.told_to_stop = parts.told_to_stop or ask(UUID(str(flow_run_id)))
        if parts.told_to_stop:
            stop_campaign(parts)
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


def heed_stops(parts: Wiring) -> list[int]:
    """Pause the campaigns whose runs were told to stop and could not do it themselves; which."""
    ours = FlowRunFilterTags(all_=[parts.installation.tag])
    told = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_STOPS)))
    with get_client(sync_client=True) as client:
        found = whole(
            client.read_flow_runs,
            flow_run_filter=FlowRunFilter(tags=ours, state=told),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        )
    stopped = []
    for run in found:
        code, number = told_by(run.state), _campaign_of(run.tags)
        if code and number is not None and run.state is not None:
            if _paused(parts, number, code, told_at=run.state.timestamp):
                stopped.append(number)
    return stopped


def _campaign_of(tags: list[str]) -> int | None:
    found = [match for tag in tags if (match := re.fullmatch(r"campaign-(\d+)", tag))]
    return int(found[0][1]) if found else None


def _paused(parts: Wiring, campaign_id: int, code: str, *, told_at: datetime | None = None) -> bool:
    """
    Pause it, if it could send; whether that was done now.

    told_at: when; a campaign that was let go or resumed after that is left. None: now
    """
    try:
        with parts.record.read() as connection:
            job = get_campaign(connection, campaign_id)
        since = max(filter(None, (job.created_at, job.released_at, job.resumed_at)))
        if job.state not in (states.RUNNING, states.SCHEDULED) or (told_at and told_at < since):
            return False
        pause(parts.record, parts.clock, campaign_id, by="system", reason=_SAYS[code], code=code)
    except (NotAllowed, NotFound):
        return False  # it has ended meanwhile, or another record has no such campaign
    return True
