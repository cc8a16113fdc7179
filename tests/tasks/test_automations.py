"""NEW-12: what Prefect does by itself when campaigns halt one after the other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect.events.schemas.automations import EventTrigger

from clinic.message import states
from tasks.automations import repeated_halts
from tasks.events import HALTED, is_halt


def test_two_halts_within_an_hour_pause_what_would_send_next() -> None:
    wanted = repeated_halts()
    assert isinstance(wanted.trigger, EventTrigger)
    assert wanted.trigger.expect == {HALTED}
    assert (wanted.trigger.threshold, wanted.trigger.within) == (2, timedelta(hours=1))
    assert [action.type for action in wanted.actions] == ["pause-deployment"]


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
