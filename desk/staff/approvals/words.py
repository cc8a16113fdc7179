"""What is asked for, and how it stands, in the words of its people."""

from __future__ import annotations

from typing import Final

from clinic.change.kinds.table import KINDS, UNDO, title_of
from clinic.govern.approval_rows import Approval
from clinic.govern.people.roles import CLINICAL

_TITLES: Final = {
    "campaign": "Bulk message",
    CLINICAL: "Clinical bulk message",
    "notification": "Notice to staff",
    "setting": "Change of a setting",
    "retention": "Records whose time is over",
    "erasure": "Erasure of a patient's data",
    "restriction": "Restriction of a patient's data",
    "resend_unknown": "Sending again where delivery is unknown",
}
# The tag's colour, and its word
STATES: Final = {
    "waiting": ("yellow", "Waiting"),
    "approved": ("green", "Approved"),
    "used": ("green", "Approved, and begun"),
    "rejected": ("red", "Rejected"),
    "expired": ("grey", "Expired"),
    "void": ("grey", "Void"),
}
# What a request in this state is good for
MEANS: Final = {
    "expired": "Nobody decided, or nobody began, in time. Whoever wants it asks again.",
    "void": "What was to be decided has changed or was withdrawn since: this request is good for nothing.",
    "used": "An approval serves once, and this one has.",
}


def title_of_request(asked: Approval) -> str:
    """What somebody wants done."""
    if asked.kind in KINDS or asked.kind == UNDO:
        return title_of(asked.kind)
    return _TITLES.get(asked.kind, asked.kind)


def state_of(asked: Approval, *, late: bool) -> str:
    """Its state; one whose time is over has expired, though nobody wrote that down yet."""
    return "expired" if late and asked.state in ("waiting", "approved") else asked.state
