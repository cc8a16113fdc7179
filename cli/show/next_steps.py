"""What one would type next about a campaign: the same answer after every command that touches one."""

from __future__ import annotations

from collections.abc import Mapping

from clinic.message import states
from clinic.message.resend import FAILED

_STOPPED = frozenset({states.PAUSED, states.HELD_CAMPAIGN, states.MISSED})


def next_steps(
    campaign_id: int,
    state: str,
    counts: Mapping[str, int],
    *,
    resendable: bool = True,
    waits: bool = False,
) -> list[str]:
    """
    The way on, the most useful first: to the end of the work, or to what a person must decide.

    Args:
        counts: its rows by outcome
        waits: whether it waits for its hours, its pace or its day: to run it now would send nothing
        resendable: whether its failures may be sent again: not those of a rehearsal or of a reminder
    """
    number = str(campaign_id)
    look, errors = f"cohort show {number}", f"cohort show {number} --errors-only"
    outcomes = f"cohort outcomes {number} --csv outcomes-{number}.csv"
    if state in _STOPPED:
        return [look, f"cohort resume {number}", f"cohort cancel {number}"]
    if state == states.AWAITING_APPROVAL:
        return [f"cohort review {number}", "cohort approvals"]
    if state == states.SCHEDULED:
        return [f"cohort review {number}", f"cohort cancel {number}"]
    if state == states.RUNNING and waits:  # whether anybody will send it then
        return ["cohort server status", look, f"cohort pause {number}"]
    if state in (states.CHECKING, states.RUNNING):
        return [f"cohort message --resume {number}", look]
    if state == states.RECONCILING and counts.get(states.UNKNOWN):
        unknown = f'cohort unknown ask {number} --as sent --reason "…"'
        return [errors, f"{unknown}  (after 72 hours)", outcomes]
    if resendable and any(counts.get(code) for code in FAILED):
        return [errors, f"cohort resend {number}", outcomes]
    return [errors, outcomes, "cohort campaigns"]
