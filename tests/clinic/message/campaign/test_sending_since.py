"""What asks for days goes through the campaigns of those days alone, and finds what it found among all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message.campaign.counting import MATCH_WINDOW, first_message_since, sending_since
from clinic.message.eligibility.contact import recently_contacted
from clinic.message.outcomes.outreach import Filter, count_sent
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import patient
from clinic.settings import Contact
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import base_of

DAY = timedelta(days=1)


@pytest.fixture
def sent(record: Record, clock: FakeClock, tmp_path: Path) -> FakeClock:
    """Ten patients, and a campaign to all of them on each of 30 days; the clock on the last evening."""
    add_patients(record, 10)
    for _ in range(30):
        number = add_campaign(record, clock, 10)
        ledger = make_ledger(record, clock, tmp_path)
        deliver(ledger, FakeGateway(), number, 1, 1)
        assert summarize(record, clock, number).state == "completed"
        clock.sleep(DAY.total_seconds())
    return clock


@pytest.mark.parametrize(("days", "messages"), [(1, 10), (7, 70), (29, 290), (60, 300)])
def test_a_report_of_days_has_the_messages_of_those_days(
    record: Record, sent: FakeClock, days: int, messages: int
) -> None:
    """ARC-17."""
    now = sent.now()
    assert count_sent(record, Filter(sent_from=now - days * DAY)) == messages
    assert count_sent(record, Filter(sent_before=now - days * DAY)) == 300 - messages


@pytest.mark.parametrize(
    ("days", "most", "capped"), [(7, 6, 10), (7, 7, 0), (29, 28, 10), (1, 1, 0)]
)
def test_the_cap_counts_the_period_and_no_more(
    record: Record, sent: FakeClock, days: int, most: int, capped: int
) -> None:
    """NEW-8: a message of an earlier day is not counted; one within the period always is."""
    contact = Contact(most=most, days=days)
    query = recently_contacted(contact, sa.select(patient.c.id), sent.now())
    with record.read() as connection:
        assert len(connection.execute(query).all()) == capped


def test_a_campaign_that_has_not_ended_is_asked_however_old(
    record: Record, sent: FakeClock
) -> None:
    """NEW-8: one that was paused for weeks and goes on today sends today, with the lowest ids of all."""
    with record.write() as connection:
        first = campaign.c.id == 1
        connection.execute(sa.update(campaign).where(first).values(finished_at=None))
        since = sent.now() - DAY
        found = connection.scalars(sa.select(campaign.c.id).where(sending_since(since))).all()
        assert connection.scalar(sa.select(first_message_since(since))) == base_of(1)
    # And those that ended while a late answer may still have come
    assert sorted(found) == [1, *range(30 - MATCH_WINDOW.days, 31)]
