"""From when on a gateway is asked what it took."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.incoming.sent_since import require_since
from clinic.record.database import Record
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


def test_it_is_asked_from_well_before_the_first_doubt(record: Record, clock: FakeClock) -> None:
    """Its clock may be behind ours: what it took then must not count as not sent."""
    add_patients(record, 3)
    now, early = clock.now(), clock.now() - timedelta(days=1)
    with pytest.raises(NotAllowed, match="nothing-in-doubt"):
        require_since(record, "fake", None)
    assert require_since(record, "fake", early) == early
    add_campaign(record, clock, 3, state=states.HELD_CAMPAIGN, doubt_since=now, doubt_until=now)
    assert require_since(record, "fake", None) == now - timedelta(hours=1)
    assert require_since(record, "fake", now) == now - timedelta(hours=1)
    assert require_since(record, "fake", early) == early
