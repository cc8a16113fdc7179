"""
NEW-12: what the automation waits for; which halts are news:
tests/clinic/message/campaign/test_circuit_breaker.py.
"""

from __future__ import annotations

from uuid import uuid4

from prefect.events.schemas.automations import EventTrigger

from tasks.prefect.automations import repeated_halts
from tasks.prefect.events import HALTED, HALTS_REPEAT
from tasks.processes.identity import Installation

OURS = Installation("3f2a9c1b-7d10-4a5e-9c1e-0123456789ab", "Oakfield & Sons")


def test_the_automation_waits_for_campaigns_that_were_counted_and_not_for_events() -> None:
    """NEW-12: one campaign that halts again and again stops no other."""
    trigger = repeated_halts(OURS, uuid4()).trigger
    assert isinstance(trigger, EventTrigger)
    assert (trigger.expect, trigger.threshold) == ({HALTS_REPEAT}, 1)
    assert HALTED not in trigger.expect


def test_it_hears_of_its_own_installations_halts_alone() -> None:
    """Campaign 7 of one practice and campaign 8 of another are not two of one."""
    trigger = repeated_halts(OURS, uuid4()).trigger
    assert isinstance(trigger, EventTrigger)
    theirs = {"prefect.resource.id": "cohort.campaigns", "cohort.installation": "99999999"}
    assert trigger.match.matches(theirs | {"cohort.installation": "3f2a9c1b"})
    assert not trigger.match.matches(theirs)
    assert not trigger.match.matches({"prefect.resource.id": "cohort.campaigns"})
