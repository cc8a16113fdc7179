"""What people read of an operation's state."""

from __future__ import annotations

from typing import Final

from clinic.change.core import states

STATES: Final = {
    states.REQUESTED: ("grey", "Stored"),
    states.PLANNED: ("grey", "Not asked for yet"),
    states.WAITING: ("yellow", "Waiting for approval"),
    states.APPROVED: ("green", "Approved"),
    states.RUNNING: ("blue", "Running"),
    states.DONE: ("green", "Done"),
    states.DONE_WITH_CONFLICTS: ("orange", "Done, some left as they were"),
    states.REJECTED: ("red", "Rejected"),
    states.EXPIRED: ("grey", "Expired"),
    states.WITHDRAWN: ("grey", "Withdrawn"),
    states.FAILED: ("red", "Failed, nobody changed"),
}
"""A tag's colour and its words."""
LIVELY: Final = frozenset({states.WAITING, states.APPROVED, states.RUNNING})
"""What changes without anybody at this page doing anything."""
