"""
COM-6, ACX-34, item 18.1: receipts that name the gateway's ids alone find their message, or nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken
from clinic.gateway.received import Receipt, Said
from clinic.message import states
from clinic.message.incoming.apply_receipts import NAME_WINDOW, apply_receipts
from clinic.message.incoming.forget import forget_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import keep_late_answer, keep_receipts
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.govern import legal_hold
from clinic.record.schema.messages import batch, message
from clinic.record.schema.receipts import message_part, receipt_inbox
from clinic.settings import Receipts
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id


class NamesParts:
    """A blind gateway that gives its own ids, one a part; None: it does not answer for a message."""

    name = "fake"
    channel = "sms"
    gateway_class: GatewayClass = "B"
    window = None
    batch_limit = 50
    per_request = 1

    def __init__(self, *ids: tuple[str, ...] | None) -> None:
        self.ids = ids

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        return Answer(
            {
                m.reference: Taken(ids[0], parts=ids)
                for m, ids in zip(messages, self.ids, strict=True)
                if ids is not None
            }
        )

    def close(self) -> None:
        """There is nothing to give back."""


def mobile(n: int) -> str:
    return f"+4477009{n:05}"


def message_states(record: Record) -> list[str]:
    """The states of all messages, in their order."""
    with record.read() as connection:
        return list(connection.scalars(sa.select(message.c.state).order_by(message.c.id)))


def sent(record: Record, folder: Path, *ids: tuple[str, ...] | None) -> FakeClock:
    """A campaign to as many people as there are ids, sent."""
    clock = FakeClock()
    add_patients(record, len(ids))
    number = add_campaign(record, clock, len(ids))
    deliver(make_ledger(record, clock, folder), NamesParts(*ids), number, 1, 1)
    return clock


def said(
    record: Record,
    clock: FakeClock,
    ref: str,
    outcome: Said = "delivered",
    *,
    to: int = 1,
    **more: object,
) -> None:
    """A receipt of that id comes in and is applied."""
    one = Receipt(
        "fake", f"{ref} {outcome} {to} {more}", None, outcome,
        "absent_subscriber" if outcome == "undelivered" else None,
        gateway_ref=ref, recipient=mobile(to), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    keep_receipts(record, clock, [one])
    apply_receipts(record, clock)


def inbox(record: Record) -> list[tuple[str, int | None, str | None]]:
    with record.read() as connection:
        own = receipt_inbox.c
        rows = connection.execute(
            sa.select(own.state, own.reference, own.recipient).order_by(own.id)
        )
        return [tuple(row) for row in rows]


@pytest.mark.parametrize(("answer", "receipt"), [("1a", "1a"), ("1a", "26"), ("26", "1a")])
def test_a_receipt_finds_its_message_in_any_base(
    record: Record, tmp_path: Path, answer: str, receipt: str
) -> None:
    clock = sent(record, tmp_path, (answer,), ("ff",))
    said(record, clock, receipt)
    assert message_states(record) == [states.DELIVERED, states.ACCEPTED]
    # Found, its number is not kept beside it any longer
    assert inbox(record) == [("applied", message_id(1, 1), None)]


def test_of_two_that_could_be_meant_the_number_decides(record: Record, tmp_path: Path) -> None:
    """One message's id in hexadecimal is another's in decimal."""
    clock = sent(record, tmp_path, ("10",), ("16",))
    said(record, clock, "10", to=2)
    assert message_states(record) == [states.ACCEPTED, states.DELIVERED]


def test_where_two_are_left_nothing_is_guessed(record: Record, tmp_path: Path) -> None:
    clock = sent(record, tmp_path, ("10",), ("16",))
    with record.write() as connection:
        connection.execute(sa.update(message).values(address=mobile(1)))
    said(record, clock, "10")
    assert message_states(record) == [states.ACCEPTED, states.ACCEPTED]
    assert inbox(record)[0][0] == "waiting"
    said(record, clock, "10", mark=message_id(1, 2) & 0xFFFF)  # with our own number it is plain
    assert message_states(record) == [states.ACCEPTED, states.DELIVERED]


@pytest.mark.parametrize("ref", ["2b", "1a"])
def test_a_stranger_s_receipt_moves_nothing_and_waits_for_a_day(
    record: Record, tmp_path: Path, ref: str
) -> None:
    """Of another system on the same account: no such id, or another's number."""
    clock = sent(record, tmp_path, ("1a",))
    said(record, clock, ref, "undelivered", to=77)
    assert message_states(record) == [states.ACCEPTED]
    assert inbox(record)[0][0] == "waiting"
    clock.sleep((NAME_WINDOW + timedelta(minutes=1)).total_seconds())
    apply_receipts(record, clock)
    assert inbox(record)[0][0] == "unmatched"


