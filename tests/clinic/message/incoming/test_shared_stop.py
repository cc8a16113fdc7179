"""NEW-27: STOP from a number that several patients have: the sender's at once, the others' by a person."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.gateway.received import Inbound
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.message.incoming.reply_work import close
from clinic.message.incoming.shared_stop import count_open, decide, list_open, who_is_meant
from clinic.message.incoming.unsubscribe import unsubscribe
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.lists import template_purpose
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import contact_hold
from clinic.record.schema.safety import safe_contact
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
    return family_of(sqlite_record, clock, tmp_path)


@pytest.fixture
def either(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """On SQLite and on PostgreSQL."""
    return family_of(record, clock, tmp_path)


def family_of(record: Record, clock: FakeClock, home: Path) -> Practice:
    practice = Practice(record, clock, home)
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


def test_a_mothers_stop_is_not_her_sons(either: Practice) -> None:
    """NEW-27: nothing goes to the number, and a person says that he is to be messaged on it all the same."""
    says(either, "STOP", "e1")
    assert consents(either) == [(1, "opt_out", "reply")]
    assert [(one.patient_id, one.keyword) for one in list_open(either.record)] == [(2, "stop")]
    assert left_out(either, "before") == ["opted_out", "opted_out"]
    either.clock.sleep(60)
    says(either, "Stop", "e2")
    assert (count_open(either.record), len(list_open(either.record))) == (1, 2)
    either.clock.sleep(60)
    for answered in (2, 0):
        found = decide(either.record, either.clock, 1, 2, "opt_in", by="nia")
        assert found == answered
    assert count_open(either.record) == 0
    assert left_out(either, "after") == ["opted_out", "accepted"]
    with pytest.raises(NotFound, match="stop-unknown"):
        decide(either.record, either.clock, 1, 1, "opt_in", by="nia")


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


OPTED_OUT_BEFORE: list[tuple[list[tuple[str, str]], dict[str, str]]] = [
    # what was decided for which purpose before, and what becomes of each once he is kept on the number
    ([("any", "opt_out")], {"care": "opted_out", "recall": "opted_out"}),
    ([("recall", "opt_out")], {"care": "accepted", "recall": "opted_out"}),
    ([("any", "opt_out"), ("recall", "opt_in")], {"care": "opted_out", "recall": "accepted"}),
    # A general yes that no named person took ends no objection to one purpose
    ([("recall", "opt_out"), ("any", "opt_in")], {"care": "accepted", "recall": "opted_out"}),
    (
        [("test_results", "opt_in"), ("care", "opt_out")],
        {"test_results": "opted_out", "recall": "accepted"},
    ),
    (
        [("care", "opt_out"), ("test_results", "opt_in")],
        {"test_results": "accepted", "care": "opted_out"},
    ),
    ([], {"care": "accepted", "recall": "accepted"}),
]


@pytest.mark.parametrize(("before", "after"), OPTED_OUT_BEFORE)
def test_to_keep_somebody_on_a_number_is_no_word_of_what_they_said_before(
    practice: Practice, before: list[tuple[str, str]], after: dict[str, str]
) -> None:
    """NEW-27, NEW-5: the STOP was his mother's; his own opt-out, for one purpose or all, stands."""
    with practice.record.write() as connection:
        for minute, (purpose, decision) in enumerate(before, start=1):
            practice.clock.sleep(60 * minute)
            connection.execute(
                sa.insert(consent).values(
                    patient_id=2, channel="sms", purpose=purpose, decision=decision, source="staff",
                    decided_at=practice.clock.now(),
                )
            )  # fmt: skip
    practice.clock.sleep(60)
    says(practice, "STOP", "e1")
    practice.clock.sleep(60)
    decide(practice.record, practice.clock, 1, 2, "opt_in", by="nia")
    found = {}
    for purpose in after:
        with practice.record.write() as connection:
            connection.execute(sa.update(template_purpose).values(purpose=purpose))
        judged = practice.judge(practice.everybody(2), request_key=purpose, again=True)
        found[purpose] = judged[3].split()[0]
    assert found == after


