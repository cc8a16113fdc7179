"""The outreach card and the Outreach Report: every message sent, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.message import states
from clinic.message.outcomes import outreach
from clinic.message.outcomes.outreach import (
    Filter,
    find_patient,
    list_sent,
    list_waiting,
    outreach_card,
)
from clinic.message.outcomes.report import list_campaigns, show_campaign
from clinic.message.outcomes.save import save_batches
from clinic.message.timing.estimate import starts_at
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import clinical_item
from tests.campaigns import Fate, put_campaign, put_patient
from tests.fakes import FakeClock


def test_the_card_has_every_message_to_the_patient_newest_first(
    record: Record, clock: FakeClock
) -> None:
    """ARC-16, COM-8: the message, the number, date and time, the status."""
    put_patient(record, 5, nhs_number="9990000018", local_id="1001")
    first = put_campaign(record, clock, [Fate(state=states.DELIVERED, patient_id=5), Fate()])
    clock.sleep(60)
    second = put_campaign(record, clock, [Fate(state=states.ACCEPTED, patient_id=5)])
    card = outreach_card(record, 5)
    assert [sent.campaign_id for sent in card] == [second, first]
    assert card[0].sent_at == clock.now()
    assert (card[0].text, card[0].address) == ("Your flu jab is due.", "+447700900123")
    assert (card[0].nhs_number, card[0].list_name) == ("9990000018", "Flu 2026")


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (states.ACCEPTED, "Pending"),
        (states.UNKNOWN, "Pending"),
        (states.DELIVERED, "Sent Successfully"),
        (states.UNDELIVERED, "Send Failed"),
        (states.REJECTED, "Send Failed"),
        (states.EXPIRED, "Send Failed"),
        (states.EXHAUSTED, "Send Failed"),
    ],
)
def test_the_status_is_one_of_three_words(
    sqlite_record: Record, clock: FakeClock, state: str, word: str
) -> None:
    """COM-9: Pending, Sent Successfully or Send Failed, the last with its error."""
    put_campaign(sqlite_record, clock, [Fate(state=state, patient_id=5, error="no such number")])
    (sent,) = outreach_card(sqlite_record, 5)
    assert (sent.status, sent.error) == (word, "no such number")


@pytest.mark.parametrize("state", [states.SUPPRESSED, states.CANCELLED])
def test_what_was_never_sent_is_not_listed(
    sqlite_record: Record, clock: FakeClock, state: str
) -> None:
    put_campaign(sqlite_record, clock, [Fate(state=state, patient_id=5)])
    put_campaign(sqlite_record, clock, [Fate(state=states.DELIVERED, patient_id=5)], dry_run=True)
    assert outreach_card(sqlite_record, 5) == []


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        (states.CHECKING, False),
        (states.REFUSED, False),
        (states.CANCELLED_CAMPAIGN, False),
        (states.AWAITING_APPROVAL, True),
        (states.SCHEDULED, True),
        (states.PAUSED, True),
        (states.MISSED, True),
        (states.RUNNING, True),
    ],
)
def test_what_is_not_sent_yet_stands_apart_with_its_date_and_is_never_listed_as_sent(
    record: Record, clock: FakeClock, state: str, waits: bool
) -> None:
    """ARC-16, ARC-6: nothing has left, so nothing may read as Pending."""
    starts = clock.now() + timedelta(days=9)
    fate = Fate(state=states.PENDING, patient_id=5, body="On the ninth day.")
    number = put_campaign(record, clock, [fate], state=state, start_at=starts)
    assert outreach_card(record, 5) == list(list_sent(record)) == []
    found = [(w.campaign_id, w.text, w.not_before) for w in list_waiting(record, 5)]
    assert found == ([(number, "On the ninth day.", None)] if waits else [])
    if state == states.SCHEDULED:  # when, is asked where everybody asks
        assert starts_at(record, number, Timing(), clock.now()) == starts


def test_what_failed_before_it_left_has_a_date_and_what_is_wrong(
    record: Record, clock: FakeClock
) -> None:
    """COM-9: Send Failed with the error."""
    number = put_campaign(record, clock, [Fate(state=states.EXHAUSTED, patient_id=5)])
    with record.write() as connection:
        connection.execute(
            sa.update(message)
            .where(message.c.campaign_id == number)
            .values(sent_at=None, status_at=clock.now(), reason="tries_used_up")
        )
    (sent,) = outreach_card(record, 5)
    assert (sent.status, sent.sent_at) == ("Send Failed", clock.now())
    assert sent.error is not None
    assert "never accepted it" in sent.error
    tomorrow = clock.now() + timedelta(days=1)
    assert list(list_sent(record, Filter(sent_from=tomorrow))) == []
    assert len(list(list_sent(record, Filter(sent_before=tomorrow)))) == 1


def test_what_is_kept_in_the_outbox_is_not_called_sent(record: Record, clock: FakeClock) -> None:
    """NEW-13: nothing was sent, and every place says so: the card, its filter, counts, verdict, record."""
    fates = [Fate(state=states.DELIVERED, patient_id=put_patient(
        record, 5, nhs_number="9990000018", local_id="L5"))]  # fmt: skip
    number = put_campaign(record, clock, fates, gateway=states.OUTBOX)
    (kept,) = outreach_card(record, 5)
    assert kept.status == "Kept in the outbox, not sent"
    assert list(list_sent(record, Filter(status="Sent Successfully"))) == []
    assert list(list_sent(record, Filter(status="Kept in the outbox, not sent"))) == [kept]
    assert show_campaign(record, number).counts == {"kept_in_outbox": 1}
    assert list_campaigns(record)[0].status == "OK, kept in the outbox, not sent"
    save_batches(record, clock, number, 1, 1)
    with record.read() as connection:
        assert connection.scalars(sa.select(clinical_item.c.status)).all() == ["kept"]


def test_the_report_lists_all_messages_and_filters_by_their_bulk_outreach_id(
    record: Record, clock: FakeClock
) -> None:
    """ARC-17, ARC-18: all of them; filtering by the Bulk Outreach ID returns exactly that campaign's."""
    sizes = {
        put_campaign(record, clock, [Fate(state=states.DELIVERED)] * size): size for size in (2, 3, 1)
    }  # fmt: skip
    assert len(list(list_sent(record))) == 6
    for made, size in sizes.items():
        found = list(list_sent(record, Filter(campaign_id=made)))
        assert len(found) == size
        assert {sent.campaign_id for sent in found} == {made}


