"""
Runs that send a campaign beside its own run: asked for when it is released, and again while it goes on.

    release ─► ask_beside       so many as `workers` says, as have something to do, and as do not go already
    reconcile ─► ask_missing    the same of what is under way: one was killed, or more are wanted
    a run beside                four senders, each of which claims whatever batch is free

A campaign never waits for them: where no server or no worker answers, its own run sends all of it.
A stop of any of them in the Prefect UI stops the campaign (told_to_stop.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import httpx
from prefect import get_run_logger
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import PrefectException

from clinic.errors import NotFound
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.sending.beside import last_batch, sent_by, shared_campaigns, wanted_beside
from clinic.message.sending.deliver import deliver
from clinic.message.states import ENDED
from clinic.values.text import counted
from tasks.guard.asking import quickly
from tasks.guard.decorators import may_mend_itself, task
from tasks.runs.going_on import runs_of
from tasks.runs.runs import start_deployment
from tasks.story.spans import Span
from tasks.wiring import Wiring, wiring

SENDERS: Final = (1, 2, 3, 4)  # of one run: flows/send_campaign.py
_DEPLOYMENT: Final = "send-beside/send-beside"
_SLOT: Final = re.compile(r"-slot-(\d+)-after-")
_AT_IT: Final = {StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING}


@task(name="ask-beside")
def ask_beside(campaign_id: int, released: list[Span]) -> list[Span]:
    """Ask for the runs that are to send this campaign beside this one; its batches."""
    log = get_run_logger()
    try:
        asked = ask_for(wiring(), campaign_id)
    except (httpx.HTTPError, PrefectException, NotFound, OSError) as error:
        # Nothing of the campaign depends on them
        log.warning("No run sends beside this one (%s): it sends all of it", type(error).__name__)
        return released
    if asked:
        log.info("%s asked for, to send beside this one", counted(asked, "more run", "more runs"))
    return released


def ask_missing() -> int:
    """Of each campaign under way: ask for the runs beside it that are not there; how many."""
    parts = wiring()
    return sum(ask_for(parts, number) for number in shared_campaigns(parts.record))


def ask_for(parts: Wiring, campaign_id: int) -> int:
    """
    Ask for as many runs as are wanted beside the campaign's own and are not there; how many.

    Each has a slot, so that asked twice at once it is the same runs, however far the campaign is by then.
    `settle` marks those that fell silent as crashed before it asks.
    """
    wanted = wanted_beside(parts.record, campaign_id, parts.clock.now(), parts.timing)
    if not wanted:
        return 0
    tag = tag_beside(campaign_id)
    with quickly():
        known = runs_of(tag)
        at_it = [run for run in known if run.state_type in _AT_IT]
        taken = {_slot(run) for run in at_it}
        missing = max(0, wanted - len(at_it))
        free = [slot for slot in range(1, wanted + 1) if slot not in taken][:missing]
        for slot in free:
            key = _key(tag, slot, [run for run in known if _slot(run) == slot])
            start_deployment(_DEPLOYMENT, {"campaign_id": campaign_id}, key=key, tag=tag)
    return len(free)


def _key(tag: str, slot: int, ended: Sequence[FlowRun]) -> str:
    """
    The same for whoever asks for a run in this slot after the same one ended, the newest first.

    By its id and not by how many there were (going_on.py): people and Prefect's vacuum remove runs.
    """
    return f"{tag}-slot-{slot}-after-{ended[0].id if ended else 'none'}"


def _slot(run: FlowRun) -> int | None:
    """Its slot, of which its key speaks; None: it was asked for before there were slots."""
    found = _SLOT.search(run.idempotency_key or "")
    return int(found[1]) if found else None


def tag_beside(campaign_id: int) -> str:
    """By which they are found; not the campaign's own, by which its own run is."""
    return f"beside-campaign-{campaign_id}"


@task(
    name="send-beside",
    task_run_name="sender-{sender}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=may_mend_itself,
)
def send_free(campaign_id: int, sender: int) -> int:
    """One of a run's senders: whatever batch is free, until none is; its number."""
    parts = wiring()
    parts.campaign_id = campaign_id
    last = last_batch(parts.record, campaign_id)
    first, *others = parts.gateways_of(campaign_id)
    deliver(parts.ledger(), first, campaign_id, 1, last, others=others)
    return sender


@task(name="count-beside")
def count_beside(campaign_id: int) -> str:
    """What this run has sent, in a sentence: the campaign's own run counts the whole."""
    parts = wiring()
    batches, messages = sent_by(parts.record, campaign_id, parts.worker.name)
    with parts.record.read() as connection:
        state = get_campaign(connection, campaign_id).state
    says = (
        f"{counted(messages, 'message')} in {counted(batches, 'batch', 'batches')} sent beside campaign "
        f"{campaign_id}'s own run"
    )
    if not messages:
        says = f"Nothing was left to send of campaign {campaign_id}"
    if state not in states.SENDING and state not in ENDED:
        says += f"; it is {state.replace('_', ' ')}: cohort show {campaign_id}"
    get_run_logger().info("%s", says)
    return says