def need(practice: Practice, n: int, **values: object) -> None:
    given = {"patient_id": n, "set_by": "nia", "set_at": practice.clock.now(), **values}
    with practice.record.write() as connection:
        connection.execute(sa.insert(patient_need).values(given))


def safe(practice: Practice, n: int, number: str) -> None:
    """As staff say it: texts to this number alone."""
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(safe_contact).values(
                patient_id=n, sms=True, email=False, voice=True, number=number, reason="asked",
                source="staff", set_by="mia", set_at=practice.clock.now(),
            )
        )  # fmt: skip


def test_stop_from_the_number_that_is_safe_is_the_patients_own(practice: Practice) -> None:
    """NEW-26, NEW-27: it is on no record; once another number is named, it counts for that one too."""
    practice.patient(4, birth_date=MOTHER, mobile="07400 300777")
    safe(practice, 4, "+447400300100")
    with practice.record.write() as connection:
        connection.execute(sa.text("UPDATE patient SET mobile = NULL WHERE id IN (1, 2)"))
    says(practice, "STOP", "e1")
    assert consents(practice) == [(4, "opt_out", "reply")]
    assert count_open(practice.record) == 0


def test_stop_from_another_number_than_the_safe_one_is_for_a_person(practice: Practice) -> None:
    """NEW-26: somebody at home may have her phone, and she would never be told of a test again."""
    safe(practice, 1, "+447400300999")
    says(practice, "STOP", "e1")
    assert consents(practice) == []
    assert [one.patient_id for one in list_open(practice.record)] == [1, 2]


def test_a_proxys_stop_is_for_a_person(practice: Practice) -> None:
    """NEW-27, NEW-32: the daughter wants no texts herself, and is written to for her father."""
    practice.patient(4, birth_date=date(1940, 1, 1), mobile=None)
    practice.patient(5, birth_date=date(1940, 1, 1), mobile=None)
    need(practice, 4, proxy_mobile="07400-300 100", proxy_consent=True)
    need(practice, 5, proxy_mobile=HOME, proxy_consent=False)
    says(practice, "STOP", "e1")
    assert consents(practice) == [(1, "opt_out", "reply")]
    assert [one.patient_id for one in list_open(practice.record)] == [2, 4]


def test_one_click_in_an_email_to_two_is_neithers_own_word(practice: Practice) -> None:
    """NEW-27: the address gets nothing; whose click it was is not in the link."""
    practice.run(practice.everybody(1), channel="email")
    with practice.record.write() as connection:
        connection.execute(sa.update(message).values(greeting="neutral"))
    reference = practice.message_base(1) + 2
    assert unsubscribe(practice.record, practice.clock, reference)
    assert consents(practice) == []
    found = practice.judge(practice.everybody(1), request_key="next", channel="email", again=True)
    assert found[2].split()[0] == "opted_out"


def test_who_died_is_looked_for_before_anything_is_written(practice: Practice) -> None:
    """NEW-27: a look through all messages while another writer waits would hold up all that is sent."""
    with practice.record.write() as connection:
        connection.execute(sa.text("UPDATE patient SET mobile = '07400 300100' WHERE id = 1"))
    practice.run(practice.everybody(1))
    with practice.record.write() as connection:
        connection.execute(sa.text("UPDATE patient SET mobile = NULL"))
    said: list[str] = []

    def hear(*words: object) -> None:
        said.append(str(words[2]))

    keep_replies(
        practice.record, practice.clock,
        [Inbound("fake", "e1", "sms", "+447400300100", "My mother has died", None)], PHONES,
    )  # fmt: skip
    sa.event.listen(practice.record.engine, "before_cursor_execute", hear)
    apply_replies(practice.record, practice.clock, PHONES)
    sa.event.remove(practice.record.engine, "before_cursor_execute", hear)
    looks = next(n for n, words in enumerate(said) if "FROM message" in words)
    assert looks < said.index("BEGIN IMMEDIATE")
    with practice.record.read() as connection:
        held = connection.scalars(sa.select(contact_hold.c.patient_id)).all()
    assert sorted(held) == [0, 1]
