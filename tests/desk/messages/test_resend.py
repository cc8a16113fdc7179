"""Try sending again at the desk: what failed, looked at first, and never anything twice."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.govern.people.facilities import set_facilities
from clinic.message.drafts.again import begin_again
from clinic.message.drafts.draft import new_key
from clinic.message.drafts.work import refuse_left
from clinic.record.schema.campaigns import draft
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import facility, patient
from tasks.wiring import Wiring
from tests.desk.compose.composing import Composer
from tests.desk.messages.test_messages import failed
from tests.main_job import Practice

AT = "/messages/1/resend"


@pytest.fixture
def sent(practice: Practice) -> Practice:
    """Campaign 1: of three messages 1 was delivered, two were refused."""
    practice.patients(3)
    failed(practice, 3)
    with practice.record.write() as connection:
        one = sa.update(message).where(message.c.row_number == 2)
        connection.execute(one.values(state="delivered", reason=None))
    return practice


def made(practice: Practice) -> list[Any]:
    """Campaigns that send failures again."""
    with practice.record.read() as connection:
        query = sa.select(campaign.c.id, campaign.c.resend_of, campaign.c.state, campaign.c.rows)
        return [tuple(row) for row in connection.execute(query.where(campaign.c.resend_of > 0))]


def test_only_what_failed_is_sent_again_and_looked_at_first(sent: Practice, parts: Wiring) -> None:
    """PAT-22, PAT-23: a delivered one is never sent twice, however often the button is pressed."""
    composer = Composer(parts)
    assert f'href="{AT}"' in composer.visitor.see("/messages/1").text
    page = composer.visitor.see(AT).text
    assert "2 messages failed and were not sent again yet" in page
    key = re.search(r'name="key" value="(.*?)"', page)
    assert key
    for _ in range(2):
        answer = composer.visitor.send(AT, {"key": key[1]}, seen_at=AT)
    assert len(made(sent)) == 1
    found = re.search(r"/messages/drafts/(\d+)/review", str(answer.url))
    assert found
    composer.number = int(found[1])
    composer.help()
    review = composer.see("review").text
    assert "Please book your check." in review
    composer.say_yes()
    composer.help()
    assert composer.started == [2]
    assert [(of, state, rows) for _, of, state, rows in made(sent)] == [(1, "running", 2)]
    with sent.record.read() as connection:
        rows = Counter(
            connection.scalars(sa.select(message.c.row_number).where(message.c.campaign_id == 2))
        )
    assert rows == {3: 1, 4: 1}
    assert "Nothing of it failed" in composer.visitor.see(AT).text


def test_what_is_not_there_or_was_sent_again_says_so(sent: Practice, parts: Wiring) -> None:
    """Two people press it: the second is told, and nobody is messaged twice."""
    first, second = Composer(parts), Composer(parts, "tegan")
    first.visitor.send(AT, {"key": new_key()}, seen_at=AT)
    answer = second.visitor.send(AT, {"key": new_key()}, seen_at="/messages/new")
    assert answer.status_code == 409
    assert "nothing of campaign 1 failed that was not sent again already" in answer.text
    assert len(made(sent)) == 1


@pytest.mark.parametrize("key", ["", "draft-x", "the-request"])
def test_a_key_that_the_desk_did_not_make_makes_nothing(
    sent: Practice, parts: Wiring, key: str
) -> None:
    """ASVS 2.3: a tampered form."""
    composer = Composer(parts)
    answer = composer.visitor.send(AT, {"key": key}, seen_at="/messages/new")
    assert answer.status_code == 409
    assert made(sent) == []


def test_anothers_key_opens_nothing_of_theirs(sent: Practice, parts: Wiring) -> None:
    """ASVS 8.2.2: whose draft it is stays theirs."""
    key = new_key()
    Composer(parts).visitor.send(AT, {"key": key}, seen_at="/messages/new")
    answer = Composer(parts, "tegan").visitor.send(AT, {"key": key}, seen_at="/messages/new")
    assert answer.status_code == 409


def test_killed_before_its_draft_is_there_the_rows_may_be_sent_again(
    sent: Practice, parts: Wiring
) -> None:
    """NEW-5: the campaign without a draft is refused, and its rows are failures as before."""
    composer = Composer(parts)
    key = new_key()
    number = begin_again(sent.record, sent.clock, parts.settings, 1, by="olwen", request_key=key)
    with sent.record.write() as connection:
        connection.execute(sa.delete(draft).where(draft.c.id == number))
    refuse_left(sent.record)
    assert "2 messages failed" in composer.visitor.see(AT).text


def test_who_is_tied_to_facilities_sends_nothing_of_others_again(
    sent: Practice, parts: Wiring
) -> None:
    """NEW-38."""
    with sent.record.write() as connection:
        rows = [{"id": 1, "code": "North", "name": "N"}, {"id": 2, "code": "South", "name": "S"}]
        connection.execute(facility.insert(), rows)
        connection.execute(sa.update(patient).values(facility_id=1))
    set_facilities(sent.record, sent.clock, name="olwen", codes=["south"], by="ada")
    composer = Composer(parts)
    assert composer.visitor.see(AT).status_code == 403
    answer = composer.visitor.send(AT, {"key": new_key()}, seen_at="/messages/new")
    assert answer.status_code == 403
    assert made(sent) == []