def test_a_receipt_before_its_answer_waits_for_it(record: Record, tmp_path: Path) -> None:
    clock = FakeClock()
    said(record, clock, "1a")
    assert inbox(record)[0][0] == "waiting"
    sent(record, tmp_path, ("1a",))
    apply_receipts(record, clock)
    assert message_states(record) == [states.DELIVERED]


@pytest.mark.parametrize(
    ("receipts", "state"),
    [
        ([("a", "delivered")], states.ACCEPTED),
        ([("a", "delivered"), ("b", "delivered")], states.DELIVERED),
        ([("b", "delivered"), ("a", "delivered"), ("a", "accepted")], states.DELIVERED),
        ([("a", "delivered"), ("b", "undelivered")], states.UNDELIVERED),
        ([("b", "undelivered"), ("a", "delivered")], states.UNDELIVERED),
        ([("b", "undelivered"), ("a", "delivered"), ("b", "delivered")], states.DELIVERED),
        ([("a", "accepted"), ("b", "accepted")], states.ACCEPTED),
    ],
)
def test_a_long_message_is_delivered_when_all_of_it_is(
    record: Record, tmp_path: Path, receipts: list[tuple[str, Said]], state: str
) -> None:
    clock = sent(record, tmp_path, ("a", "b"))
    for ref, outcome in receipts:
        said(record, clock, ref, outcome)
    assert message_states(record) == [state]


def test_a_message_without_an_answer_is_found_by_our_own_number(
    record: Record, tmp_path: Path
) -> None:
    """The SMSC gives back 16 bits of it: one unknown message to that number alone fits."""
    clock = sent(record, tmp_path, None, None)
    assert message_states(record) == [states.UNKNOWN, states.UNKNOWN]
    said(record, clock, "zz", mark=message_id(1, 2) & 0xFFFF, to=1)  # another's number: no
    said(record, clock, "zz", mark=message_id(1, 2) & 0xFFFF, to=2)
    assert message_states(record) == [states.UNKNOWN, states.DELIVERED]


def test_a_missing_receipt_is_no_failure(record: Record, tmp_path: Path) -> None:
    clock = sent(record, tmp_path, ("1a",), ("",))
    clock.sleep(100 * 3600.0)
    assert end_waiting(record, clock, Receipts(no_receipt_hours=72)) == 0
    assert message_states(record) == [states.ACCEPTED, states.ACCEPTED]
    said(record, clock, "1a", "undelivered")  # late, it counts all the same
    assert message_states(record) == [states.UNDELIVERED, states.ACCEPTED]


def test_ids_of_an_answer_that_came_late_are_kept_too(record: Record, tmp_path: Path) -> None:
    clock = sent(record, tmp_path, None)
    keep_late_answer(record, clock, "fake", "key", {message_id(1, 1): Taken("1a", parts=("1a",))})
    apply_receipts(record, clock)
    said(record, clock, "1a")
    assert message_states(record) == [states.DELIVERED]


@pytest.mark.parametrize(
    ("second", "state"),
    [(None, states.ACCEPTED), ("delivered", states.DELIVERED), ("undelivered", states.UNDELIVERED)],
)
def test_one_part_is_not_the_whole_when_the_batch_went_on_elsewhere(
    record: Record, tmp_path: Path, second: Said | None, state: str
) -> None:
    """COM-6: the receipt comes while the message still waits, and is looked at again when it does not."""
    clock = sent(record, tmp_path, None)
    with record.write() as connection:  # as it was before its next worker gave it up
        connection.execute(sa.update(message).values(state=states.PENDING))
    answer = {message_id(1, 1): Taken("a", parts=("a", "b"))}
    keep_late_answer(record, clock, "fake", "key", answer)
    said(record, clock, "a")
    assert inbox(record)[1] == ("waiting", message_id(1, 1), None)
    if second is not None:
        said(record, clock, "b", second)
    with record.write() as connection:
        connection.execute(sa.update(message).values(state=states.UNKNOWN))
    apply_receipts(record, clock)
    assert message_states(record) == [state]
    assert {row[0] for row in inbox(record)} == {"applied"}


def test_another_s_id_in_another_base_is_not_meant_where_our_own_number_says_so(
    record: Record, tmp_path: Path
) -> None:
    """26 in hexadecimal is 38: the receipt of a text without an answer is not that of the next one."""
    clock = sent(record, tmp_path, None, ("38",))
    with record.write() as connection:
        connection.execute(sa.update(message).values(address=mobile(1)))
    said(record, clock, "26", mark=message_id(1, 1) & 0xFFFF)
    assert message_states(record) == [states.DELIVERED, states.ACCEPTED]
    said(record, clock, "26", mark=message_id(1, 2) & 0xFFFF)
    assert message_states(record) == [states.DELIVERED, states.DELIVERED]


