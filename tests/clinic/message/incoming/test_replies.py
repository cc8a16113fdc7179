"""NEW-5: STOP and START by the number, at once, for everybody who shares it; the latest wins."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.gateway.received import Inbound
from clinic.message.eligibility.decisions import Decision, decide_addresses, find_sharers, refused
from clinic.message.incoming.replies import apply_replies, keep_replies, list_replies
from clinic.message.incoming.shared_stop import list_open
from clinic.message.sending.deliver import deliver
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent, patient
from clinic.record.schema.receipts import address_decision
from clinic.settings import Phones
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

PHONES = Phones(test_range=True)
NUMBER = "+447700900001"  # of patient 1 of tests.ledgers
_events = itertools.count(1)


def inbound(
    text: str, *, sender: str = NUMBER, event: str | None = None, at: datetime | None = None
) -> Inbound:
    channel = "email" if "@" in sender else "sms"
    return Inbound("fake", event or f"r{next(_events)}", channel, sender, text, at)


def decisions(record: Record) -> dict[str, tuple[str, str]]:
    with record.read() as connection:
        rows = connection.execute(sa.select(address_decision)).all()
    return {row.address: (row.decision, row.evidence) for row in rows}


def consents(record: Record) -> list[tuple[int, str, str]]:
    with record.read() as connection:
        rows = connection.execute(
            sa.select(consent.c.patient_id, consent.c.decision, consent.c.source).order_by(
                consent.c.id
            )
        )
        return [(row[0], row[1], row[2]) for row in rows]


def send(record: Record, clock: FakeClock, folder: Path, number: int) -> FakeGateway:
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, folder), gateway, number, 1, 10)
    return gateway


def test_after_stop_nothing_leaves_to_that_number(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-5: read in the intent; the decision that left the patient out stands on the outcome."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    keep_replies(record, clock, [inbound(" Stop! ")], PHONES)
    send(record, clock, tmp_path, number)
    assert message_states(record, number) == {"accepted": 2, "suppressed": 1}
    with record.read() as connection:
        row = connection.execute(sa.select(message).where(message.c.state == "suppressed")).one()
    assert (row.patient_id, row.reason, row.evidence) == (1, "opted_out", "reply 1")


def test_a_patients_own_decision_is_named_as_what_left_them_out(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-5: the deciding consent's id is stored: the latest one, not the first."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    with record.write() as connection:
        for days, decision in ((3, "opt_out"), (2, "opt_in"), (1, "opt_out")):
            connection.execute(
                sa.insert(consent).values(
                    patient_id=2, channel="sms", decision=decision, source="staff",
                    decided_at=clock.now() - timedelta(days=days),
                )
            )  # fmt: skip
    send(record, clock, tmp_path, number)
    with record.read() as connection:
        found = connection.execute(
            sa.select(message.c.patient_id, message.c.evidence).where(
                message.c.state == "suppressed"
            )
        ).all()
    assert [tuple(row) for row in found] == [(2, "consent 3")]


def test_stop_holds_for_the_number_however_it_is_written(record: Record, clock: FakeClock) -> None:
    """NEW-5, NEW-27: nobody can say which of several adults sent it, so a person decides of each."""
    with record.write() as connection:
        insert_rows(
            connection,
            patient,
            ("id", "given_name", "family_name", "mobile"),
            [
                (1, "A", "A", "07700 900001"),
                (2, "B", "B", "+44 (0)7700-900 001"),
                (3, "C", "C", "0044 7700.900001"),
                (4, "D", "D", "07700 900002"),
                (5, "E", "E", None),
                (6, "F", "F", "900001"),
            ],
        )
    keep_replies(record, clock, [inbound("STOP")], PHONES)
    assert apply_replies(record, clock, PHONES) == 1
    assert decisions(record)[NUMBER][0] == "opt_out"
    assert consents(record) == []
    assert [one.patient_id for one in list_open(record)] == [1, 2, 3]
    assert apply_replies(record, clock, PHONES) == 0
    assert [reply.patients for reply in list_replies(record, keywords=True)] == [3]


def test_start_brings_everybody_on_the_number_back(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-5: the latest wins."""
    add_patients(record, 2)
    for word in ("STOP", "START"):
        keep_replies(record, clock, [inbound(word)], PHONES)
        apply_replies(record, clock, PHONES)
        clock.sleep(1)
    number = add_campaign(record, clock, 2)
    send(record, clock, tmp_path, number)
    assert message_states(record, number) == {"accepted": 2}


def test_the_latest_decision_wins_whatever_the_order_in_which_replies_come(
    record: Record, clock: FakeClock
) -> None:
    now = clock.now()
    stop = inbound("stop", at=now - timedelta(hours=2))
    start = inbound("start", at=now - timedelta(hours=1))
    for order in ([stop, start], [start, stop]):
        for one in order:
            keep_replies(record, clock, [one], PHONES)
    assert decisions(record)[NUMBER][0] == "opt_in"


