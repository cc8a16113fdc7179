"""
A run that goes on with a campaign: `settle` asks for it, and a worker's run that is told to stop in mid-send.

    reconciling       what can be sent now and nobody sends, every five minutes and when a worker starts
    a run that stops  the same at once: its successor waits for the next worker, which takes it up first of all

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import logging

from clinic.govern.approvals.approvals import latest
from clinic.message.prepare.due import attempts_of
from clinic.message.prepare.review import request_of
from tasks.guard.asking import quickly
from tasks.runs.going_on import campaign_goes_on, campaign_tag
from tasks.runs.heeding import wanted_campaigns
from tasks.runs.runs import is_waiting, start_deployment
from tasks.wiring import Wiring

_WAKE_SECONDS = 900  # asked for twice within so long, a run is started once


def wake_campaign(parts: Wiring, campaign_id: int) -> None:
    """Start a run that goes on with this campaign, unless one is still to start."""
    with parts.record.read() as connection:
        asked = latest(connection, subject="campaign", subject_id=campaign_id)
    if asked is not None and asked.state == "approved":  # a run of its own may wait for that
        campaign_goes_on(parts.record, campaign_id, flow_run_id=asked.flow_run_id)
        return
    _start(parts, campaign_id)


def leave_successors(parts: Wiring) -> list[int]:
    """Of a run that ends with work left: another goes on with each campaign that could be sent; which."""
    with quickly():
        found = wanted_campaigns(parts, logging.getLogger(__name__))
        for campaign_id in found:
            _start(parts, campaign_id)
    return found


def _start(parts: Wiring, campaign_id: int) -> None:
    if is_waiting(
        campaign_tag(campaign_id)
    ):  # while a queue is paused or no worker runs, they would pile up
        return
    with parts.record.read() as connection:
        progress = attempts_of(connection, campaign_id)
    turn = int(parts.clock.now().timestamp()) // _WAKE_SECONDS
    start_deployment(
        "message/message",
        {"request": request_of(parts.record, campaign_id).as_parameter()},
        # A run that got further and was stopped is followed at once; one that gets nowhere, each quarter
        key=f"wake-{campaign_id}-{turn}-{progress}",
        tag=campaign_tag(campaign_id),
        checked=False,
    )