def test_our_own_number_goes_before_an_id_that_is_spelt_as_another_s(
    record: Record, tmp_path: Path
) -> None:
    """Answers are in hexadecimal, receipts in decimal: 26 is the unanswered 1a, not the other text's 26."""
    clock = sent(record, tmp_path, None, ("26",))
    with record.write() as connection:
        connection.execute(sa.update(message).values(address=mobile(1)))
    said(record, clock, "26", mark=message_id(1, 1) & 0xFFFF)
    assert message_states(record) == [states.DELIVERED, states.ACCEPTED]


def test_a_number_that_is_none_of_ours_leaves_the_id_its_meaning(
    record: Record, tmp_path: Path
) -> None:
    """An SMSC may put a count of its own where others give our number back."""
    clock = sent(record, tmp_path, None, ("26",))
    said(
        record, clock, "26", mark=message_id(1, 1) & 0xFFFF, to=2
    )  # the unanswered text is another's
    assert message_states(record) == [states.UNKNOWN, states.DELIVERED]


def test_while_the_marked_one_is_under_way_nothing_is_decided(
    record: Record, tmp_path: Path
) -> None:
    clock = sent(record, tmp_path, None, ("26",))
    first = message.c.id == message_id(1, 1)
    with record.write() as connection:
        connection.execute(sa.update(message).values(address=mobile(1)))
        connection.execute(sa.update(message).where(first).values(state=states.PENDING))
        connection.execute(sa.update(batch).values(state=states.LEASED))
    said(record, clock, "26", mark=message_id(1, 1) & 0xFFFF)
    assert message_states(record) == [states.PENDING, states.ACCEPTED]
    with record.write() as connection:
        connection.execute(sa.update(message).where(first).values(state=states.UNKNOWN))
    apply_receipts(record, clock)
    assert message_states(record) == [states.DELIVERED, states.ACCEPTED]


def test_what_left_longer_ago_than_any_network_tries_is_not_meant(
    record: Record, tmp_path: Path
) -> None:
    """Sixteen bits come again: of a text of last quarter this is not the receipt."""
    clock = sent(record, tmp_path, None)
    clock.sleep(32 * 24 * 3600.0)
    said(record, clock, "zz", mark=message_id(1, 1) & 0xFFFF)
    assert message_states(record) == [states.UNKNOWN]


def test_a_message_without_an_answer_of_another_gateway_is_not_meant(
    record: Record, tmp_path: Path
) -> None:
    clock = sent(record, tmp_path, None, None)
    with record.write() as connection:
        first = message.c.id == message_id(1, 1)
        connection.execute(sa.update(message).values(address=mobile(1)))
        connection.execute(sa.update(message).where(first).values(gateway="other"))
    said(record, clock, "zz", mark=message_id(1, 1) & 0xFFFF)
    assert message_states(record) == [states.UNKNOWN, states.UNKNOWN]
    assert inbox(record) == [("waiting", None, mobile(1))]  # its own message may come to be known
    said(record, clock, "zz", mark=message_id(1, 2) & 0xFFFF)
    assert message_states(record) == [states.UNKNOWN, states.DELIVERED]


def test_ids_are_forgotten_with_the_receipts(record: Record, tmp_path: Path) -> None:
    clock = sent(record, tmp_path, ("1a",), ("b", "c"))
    count = sa.select(sa.func.count()).select_from(message_part)
    for days, left in ((80, 3), (20, 0)):
        clock.sleep(days * 24 * 3600.0)
        forget_receipts(record, clock, Receipts(keep_days=90))
        with record.read() as connection:
            assert connection.scalar(count) == left


def test_ids_of_a_message_that_is_held_keep_no_others_from_going(
    record: Record, tmp_path: Path
) -> None:
    """NEW-39: the first block was all held, and nothing behind it was ever forgotten."""
    clock = sent(record, tmp_path, *((f"{n}a", f"{n}b") for n in range(4)))
    with record.write() as connection:
        connection.execute(
            sa.insert(legal_hold).values(
                subject="patient", subject_id=1, reason="a claim", placed_by="tests",
                placed_at=clock.now(),
            )
        )  # fmt: skip
    clock.sleep(100 * 24 * 3600.0)
    forget_receipts(record, clock, Receipts(keep_days=90), block=2)
    with record.read() as connection:
        found = connection.scalars(sa.select(message_part.c.gateway_ref)).all()
    assert sorted(found) == ["0a", "0b"]
