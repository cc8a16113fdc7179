"""Replies that are marked, dealt with and closed by named people; what "wrong number" and a death hold back."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, NotFound
from clinic.govern.people.operators import add_operator
from clinic.message.eligibility.decisions import write_consents
from clinic.message.eligibility.evidence import explain
from clinic.message.eligibility.held import held
from clinic.message.incoming.holds import count_undecided, decide_hold, list_holds
from clinic.message.incoming.inbox import RecordKeeper
from clinic.message.incoming.replies import (
    Wanted,
    apply_replies,
    keep_replies,
    list_replies,
    mark_old_replies,
)
from clinic.message.incoming.reply_work import assign, close, count_waiting, reopen
from clinic.message.incoming.shared_stop import decide, list_open
from clinic.message.words.marks import marks_of
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import reply
from clinic.settings import Replies
from tests.clinic.message.incoming.test_replies import (
    NUMBER,
    PHONES,
    consents,
    decisions,
    inbound,
    send,
)
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, message_states

OTHER = "+447700900002"
# What patients write, and the marks that it should have
SAID = [
    ("I've had chest pains since last night", "danger"),
    ("i cant breathe properly", "danger"),
    ("Don't want to live any more tbh", "danger"),
    ("Please be careful, he reads my phone", "danger"),
    ("Rwy'n methu anadlu", "danger"),
    ("Mae hi'n meddwl am hunanladdiad", "danger"),
    ("Sorry to tell you she died in August", "death"),
    ("My late husband's appointment, why do you write", "death"),
    ("Bu farw mam ym mis Mai", "death"),
    ("WRONG NUMBER!!", "wrong_number"),
    ("I just got this number last week, no one called Bethan here", "wrong_number"),
    ("Rhif anghywir", "wrong_number"),
    ("Pls dont text me again, write by letter only", "do_not_text"),
    ("Peidiwch â thecstio os gwelwch yn dda", "do_not_text"),
    ("Stop texting, my dad passed away, wrong person", "death wrong_number do_not_text"),
    ("Yes please, Friday is fine", ""),
    ("My phone died, sorry I missed you", ""),
    ("I'm not available on Tuesday, this is not convenient", ""),
    ("Running late, mum is parking", ""),
    ("No chest pain this week, thank you", ""),
    ("Diolch, wela i chi ddydd Llun", ""),
    ("Can you ring me about my results", ""),
    ("My son reads this phone, be careful", "danger"),
    ("I can't do it, I don't want to be here any more", "danger"),
    ("thinking about ending it all", "danger"),
    ("Peanuts. Allergic reaction, throat swelling", "danger"),
    ("you've got the wrong lady", "wrong_number"),
    ("Sorry, my dog died and I can't come", ""),
]


def test_replies_are_marked_by_words_in_english_and_welsh() -> None:
    texts = [text for text, _ in SAID]
    assert dict(zip(texts, marks_of(texts), strict=True)) == dict(SAID)


def test_a_practice_adds_words_of_its_own_and_says_which_mean_nothing() -> None:
    """Beside the program's, and never in their place."""
    words = Replies(add={"danger": ["blue lips", "bp # #"]}, harmless=["heart attack group"])
    texts = ["He has BLUE-lips", "bp 210 120", "The heart attack group on Monday", "chest pain"]
    assert marks_of(texts, words) == ["danger", "danger", "", "danger"]
    assert marks_of(texts) == ["", "", "danger", "danger"]


