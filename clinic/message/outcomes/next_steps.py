"""What one would do next about a campaign: the same answer after every command and on every page about one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from clinic.message import states
from clinic.message.prepare.resend import FAILED

Step = Literal[
    "look", "errors", "outcomes", "allow", "resume", "cancel", "worker", "carry-on", "review", "approvals",
    "pause", "resolve", "resend", "campaigns",
]  # fmt: skip
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
    """What one would type next, the most useful first. Its arguments are those of `steps`."""
    found = steps(
        state, counts, resendable=resendable, waits=waits, stopped=stopped, askable=askable,
        approved=approved,
    )  # fmt: skip
    typed = _commands(str(campaign_id))
    return [typed[step] for step in found]


def _commands(number: str) -> dict[Step, str]:
    """Each step as it is typed."""
    return {
        "look": f"cohort show {number}",
        "errors": f"cohort show {number} --errors-only",
        "outcomes": f"cohort outcomes {number} --csv outcomes-{number}.csv",
        "allow": "cohort sending status",
        "resume": f"cohort resume {number}",
        "cancel": f"cohort cancel {number}",
        "worker": "cohort server status",
        "carry-on": f"cohort message --resume {number}",
        "review": f"cohort review {number}",
        "approvals": "cohort approvals",
        "pause": f"cohort pause {number}",
        "resolve": f'cohort unknown ask {number} --as sent --reason "…"',
        "resend": f"cohort resend {number}",
        "campaigns": "cohort campaigns",
    }


def steps(
    state: str,
    counts: Mapping[str, int],
    *,
    resendable: bool = True,
    waits: bool = False,
    stopped: bool = False,
    askable: bool = False,
    approved: bool = False,
) -> list[Step]:
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
    if state in _STOPPED or (stopped and state in _WOULD_SEND):
        return ["look", "allow" if stopped else "resume", "cancel"]
    if (
        state == states.AWAITING_APPROVAL and approved
    ):  # a worker goes on with it, or whoever types this
        return ["worker", "carry-on", "look"]
    if state == states.AWAITING_APPROVAL:
        return ["review", "approvals"]
    if state == states.SCHEDULED:
        return ["review", "cancel"]
    if state == states.RUNNING and waits:  # whether anybody will send it then
        return ["worker", "look", "pause"]
    if state in (states.CHECKING, states.RUNNING):
        return ["carry-on", "look"]
    if state == states.RECONCILING and askable:
        return ["errors", "resolve", "outcomes"]
    if resendable and any(counts.get(code) for code in FAILED):
        return ["errors", "resend", "outcomes"]
    return ["errors", "outcomes", "campaigns"]
