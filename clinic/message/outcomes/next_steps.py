"""What one would type next about a campaign: the same answer after every command that touches one."""

from __future__ import annotations

from collections.abc import Mapping

from clinic.message import states
from clinic.message.prepare.resend import FAILED

_STOPPED = frozenset({states.PAUSED, states.HELD_CAMPAIGN, states.MISSED})
_WOULD_SEND = frozenset({states.CHECKING, states.SCHEDULED, states.RUNNING})


def next_steps(
    campaign_id: int,
    state: str,
    counts: Mapping[str, int],
    *,
    resendable: bool = True,
    waits: bool = False,
    stopped: bool = False,
    askable: bool = False,
    approved: bool = False,
) -> list[str]:
    """
    The way on, the most useful first: to the end of the work, or to what a person must decide.

    Args:
        counts: its rows by outcome
        waits: whether it waits for its hours, its pace or its day: to run it now would send nothing
        stopped: whether sending as a whole is, and this would send: first it must be allowed
        approved: whether another person has approved it, so that nobody is waited for any more
        askable: whether a message is unknown so long that two people may resolve it
        resendable: whether its failures may be sent again: not those of a dry run or of a reminder
    """
    number = str(campaign_id)
    look, errors = f"cohort show {number}", f"cohort show {number} --errors-only"
    outcomes = f"cohort outcomes {number} --csv outcomes-{number}.csv"
    if state in _STOPPED or (stopped and state in _WOULD_SEND):
        on = "cohort sending status" if stopped else f"cohort resume {number}"
        return [look, on, f"cohort cancel {number}"]
    if (
        state == states.AWAITING_APPROVAL and approved
    ):  # a worker goes on with it, or whoever types this
        return ["cohort server status", f"cohort message --resume {number}", look]
    if state == states.AWAITING_APPROVAL:
        return [f"cohort review {number}", "cohort approvals"]
    if state == states.SCHEDULED:
        return [f"cohort review {number}", f"cohort cancel {number}"]
    if state == states.RUNNING and waits:  # whether anybody will send it then
        return ["cohort server status", look, f"cohort pause {number}"]
    if state in (states.CHECKING, states.RUNNING):
        return [f"cohort message --resume {number}", look]
    if state == states.RECONCILING and askable:
        return [errors, f'cohort unknown ask {number} --as sent --reason "…"', outcomes]
    if resendable and any(counts.get(code) for code in FAILED):
        return [errors, f"cohort resend {number}", outcomes]
    return [errors, outcomes, "cohort campaigns"]
