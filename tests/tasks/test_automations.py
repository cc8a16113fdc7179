"""NEW-12: which halts are told to automations; tests/flows/test_platform.py shows what they do."""

from __future__ import annotations

import pytest

from clinic.message import states
from tasks.events import is_halt


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        (states.PAUSED, "halted-failures", True),
        (states.PAUSED, "canary-failed", True),
        (states.PAUSED, "gateway-credentials", True),
        (states.PAUSED, "paused-by-person", False),
        (states.RUNNING, None, False),
        (states.CANCELLED_CAMPAIGN, "cancelled-by-person", False),
    ],
)
def test_what_people_do_is_no_halt(state: str, reason: str | None, told: bool) -> None:
    """NEW-12: only a campaign that paused itself is told to automations."""
    assert is_halt(state, reason) is told
