"""The day's overview has each campaign that stands still or failed, and none that people stopped themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinic.message import states
from clinic.message.campaign.campaign import refuse
from clinic.message.outcomes.standing import campaigns_now
from clinic.record.database import Record
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


@pytest.mark.parametrize(
    ("code", "hours", "shown"),
    [
        ("list-refused", 3, True),
        ("over-cap", 3, True),
        ("list-refused", 25, False),
        ("not-confirmed", 3, False),
    ],
)
def test_a_list_that_was_stopped_last_night_is_there_in_the_morning(
    record: Record, clock: FakeClock, code: str, hours: int, shown: bool
) -> None:
    add_patients(record, 1)
    number = add_campaign(record, clock, 1, state=states.CHECKING, released_at=None)
    refuse(record, number, code)
    morning = clock.now() + timedelta(hours=hours)
    found = campaigns_now(record, morning, accepted_errors=0.3)
    assert [(each.id, each.bad) for each in found] == ([(number, True)] if shown else [])
