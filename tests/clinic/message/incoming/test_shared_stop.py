"""NEW-27: STOP from a number that several patients have: the sender's at once, the others' by a person."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.gateway.incoming.parse import Inbound
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.message.incoming.reply_work import close
from clinic.message.incoming.shared_stop import count_open, decide, list_open, who_is_meant
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.settings import Phones
from tests.fakes import FakeClock
from tests.main_job import Practice

TODAY = date(2026, 3, 2)
MOTHER, SON, TEEN = date(1988, 7, 1), date(2018, 9, 9), date(2012, 1, 1)
HOME = "07400 300100"
PHONES = Phones()


@pytest.mark.parametrize(
    ("born", "at_once", "by_a_person"),
    [
        ({1: MOTHER}, (1,), ()),
        ({1: SON}, (1,), ()),
        ({1: MOTHER, 2: SON, 3: TEEN}, (1,), (2, 3)),
        ({1: SON, 2: MOTHER}, (2,), (1,)),
        ({1: None, 2: SON}, (1,), (2,)),
        ({1: MOTHER, 2: None}, (), (1, 2)),
        ({1: MOTHER, 2: MOTHER, 3: SON}, (), (1, 2, 3)),
        ({1: SON, 2: TEEN}, (), (1, 2)),
        ({1: date(2010, 3, 2), 2: date(2010, 3, 3)}, (1,), (2,)),
        ({}, (), ()),
    ],
)
def test_whose_stop_it_was(
    born: dict[int, date | None], at_once: tuple[int, ...], by_a_person: tuple[int, ...]
) -> None:
    """NEW-27: who cannot be told apart is asked about by a person."""
    found = who_is_meant(born, TODAY)
    assert (found.at_once, found.by_a_person) == (at_once, by_a_person)


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patient(1, birth_date=MOTHER, mobile=HOME)
    practice.patient(2, birth_date=SON, mobile="+44 7400 300100")
    practice.patient(3, birth_date=MOTHER, mobile=HOME, death_date=date(2025, 1, 1))
    return practice


def says(practice: Practice, text: str, event: str) -> None:
    one = Inbound("fake", event, "sms", "+447400300100", text, None)
    keep_replies(practice.record, practice.clock, [one], PHONES)
    apply_replies(practice.record, practice.clock, PHONES)


def consents(practice: Practice) -> list[tuple[int, str, str]]:
    query = sa.select(consent.c.patient_id, consent.c.decision, consent.c.source)
    with practice.record.read() as connection:
        return [
            (row[0], row[1], row[2]) for row in connection.execute(query.order_by(consent.c.id))
        ]


def left_out(practice: Practice, key: str) -> list[str]:
    """Outcomes at the check of the mother and her son."""
    return [
        one.split()[0]
        for one in practice.judge(practice.everybody(2), request_key=key, again=True).values()
    ]


def test_a_mothers_stop_is_not_her_sons(practice: Practice) -> None:
    """NEW-27: nothing goes to the number, and a person says that he is to be messaged on it all the same."""
    says(practice, "STOP", "e1")
    assert consents(practice) == [(1, "opt_out", "reply")]
    assert [(one.patient_id, one.keyword) for one in list_open(practice.record)] == [(2, "stop")]
    assert left_out(practice, "before") == ["opted_out", "opted_out"]
    practice.clock.sleep(60)
    says(practice, "Stop", "e2")
    assert (count_open(practice.record), len(list_open(practice.record))) == (1, 2)
    practice.clock.sleep(60)
    for answered in (2, 0):
        found = decide(practice.record, practice.clock, 1, 2, "opt_in", by="nia")
        assert found == answered
    assert count_open(practice.record) == 0
    assert left_out(practice, "after") == ["opted_out", "accepted"]
    with pytest.raises(NotFound, match="stop-unknown"):
        decide(practice.record, practice.clock, 1, 1, "opt_in", by="nia")


def test_a_start_makes_the_question_idle_and_asks_of_whom_it_does_not_bring_back(
    practice: Practice,
) -> None:
    """NEW-27: a person opted the son out since; his mother's START is no word of that."""
    says(practice, "STOP", "e1")
    practice.clock.sleep(60)
    says(practice, "START", "e2")
    assert count_open(practice.record) == 0
    practice.decides(2, "opt_out")
    practice.clock.sleep(60)
    says(practice, "start", "e3")
    assert [(one.patient_id, one.keyword) for one in list_open(practice.record)] == [(2, "start")]
    decide(practice.record, practice.clock, 3, 2, "opt_out", by="nia")
    assert consents(practice)[-1] == (2, "opt_out", "staff")


def test_what_a_person_reads_as_stop_is_taken_as_one(practice: Practice) -> None:
    """NEW-27: closed as an opt-out, in other words than STOP."""
    says(practice, "please leave us in peace", "e1")
    close(practice.record, practice.clock, [1], "asked for none", by="nia", opt_out=PHONES)
    assert consents(practice) == [(1, "opt_out", "staff")]
    assert [one.patient_id for one in list_open(practice.record)] == [2]
