"""
A worker is asked to run what was asked for, by whoever sits at a page and does not wait for it.

What was asked for is in the record before this is called: where Prefect is away it stays there, and a
scheduled run (`settle`) carries on with it. Asked for twice, it is one run. Nothing here starts a server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from clinic.change.core.states import ENDED
from clinic.change.operations import get_operation
from clinic.errors import MendableError, NotAllowed
from clinic.govern.approvals.approvals import latest
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from tasks.processes import identity
from tasks.processes.environment import apply_environment

if TYPE_CHECKING:
    from clinic.record.database import Record
    from clinic.settings import Settings

_SAYS: Final = {
    "started": "A worker was asked to run it.",
    "resumed": "Its run goes on.",
    "under way": "Its run is under way.",
    "not begun": "Its run has not begun yet: it begins when a worker is free.",
    "approval": "It waits for another person: nothing runs before that.",
    "start": "It waits for its start: a scheduled run sends it then.",
}
_AWAY: Final = (
    "It is kept, and goes on by itself within minutes once Prefect's server and a worker run: {}"
)


@dataclass(frozen=True)
class Started:
    """
    went: "started", "resumed", "under way", "not begun"; "approval", "start": it waits for that; "away": no
        server answers, and it goes on by itself later
    says: a sentence of it; worker: whether one takes what is due, as far as is known
    """

    went: str
    says: str
    worker: bool = True


def start_run(record: Record, settings: Settings, campaign_id: int) -> Started:
    """
    Let a worker send a campaign that was confirmed. Again: nothing, while its run is there.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it has ended, or nobody confirmed it
    """
    with record.read() as connection:
        state = get_campaign(connection, campaign_id).state
        asked = latest(connection, subject="campaign", subject_id=campaign_id)
    if state == states.CHECKING:
        raise NotAllowed(
            "not-confirmed",
            f"nobody has said yes to campaign {campaign_id} yet: nothing of it is sent",
        )
    if state in states.ENDED:
        raise NotAllowed(
            "campaign-ended",
            f"campaign {campaign_id} is {state}: there is nothing to carry on with; "
            f"see: cohort show {campaign_id}",
        )
    if state == states.AWAITING_APPROVAL and not (asked and asked.state == "approved"):
        return Started("approval", _SAYS["approval"])
    if state == states.SCHEDULED:
        return Started("start", _SAYS["start"])

    def ask() -> str:
        from tasks.runs.going_on import campaign_goes_on

        return campaign_goes_on(
            record, campaign_id, flow_run_id=asked.flow_run_id if asked else None
        )

    return _asked(settings, ask)


def start_operation(record: Record, settings: Settings, operation_id: int) -> Started:
    """
    Let a worker go on with an operation that was asked for: it waits there, or does what was approved.

    Raises:
        NotFound: there is no such operation
        NotAllowed: it has ended
    """
    found = get_operation(record, operation_id)
    if found.state in ENDED:
        raise NotAllowed(
            "operation-ended",
            f"operation {operation_id} is {found.state} and does not go on; "
            f"see: cohort operations show {operation_id}",
        )
    return _asked(settings, partial(operation_goes_on, record, operation_id))


def operation_goes_on(record: Record, operation_id: int) -> str:
    """
    Ask Prefect for it; how it went, as in tasks/runs/going_on.py. Call `apply_environment` first.

    Raises:
        NotFound: there is no such operation
    """
    from tasks.runs import going_on

    kind = get_operation(record, operation_id).kind
    run = noted_run(record, operation_id)
    return going_on.operation_goes_on(operation_id, kind, flow_run_id=run)


def noted_run(record: Record, operation_id: int) -> str | None:
    """The run that an operation's request for approval knows; None: it knows none."""
    with record.read() as connection:
        asked = latest(connection, subject="operation", subject_id=operation_id)
    return asked.flow_run_id if asked else None


def _asked(settings: Settings, ask: Callable[[], str]) -> Started:
    """Ask Prefect for a moment; whatever is wrong there, nothing is lost."""
    apply_environment(settings)
    from prefect.exceptions import PrefectException  # which reads its environment once

    from tasks.guard.asking import quickly
    from tasks.prefect.polls import polling

    try:
        with quickly():
            went = ask()
    except (MendableError, PrefectException) as problem:
        says = getattr(problem, "says", f"no Prefect server answers ({type(problem).__name__})")
        return Started("away", _AWAY.format(says), worker=False)
    at = polling(settings, identity.read(settings))
    return Started(went, _SAYS[went], at.polls or at.worker)
