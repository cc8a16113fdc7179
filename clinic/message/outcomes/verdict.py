"""
OK or Error: whether everyone who was to be messaged was reached (PAT-20). One rule for every place.

    OK      every message was taken by the gateway, and none of them failed
    Error   a message failed, nobody knows of one whether it left, or more of the list's rows have an
            error that somebody could fix than the settings accept (release.accepted_errors)

Rows that were rightly left out (deceased, opted out, twice in the list) are beside it: "565 not accepted".
A campaign that was not tried whole has no verdict: its state is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinic.cohort.outcomes import BEFORE, OUTCOMES
from clinic.message import states
from clinic.settings.campaigns import Release

OK: Final = "OK"
ERROR: Final = "Error"
KEPT_SAYS: Final = "kept in the outbox, not sent"
TO_KEEP_SAYS: Final = "for the outbox, not to be sent"
_NONE_YET: Final = frozenset(
    {
        states.CHECKING, states.AWAITING_APPROVAL, states.SCHEDULED, states.REFUSED, states.MISSED,
    }
)  # fmt: skip
_TRIED: Final = frozenset({states.COMPLETED, states.RECONCILING})


def verdict(
    state: str, counts: Mapping[str, int], *, accepted_errors: float = Release().accepted_errors
) -> str:
    """OK or Error of a campaign that was tried whole; else the state that it is in."""
    if state not in _TRIED:
        return state
    if _of_kind("failed", counts) or counts.get(states.UNKNOWN):
        return ERROR
    return ERROR if _of_kind("error", counts) > accepted_errors * sum(counts.values()) else OK


def not_accepted(counts: Mapping[str, int]) -> int:
    """Rows of the list that get no message, for whatever reason."""
    return sum(rows for code, rows in counts.items() if code in BEFORE and code != "accepted")


def status(says: str, left_out: int, *, kept: bool = False) -> str:
    """
    The verdict, with the rows that were not accepted beside it: "OK, 565 not accepted".

    kept: its messages are kept in the outbox; of what is refused or has not begun none is there
    """
    beside = [f"{left_out:,} not accepted"] if left_out and says in (OK, ERROR) else []
    if kept and says not in _NONE_YET:
        beside.append(KEPT_SAYS)
    elif kept and says not in (states.REFUSED, states.MISSED):
        beside.append(TO_KEEP_SAYS)
    return ", ".join([says, *beside])


def _of_kind(kind: str, counts: Mapping[str, int]) -> int:
    return sum(rows for code, rows in counts.items() if OUTCOMES[code].kind == kind)
