"""The embedded gateway: kept in the record once, and readable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.outbox import Kept, Outbox, read_outbox
from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.outbox import outbox
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger


def many(count: int) -> list[Outgoing]:
    return [Outgoing(i, f"+4477009{i:05d}", f"Dydd da {i} ŵ", None) for i in range(1, count + 1)]


def send(way_out: Outbox, key: str, messages: list[Outgoing]) -> Answer:
    only = frozenset(m.reference for m in messages)
    return way_out.send(key, messages, per_request=1000, only=only)


def kept(record: Record) -> int:
    with record.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one()


def test_what_is_sent_is_kept_delivered_and_readable(record: Record, clock: FakeClock) -> None:
    """NEW-39: the text stands once, in the ledger; the outbox bears witness that it is what was taken."""
    add_patients(record, 1)
    add_campaign(record, clock, 1)
    says = {"address": "sian@example.org", "subject": "Eich apwyntiad", "body": "Sut mae?"}
    with record.write() as connection:
        key = connection.scalar(sa.update(message).values(says).returning(message.c.id))
    assert key is not None
    way_out = Outbox(record, "email", clock=clock)
    answer = send(way_out, "k", [Outgoing(key, "sian@example.org", "Sut mae?", "Eich apwyntiad")])
    assert answer.results[key].delivered  # type: ignore[union-attr]
    assert read_outbox(record) == [
        Kept(key, "email", "sian@example.org", "Eich apwyntiad", "Sut mae?", clock.now(), same=True)
    ]


@pytest.mark.parametrize(
    "says", [{"address": "+447700900999"}, {"subject": ""}, {"body": "Hello 1."}]
)
def test_a_message_that_says_another_thing_now_is_seen(
    record: Record, clock: FakeClock, tmp_path: Path, says: dict[str, str]
) -> None:
    """NEW-41: what was taken, and not what the ledger came to say later."""
    add_patients(record, 2)
    add_campaign(record, clock, 2)
    deliver(make_ledger(record, clock, tmp_path), Outbox(record, "sms", clock=clock), 1, 1, 1)
    with record.write() as connection:
        connection.execute(sa.update(message).where(message.c.patient_id == 1).values(says))
    assert [one.same for one in read_outbox(record)] == [True, False]


def test_a_replay_keeps_nothing_twice(record: Record) -> None:
    """Class I: the same key is carried out once, and is answered the same."""
    way_out = Outbox(record, "sms")
    first = send(way_out, "k", many(1000))
    assert send(way_out, "k", many(1000)) == first
    assert kept(record) == 1000


def test_a_replay_answers_only_for_what_is_open(record: Record) -> None:
    way_out = Outbox(record, "sms")
    send(way_out, "k", many(3))
    answer = way_out.send("k", many(3), per_request=1000, only=frozenset([2]))
    assert answer.results.keys() == {2}


def test_two_workers_with_one_key_keep_it_once(record: Record) -> None:
    """A worker that was paused and the one that took over may both send: the key decides."""
    together = threading.Barrier(4)

    def work(_: int) -> Answer:
        way_out = Outbox(record, "sms")
        together.wait()
        return send(way_out, "k", many(200))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(work, range(4)))
    assert all(len(answer.results) == 200 for answer in answers)
    assert kept(record) == 200


def test_a_message_sent_under_two_keys_is_seen_twice(record: Record) -> None:
    """The outbox hides no mistake of ours: it is the oracle of the kill tests."""
    way_out = Outbox(record, "sms")
    send(way_out, "a", many(1))
    send(way_out, "b", many(1))
    assert [each.reference for each in read_outbox(record)] == [1, 1]


def test_a_submission_that_fails_half_way_leaves_nothing(record: Record) -> None:
    way_out = Outbox(record, "sms")
    faulty = [*many(10), Outgoing(99, None, "")]  # type: ignore[arg-type]  # no address
    with pytest.raises(Exception, match=r".") as caught:
        send(way_out, "k", faulty)
    assert "Dydd da" not in str(caught.value)
    assert kept(record) == 0
    assert len(send(way_out, "k", many(10)).results) == 10  # the key is still free


def test_reading_gives_the_newest_of_a_range(record: Record) -> None:
    way_out = Outbox(record, "sms")
    send(way_out, "a", many(5))
    assert [e.reference for e in read_outbox(record, limit=2, references=range(1, 4))] == [3, 2]


def test_closing_keeps_the_record_open(record: Record) -> None:
    Outbox(record, "sms").close()
    assert read_outbox(record) == []
