"""
A person says yes to a campaign: it goes at its time, or waits for another person where one must decide (NEW-1).

    checking ──► confirm ──► running | scheduled        released: any run, also a later one, sends it
                        └──► awaiting_approval          its approval is asked for, and confirmed by its sender
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.cohort.outcomes import AFTER
from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals import confirming
from clinic.govern.approvals.approvals import latest
from clinic.govern.people.operators import Operator
from clinic.govern.people.refused import require_right
from clinic.govern.tied import require_subject
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign, refuse
from clinic.message.campaign.counting import count_outcomes
from clinic.message.credit import require_credit
from clinic.message.prepare import approve
from clinic.message.prepare.content import require_accepted
from clinic.message.prepare.whole import judge_whole
from clinic.message.template.variables import setting_of
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import check_result, recipient
from clinic.settings import Settings


@dataclass(frozen=True)
class Confirmed:
    """
    What a yes led to.

    state: the campaign's: awaiting_approval, running, scheduled …
    asked: the request that waits for another person; None: nothing waits
    proven: whether its sender has confirmed that request, without which nobody can approve it
    """

    state: str
    asked: Approval | None = None
    proven: bool = False

    @property
    def waits(self) -> bool:
        """Whether another person must decide first."""
        return self.state == states.AWAITING_APPROVAL


def confirm(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    by: Operator | None = None,
    release: bool = True,
) -> Confirmed:
    """
    Let a staged campaign go, or ask for the approval that it needs. Again: the same.

    Args:
        by: who says yes, proven; their own request is confirmed with it. None: that is asked for elsewhere
        release: False where a run that follows at once releases it

    Raises:
        CohortRefused: nobody gets a message, something in the messages is not answered for, or it cannot be
            paid: it is closed
        NotAllowed: the sender's role may not ask for this, or this person may not send; or it is not prepared
            to its end
    """
    if by is not None:
        require_right(by, "send")
        with record.read() as connection:
            require_subject(connection, by.name, "campaign", campaign_id)
    _require_prepared(record, clock, settings, campaign_id)
    require_anybody(record, campaign_id)
    require_accepted(record, clock, settings, campaign_id)
    require_credit(record, clock, settings, campaign_id)
    needed = approve.ask(record, clock, settings, campaign_id, flow_run_id=None)
    if needed and approve.answer(record, clock, campaign_id) == "waiting":
        return _waits(record, clock, campaign_id, by)
    if release:
        approve.release_campaign(record, clock, settings, campaign_id, timing_of(settings))
    with record.read() as connection:
        return Confirmed(get_campaign(connection, campaign_id).state)


def _require_prepared(record: Record, clock: Clock, settings: Settings, campaign_id: int) -> None:
    """
    Nothing is decided over half a campaign: whoever prepares it may be at it still, or was stopped.

    What is found of it as a whole comes last, so it is judged once more.

    Raises:
        NotAllowed: rows are left to be checked or written
    """
    checked = sa.select(check_result.c.suite).where(
        check_result.c.campaign_id == campaign_id, check_result.c.suite == "list"
    )
    with record.write() as connection:
        job = get_campaign(connection, campaign_id)
        if job.state != states.CHECKING:
            return
        unwritten = sa.select(recipient.c.row_number).where(
            recipient.c.campaign_id == campaign_id,
            recipient.c.outcome == "accepted",
            recipient.c.row_number > job.staged_rows,
        )
        if not connection.scalar(checked) or connection.scalar(unwritten.limit(1)) is not None:
            raise NotAllowed(
                "campaign-state",
                f"campaign {campaign_id} is not checked and written to its end: nobody can decide over it yet",
            )
        judge_whole(connection, campaign_id, setting_of(settings, clock.now()))


def require_anybody(record: Record, campaign_id: int) -> None:
    """
    Go on with a campaign of which somebody gets a message; else close it, so that the list may be tried again.

    Raises:
        CohortRefused: no row can be messaged
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        if job.state != states.CHECKING or AFTER & count_outcomes(connection, campaign_id).keys():
            return
    refuse(record, campaign_id, "nobody-accepted")
    raise CohortRefused(
        "nobody-accepted",
        f"no row of this list can be messaged; see: cohort show {campaign_id} --errors-only",
    )


def _waits(record: Record, clock: Clock, campaign_id: int, by: Operator | None) -> Confirmed:
    found = waiting_request(record, campaign_id)
    if found is None:
        return Confirmed(states.AWAITING_APPROVAL)
    asked, proven = found
    if by is not None and not proven and asked.requested_by == by.name:
        confirming.confirm(record, clock, asked.id, by=by)
        proven = True
    return Confirmed(states.AWAITING_APPROVAL, asked, proven)


def waiting_request(record: Record, campaign_id: int) -> tuple[Approval, bool] | None:
    """A campaign's request that can still be decided, and whether it is confirmed; None: there is none."""
    with record.read() as connection:
        asked = latest(connection, subject="campaign", subject_id=campaign_id)
        if asked is None or asked.state != "waiting":
            return None
        return asked, confirming.is_confirmed(connection, asked)
