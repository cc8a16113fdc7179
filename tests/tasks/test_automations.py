"""NEW-12: what the automation waits for; which halts are news: tests/clinic/message/test_halting.py."""

from __future__ import annotations

from uuid import uuid4

from prefect.events.schemas.automations import EventTrigger

from tasks.automations import repeated_halts
from tasks.events import HALTED, HALTS_REPEAT


def test_the_automation_waits_for_campaigns_that_were_counted_and_not_for_events() -> None:
    """NEW-12: one campaign that halts again and again stops no other."""
    trigger = repeated_halts(uuid4()).trigger
    assert isinstance(trigger, EventTrigger)
    assert (trigger.expect, trigger.threshold) == ({HALTS_REPEAT}, 1)
    assert HALTED not in trigger.expect