def test_the_report_filters_by_date_and_status(record: Record, clock: FakeClock) -> None:
    put_campaign(record, clock, [Fate(state=states.DELIVERED), Fate(state=states.REJECTED)])
    morning = clock.now()
    clock.sleep(86_400)
    later = put_campaign(record, clock, [Fate(state=states.DELIVERED)])
    next_day = morning + timedelta(hours=1)
    assert [s.campaign_id for s in list_sent(record, Filter(sent_from=next_day))] == [later]
    assert len(list(list_sent(record, Filter(sent_before=next_day)))) == 1
    assert [s.state for s in list_sent(record, Filter(status="Send Failed"))] == ["rejected"]


def test_more_messages_than_a_page_come_once_each(sqlite_record: Record, clock: FakeClock) -> None:
    put_campaign(sqlite_record, clock, [Fate(state=states.DELIVERED)] * (outreach.PAGE + 2))
    ids = [sent.id for sent in list_sent(sqlite_record)]
    assert len(ids) == len(set(ids)) == outreach.PAGE + 2


@pytest.mark.parametrize("known_as", ["9990000018", "999 000 0018", "1001"])
def test_a_patient_is_found_by_nhs_number_or_the_practices_id(
    record: Record, known_as: str
) -> None:
    put_patient(record, 5, nhs_number="9990000018", local_id="1001")
    with record.read() as connection:
        assert find_patient(connection, known_as) == 5


def test_an_unknown_patient_is_told_without_repeating_the_number(sqlite_record: Record) -> None:
    with sqlite_record.read() as connection, pytest.raises(NotFound) as error:
        find_patient(connection, "9990000999")
    assert "9990000999" not in str(error.value)
