"""
What stands between a staged campaign and its first message: its size, another person, its time.

Each is one call into `clinic`. What a campaign waits for is in the record, not in a process: a run that
waits for a person is suspended, one that waits for its time has ended, and another is started then.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from prefect.runtime import deployment, flow_run

from clinic.errors import NotAllowed
from clinic.message.prepare import approve
from tasks.guard.decorators import NotWanted, task
from tasks.guard.while_away import WHILE_AWAY, while_away
from tasks.prefect import events
from tasks.runs.waiting import wait_until
from tasks.show import campaign
from tasks.show.telling import tell
from tasks.show.waiting import show_waiting_campaign
from tasks.story import leaving
from tasks.story.spans import Span
from tasks.wiring import wiring

# What ended it before it began, and the name of its run's state
_NOT_WANTED: Final = {"rejected": "Rejected", "expired": "Expired", "cancelled": "Withdrawn"}


def wait_for_approval(campaign_id: int, batches: list[Span]) -> list[Span]:
    """
    Go on if the campaign needs no second approver, or has one; otherwise end this process until it has.

    Raises:
        NotWanted: it was rejected or cancelled, or nobody decided in time
        NotAllowed: nobody could start this run again
    """
    parts = wiring()
    # A run that no deployment started cannot be started again: whoever asks for due campaigns does it
    own = flow_run.get_id() if deployment.id else None
    ask = partial(approve.ask, parts.record, parts.clock, parts.settings, campaign_id)
    needed = while_away(partial(ask, flow_run_id=own))

    def answer() -> str:
        return while_away(partial(approve.answer, parts.record, parts.clock, campaign_id))

    tell(lambda connection: leaving.approval(connection, parts.settings, campaign_id))
    if needed and answer() == "waiting":
        events.approval_waits(campaign_id)
        steps = show_waiting_campaign(campaign_id)
        if own is None:
            raise NotAllowed(
                "approval-waiting",
                f"campaign {campaign_id} waits for another person: {steps}; "
                f"then: cohort message --resume {campaign_id}",
            )
    # Prefect's own limit is the later one: who comes too late is told by our table
    limit = timedelta(hours=parts.settings.release.approval_hours + 1)
    wait_until(lambda: answer() != "waiting", at_most=limit)
    if (found := answer()) in _NOT_WANTED:
        with parts.record.read() as connection:
            says = approve.why_refused(connection, campaign_id, noted=False)
        raise NotWanted(f"campaign-{found}", says, _NOT_WANTED[found])
    return batches


@task(name="release", **WHILE_AWAY)
def release(campaign_id: int, batches: list[Span]) -> list[Span]:
    """Let the campaign go, at its time; its batches."""
    parts = wiring()
    approve.release_campaign(parts.record, parts.clock, parts.settings, campaign_id, parts.timing)
    campaign.start_progress(campaign_id)
    now = parts.clock.now()
    tell(
        lambda connection: leaving.released(
            connection, parts.settings, parts.timing, campaign_id, now
        )
    )
    return batches
