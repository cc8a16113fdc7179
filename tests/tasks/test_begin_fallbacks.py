"""Issue 18 (5): the step of `settle` that begins campaigns by another channel, as a process is wired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.due import due_campaigns
from clinic.message.prepare.review import request_of
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from tasks.settle import begin_fallbacks
from tasks.wiring import Wiring, use
from tests.clinic.message.fallback.practices import TwoWays
from tests.fakes import FakeClock


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[TwoWays]:
    practice = TwoWays(sqlite_record, clock, tmp_path)
    yield practice
    use(None)


def test_what_is_begun_leaves_by_the_other_channels_gateway_and_is_due_at_once(
    practice: TwoWays, clock: FakeClock, tmp_path: Path
) -> None:
    practice.patient(1)
    practice.patient(2, mobile=None)
    practice.first(practice.everybody(2))
    parts = Wiring(practice.settings, practice.record, clock, Worker(tmp_path / "workers"))
    use(parts)
    (made,) = begin_fallbacks()
    assert begin_fallbacks() == []
    with practice.record.read() as connection:
        job = get_campaign(connection, made)
    assert (job.channel, job.gateway) == ("email", "smtp")
    assert job.batch_size == practice.settings.email.batch_limit
    assert due_campaigns(practice.record, clock.now(), parts.timing) == [made]
    # As the run that is started for it finds it again
    request = request_of(practice.record, made)
    assert request.fallback == "off"
    again = begin_campaign(
        practice.record, clock, practice.settings, request, request_key=request.request_key or "",
        gateway="smtp", batch_limit=50,
    )  # fmt: skip
    assert again == made
