"""How a bulk message stands, in the words of the people who sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clinic.cohort.outcomes import BEFORE, OUTCOMES, TOGETHER
from clinic.message import states
from clinic.message.outcomes.next_steps import Step
from clinic.message.outcomes.report import CampaignLine
from clinic.message.outcomes.verdict import ERROR, OK

Tag = tuple[str, str]
"""What it says, and its colour in the design kit."""

_TAGS: Final[Mapping[str, Tag]] = {
    OK: ("OK", "green"),
    ERROR: ("Error", "red"),
    states.CHECKING: ("Not confirmed yet", "white"),
    states.REFUSED: ("Refused", "red"),
    states.AWAITING_APPROVAL: ("Waits for approval", "yellow"),
    states.SCHEDULED: ("Scheduled", "aqua-green"),
    states.RUNNING: ("Sending", "blue"),
    states.PAUSED: ("Paused", "orange"),
    states.HELD_CAMPAIGN: ("Held", "orange"),
    states.MISSED: ("Missed its start", "orange"),
    states.CANCELLED_CAMPAIGN: ("Cancelled", "grey"),
}
CHANNELS: Final[Mapping[str, str]] = {"sms": "Text message", "email": "E-mail", "voice": "Call"}
# Rows that are together in the picture, in its order; every outcome is in one of them
_SENT: Final[Mapping[str, str]] = {
    "delivered": "Delivered",
    TOGETHER: "Delivered",
    "sent": "Sent, no receipt yet",
    "would_be_sent": "Would be sent",
    "kept_in_outbox": "Kept in the outbox, not sent",
    "unknown": "Not known whether it left",
    "suppressed": "Left out at sending",
    "cancelled": "Cancelled",
    "waiting": "Not sent yet",
    "in_flight": "Not sent yet",
}
_FAILED: Final = "Failed"
_NOT_ACCEPTED: Final = "Not accepted"
_ORDER: Final = (*dict.fromkeys(_SENT.values()), _FAILED, _NOT_ACCEPTED)
_RED: Final = frozenset({_FAILED, _SENT["unknown"]})


@dataclass(frozen=True)
class Bar:
    """A bar of the picture: how many rows of the list; red: a person has to look there."""

    label: str
    number: int
    red: bool = False


def tags_of(line: CampaignLine) -> list[Tag]:
    """Its state, whether anything really leaves, and how its recall stands."""
    found = [_TAGS.get(line.verdict, (line.verdict.replace("_", " "), "grey"))]
    if line.dry_run:
        found.append(("Dry run", "purple"))
    if line.outbox:
        found.append(("Outbox: not sent", "purple"))
    if line.recall:
        found.append((f"Recall {line.recall}", "white"))
    return found


def bars_of(counts: Mapping[str, int]) -> list[Bar]:
    """The rows of the list, each in one bar: they add up to all of them."""
    found: dict[str, int] = {}
    for code, rows in counts.items():
        label = _label(code)
        found[label] = found.get(label, 0) + rows
    return [Bar(label, found[label], label in _RED) for label in _ORDER if found.get(label)]


def _label(code: str) -> str:
    if code in BEFORE:
        return _SENT["waiting"] if code == "accepted" else _NOT_ACCEPTED
    return _FAILED if OUTCOMES[code].kind == "failed" else _SENT[code]


def comes_next(state: str, steps: Sequence[Step], *, may_act: bool) -> str:
    """What happens now, or what somebody must do, in a sentence. may_act: whether this role may do it."""
    says = _next(state, steps)
    return says if may_act or "resend" not in steps else says.partition(" Send")[0]


def _next(state: str, steps: Sequence[Step]) -> str:
    if "allow" in steps:
        return (
            "All sending is stopped, and this would send: it goes on once somebody allows sending again "
            "(cohort sending status)."
        )
    if "resume" in steps:
        return "It stands still until somebody resumes or cancels it."
    if state == states.AWAITING_APPROVAL:
        if "approvals" in steps:
            return "Nothing is sent before another person approves it."
        return "It is approved, and goes on by itself as soon as a worker takes it up."
    if state == states.SCHEDULED:
        return "It is sent by itself at its time. Until then it can be cancelled."
    if state == states.CHECKING:
        return "Nobody has said yes to it: nothing of it is sent."
    if state == states.RUNNING:
        return (
            "It goes on by itself when its hours, its pace or its day allow."
            if "worker" in steps
            else "It is being sent. You need not wait here."
        )
    if "resolve" in steps:
        return (
            "Of some messages nobody knows whether they left. A receipt may still come; two people may "
            "resolve it (cohort unknown ask)."
        )
    if "resend" in steps:
        return "Some messages failed. Send those alone again, or contact these patients in another way."
    return "Nothing more happens by itself. Whoever was not reached is in the list to download."