def test_a_stop_that_the_gateway_repeats_later_does_not_undo_a_start(
    record: Record, clock: FakeClock
) -> None:
    stop = inbound("stop", event="same")
    keep_replies(record, clock, [stop], PHONES)
    clock.sleep(60)
    keep_replies(record, clock, [inbound("start")], PHONES)
    clock.sleep(60)
    assert keep_replies(record, clock, [stop], PHONES) == 0
    assert decisions(record)[NUMBER][0] == "opt_in"


def test_a_gateways_clock_that_runs_ahead_does_not_outlast_a_later_decision(
    record: Record, clock: FakeClock
) -> None:
    keep_replies(record, clock, [inbound("start", at=clock.now() + timedelta(days=9))], PHONES)
    clock.sleep(60)
    keep_replies(record, clock, [inbound("stop")], PHONES)
    assert decisions(record)[NUMBER][0] == "opt_out"


@pytest.mark.parametrize("hours", [-1, 1])
def test_staff_who_opt_a_patient_in_after_their_numbers_stop_are_obeyed(
    record: Record, clock: FakeClock, tmp_path: Path, hours: int
) -> None:
    add_patients(record, 1)
    keep_replies(record, clock, [inbound("stop")], PHONES)
    with record.write() as connection:
        connection.execute(
            sa.insert(consent).values(
                patient_id=1, channel="sms", decision="opt_in", source="staff",
                decided_at=clock.now() + timedelta(hours=hours),
            )
        )  # fmt: skip
    number = add_campaign(record, clock, 1)
    send(record, clock, tmp_path, number)
    assert message_states(record, number) == {"accepted" if hours > 0 else "suppressed": 1}


def test_somebody_who_is_not_in_the_record_is_heard_too(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-21, NEW-5: they have no consents; their number speaks for them."""
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    with record.write() as connection:
        connection.execute(sa.update(message).values(patient_id=-9990000018))
    keep_replies(record, clock, [inbound("stop")], PHONES)
    send(record, clock, tmp_path, number)
    assert message_states(record, number) == {"suppressed": 1}


def test_rows_of_a_list_are_left_out_by_what_their_number_decided(
    record: Record, clock: FakeClock
) -> None:
    add_patients(record, 3)
    with record.write() as connection:
        decide_addresses(
            connection,
            [Decision("sms", f"+4477009{n:05}", "opt_out", clock.now(), "reply 1") for n in (1, 2)],
        )
        connection.execute(
            sa.insert(consent).values(
                patient_id=2, channel="any", decision="opt_in", source="staff",
                decided_at=clock.now() + timedelta(hours=1),
            )
        )  # fmt: skip
    facts = pd.DataFrame(
        {
            "patient_id": pd.array([1, 2, 3, None, None], dtype="Int64"),
            "address": ["+447700900001", "+447700900002", "+447700900003", NUMBER, ""],
        },
        index=[2, 3, 4, 5, 6],
    )
    with record.read() as connection:
        found = refused(connection, facts, channel="sms", purpose="any")
        other = refused(connection, facts, channel="email", purpose="any")
    assert found.tolist() == ["reply 1", "", "", "reply 1", ""]
    assert not other.any()


def test_a_reply_that_is_no_keyword_is_kept_and_listed_and_decides_nothing(
    record: Record, clock: FakeClock
) -> None:
    """NEW-5: what a person should read is listed, oldest first; HELP too, keywords apart."""
    add_patients(record, 1)
    texts = ["Can I come on Friday?", "stop", "help", "cancel my appointment"]
    keep_replies(record, clock, [inbound(text) for text in texts], PHONES)
    apply_replies(record, clock, PHONES)
    assert [r.text for r in list_replies(record)] == [texts[0], texts[2], texts[3]]
    assert len(list_replies(record, keywords=True)) == 4
    assert [one[1] for one in consents(record)] == ["opt_out"]


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("+447700900001", NUMBER),
        ("447700900001", NUMBER),
        ("07700 900001", NUMBER),
        ("60777", "60777"),
        ("Ann@Example.ORG", "ann@example.org"),
    ],
)
def test_a_sender_is_kept_as_messages_have_addresses(
    sqlite_record: Record, clock: FakeClock, sender: str, address: str
) -> None:
    keep_replies(sqlite_record, clock, [inbound("stop", sender=sender)], PHONES)
    assert list(decisions(sqlite_record)) == [address]


def test_e_mail_addresses_are_shared_by_case_and_spaces(record: Record, clock: FakeClock) -> None:
    with record.write() as connection:
        insert_rows(
            connection,
            patient,
            ("id", "given_name", "family_name", "email"),
            [(1, "A", "A", "Ann@Home.uk"), (2, "B", "B", " ann@home.uk "), (3, "C", "C", "b@x.uk")],
        )
    with record.read() as connection:
        assert find_sharers(connection, "email", ["ann@home.uk"], PHONES) == {"ann@home.uk": [1, 2]}
        assert find_sharers(connection, "sms", [], PHONES) == {}