def test_a_reply_is_marked_by_the_practice_s_words_however_it_comes(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """Pulled, pushed, or from before there were marks; "death" holds as the program's own words do."""
    words = Replies(add={"death": ["gone to heaven"]})
    add_patients(sqlite_record, 1)
    said = inbound("Mam has gone to heaven")
    RecordKeeper(sqlite_record, clock, PHONES, words).keep_replies([said])
    with sqlite_record.write() as connection:
        old = sa.insert(reply).from_select(
            [
                "gateway",
                "event_id",
                "channel",
                "address",
                "text",
                "happened_at",
                "received_at",
                "patients",
            ],
            sa.select(
                reply.c.gateway,
                sa.literal("old"),
                reply.c.channel,
                reply.c.address,
                reply.c.text,
                reply.c.happened_at,
                reply.c.received_at,
                sa.literal(1),
            ),
        )
        connection.execute(old)
    apply_replies(sqlite_record, clock, PHONES, words)
    assert [one.marks for one in list_replies(sqlite_record)] == [("death",), ("death",)]
    assert count_undecided(sqlite_record) == 2  # the number, and its patient


def keep(record: Record, clock: FakeClock, *texts: str, sender: str = NUMBER) -> None:
    keep_replies(record, clock, [inbound(text, sender=sender) for text in texts], PHONES)


def acts(record: Record) -> list[tuple[str, str, int]]:
    c = audit_act.c
    which = c.operation_type.startswith("reply.") | c.operation_type.startswith("hold.")
    with record.read() as connection:
        rows = connection.execute(
            sa.select(c.operation_type, c.operator, c.subject_id).where(which).order_by(c.number)
        )
        return [(row[0], row[1], row[2]) for row in rows]


def test_a_reply_is_taken_given_closed_and_opened_again_by_name(
    record: Record, clock: FakeClock
) -> None:
    """Marked ones first, then the oldest; each step once on the trail; the note is not on it."""
    keep(record, clock, "Is it on Friday?", "stop", "I have chest pain", "Thanks")
    clock.sleep(7200)
    assert [r.text for r in list_replies(record)] == [
        "I have chest pain",
        "Is it on Friday?",
        "Thanks",
    ]
    waiting = count_waiting(record)
    assert (waiting.open, waiting.in_hand, waiting.marked) == (3, 0, 1)
    assert waiting.oldest == clock.now() - timedelta(hours=2)
    for _ in range(2):
        assign(record, clock, 3, "mia", by="ann")
        close(record, clock, [1, 4], "rung Mrs Jones", by="ann")
    assert [(r.id, r.state, r.owner) for r in list_replies(record)] == [(3, "in_hand", "mia")]
    assert [r.id for r in list_replies(record, Wanted(owner="mia"))] == [3]
    assert [r.id for r in list_replies(record, Wanted(mark="death"))] == []
    assert [r.id for r in list_replies(record, Wanted(state="done"))] == [1, 4]
    reopen(record, clock, 4, by="mia")
    assert [r.id for r in list_replies(record, Wanted(state="open"))] == [4]
    assert acts(record) == [
        ("reply.assigned", "ann", 3), ("reply.closed", "ann", 1), ("reply.closed", "ann", 4),
        ("reply.reopened", "mia", 4),
    ]  # fmt: skip
    with record.read() as connection:
        assert "Jones" not in repr(connection.execute(sa.select(audit_act)).all())
    with pytest.raises(NotFound):
        reopen(record, clock, 77, by="mia")
    with pytest.raises(NotAllowed):
        close(record, clock, [3], " ", by="mia")


def test_do_not_text_in_other_words_counts_like_stop_once_a_person_says_so(
    record: Record, clock: FakeClock
) -> None:
    add_patients(record, 2)
    keep(record, clock, "please dont text me again", sender=OTHER)
    apply_replies(record, clock, PHONES)
    assert (decisions(record), consents(record)) == ({}, [])
    close(record, clock, [1], "asked for letters", by="ann", opt_out=PHONES)
    assert decisions(record) == {OTHER: ("opt_out", "reply 1")}
    assert consents(record) == [(2, "opt_out", "staff")]


def test_an_opt_out_that_is_said_with_the_same_note_afterwards_counts(
    record: Record, clock: FakeClock
) -> None:
    """Closed without it first, or lifted by staff since; typed twice, it counts once."""
    add_patients(record, 2)
    keep(record, clock, "please dont text me again", sender=OTHER)
    apply_replies(record, clock, PHONES)
    close(record, clock, [1], "asked for letters", by="ann")
    assert decisions(record) == {}
    for _ in range(2):
        clock.sleep(60)
        close(record, clock, [1], "asked for letters", by="mia", opt_out=PHONES)
    assert decisions(record) == {OTHER: ("opt_out", "reply 1")}
    assert consents(record) == [(2, "opt_out", "staff")]
    closed = [("reply.closed", "ann", 1), ("reply.opted-out", "mia", 1)]
    assert acts(record) == closed

    clock.sleep(60)
    with record.write() as connection:
        given = {"channel": "sms", "purpose": "any", "decision": "opt_in", "source": "staff"}
        write_consents(connection, [{"patient_id": 2, "decided_at": clock.now(), **given}])
    clock.sleep(60)
    close(record, clock, [1], "asked for letters", by="ann", opt_out=PHONES)
    assert [said for _, said, _ in consents(record)] == ["opt_out", "opt_in", "opt_out"]
    assert acts(record) == [*closed, ("reply.opted-out", "ann", 1)]


def test_a_reply_from_a_shared_number_may_be_closed_as_an_opt_out_twice(
    record: Record, clock: FakeClock
) -> None:
    """
    Opened again in between: the number is stopped anew, so whoever was kept on it is asked about again, and
    nobody twice.
    """
    add_patients(record, 2)
    with record.write() as connection:
        connection.execute(sa.update(patient).values(mobile=OTHER))
    keep(record, clock, "no more texts please", sender=OTHER)
    apply_replies(record, clock, PHONES)
    close(record, clock, [1], "asked for letters", by="ann", opt_out=PHONES)
    decide(record, clock, 1, 2, "opt_in", by="ann")
    reopen(record, clock, 1, by="ann")
    clock.sleep(60)
    close(record, clock, [1], "asked for letters", by="ann", opt_out=PHONES)
    assert [one.patient_id for one in list_open(record)] == [1, 2]


def test_who_deals_with_a_reply_is_known_however_the_name_is_typed(
    record: Record, clock: FakeClock
) -> None:
    keep(record, clock, "Is it on Friday?")
    add_operator(record, clock, name="mia", role="admin", secret="long-enough-secret", by="mia")
    assign(record, clock, 1, " Mia", by="mia")
    assert [r.owner for r in list_replies(record, Wanted(owner="MIA"))] == ["mia"]


def test_old_replies_are_looked_for_by_an_index_and_without_writing(
    record: Record, clock: FakeClock
) -> None:
    keep(record, clock, "I have chest pain")
    with record.write() as connection:
        connection.execute(sa.update(reply).values(marks=None))
    assert mark_old_replies(record) == 1
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[record.dialect]
    with record.write() as connection:
        if record.dialect == "postgresql":  # of an empty table it would rather read all
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        query = "SELECT id, text, keyword FROM reply WHERE marks IS NULL ORDER BY id LIMIT 1000"
        plan = str(connection.execute(sa.text(explain + query)).all())
        assert "ix_reply_unmarked" in plan
        # Another writer at work: what only reads does not wait for it
        assert mark_old_replies(record) == 0


def test_a_wrong_number_is_sent_nothing_until_somebody_decides(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """In the transaction that keeps the reply; kept, it is taken off the record and stays blocked."""
    add_patients(record, 3)
    first = add_campaign(record, clock, 3)
    said = inbound("Wrong number, mate", event="same")
    for _ in range(2):
        keep_replies(record, clock, [said], PHONES)
    send(record, clock, tmp_path, first)
    assert message_states(record, first) == {"accepted": 2, "suppressed": 1}
    with record.read() as connection:
        row = connection.execute(sa.select(message).where(message.c.state == "suppressed")).one()
        assert (row.patient_id, row.reason, row.evidence) == (1, "held_by_reply", "held 1")
        told = explain(connection, ["held 1"], UTC)["held 1"]
    assert told.endswith("reply 1 says that the number is wrong")
    assert decide_hold(record, clock, 1, "kept", "rung him", by="mia", phones=PHONES) == 1
    with record.read() as connection:
        numbers = connection.scalars(sa.select(patient.c.mobile).order_by(patient.c.id)).all()
    assert numbers == [None, "+447700900002", "+447700900003"]
    assert listed(record, [(None, NUMBER), (2, OTHER)]) == ["held 1", ""]
    decide_hold(record, clock, 1, "released", "it is hers now", by="mia", phones=PHONES)
    assert listed(record, [(None, NUMBER), (2, OTHER)]) == ["", ""]
    assert acts(record) == [("hold.kept", "mia", 1), ("hold.released", "mia", 1)]
    with pytest.raises(NotFound):
        decide_hold(record, clock, 9, "kept", "why", by="mia", phones=PHONES)


def listed(record: Record, rows: list[tuple[int | None, str]]) -> list[str]:
    """What holds rows of a list back."""
    facts = pd.DataFrame(
        {
            "patient_id": pd.array([row[0] for row in rows], dtype="Int64"),
            "address": [row[1] for row in rows],
        }
    )
    with record.read() as connection:
        return held(connection, facts).tolist()


def test_after_a_death_everybody_it_may_be_waits_by_every_channel(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Whose number it is, and who was messaged by it: here by a list, at another's number."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    with record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.patient_id == 3).values(address=NUMBER)
        )
    send(record, clock, tmp_path, number)
    keep(record, clock, "she passed away last week")
    assert count_undecided(record) == 1
    apply_replies(record, clock, PHONES)
    apply_replies(record, clock, PHONES)
    assert [(h.address, h.own_id, h.why) for h in list_holds(record)] == [
        (NUMBER, None, "death"), (NUMBER, None, "death"), (NUMBER, None, "death"),
    ]  # fmt: skip
    everybody = [(1, "a@example.org"), (2, OTHER), (3, "+447700900009"), (None, NUMBER)]
    assert listed(record, everybody) == ["held 2", "", "held 3", "held 1"]
    for hold in (1, 3):
        decide_hold(record, clock, hold, "released", "it was her mother", by="mia", phones=PHONES)
    assert listed(record, everybody) == ["held 2", "", "", ""]
    decide_hold(record, clock, 2, "kept", "her son said so", by="mia", phones=PHONES)
    assert listed(record, everybody) == ["held 2", "", "", ""]
    assert count_undecided(record) == 0
    with record.read() as connection:  # a death takes no number off the record
        assert connection.scalar(sa.select(patient.c.mobile).where(patient.c.id == 1)) == NUMBER


def test_replies_of_before_are_marked_and_hold_nothing(
    sqlite_record: Record, clock: FakeClock
) -> None:
    keep(sqlite_record, clock, "Yes", "wrong number")
    with sqlite_record.write() as connection:
        connection.execute(sa.update(reply).values(marks=None))
    assert mark_old_replies(sqlite_record) == 2
    assert mark_old_replies(sqlite_record) == 0
    assert [r.marks for r in list_replies(sqlite_record)] == [("wrong_number",), ()]
