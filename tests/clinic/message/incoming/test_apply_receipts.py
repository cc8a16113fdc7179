"""COM-6, COM-9, ACX-34: what receipts make of messages, in any order, any number of times."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.gateway.protocol import GatewayClass, Taken, Turned
from clinic.gateway.received import Receipt, Said
from clinic.message import states
from clinic.message.campaign.counting import MATCH_WINDOW
from clinic.message.incoming.apply_receipts import Applied, apply_receipts, better
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import count_inbox, keep_late_answer, keep_receipts
from clinic.message.network_reasons import PERMANENT, REASONS, reason_code
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.message.sending.save_pending import save_unsaved
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import clinical_item
from clinic.record.schema.receipts import receipt_inbox
from clinic.settings import Pace, Pacing, Receipts, Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

_events = itertools.count(1)


def receipt(
    reference: int | None,
    outcome: Said,
    *,
    reason: str | None = None,
    event: str | None = None,
    gateway: str = "fake",
) -> Receipt:
    return Receipt(gateway, event or f"e{next(_events)}", reference, outcome, reason)


def sent_campaign(
    record: Record,
    clock: FakeClock,
    folder: Path,
    *,
    plan: Sequence[str] = (),
    gateway_class: GatewayClass = "I",
    **settings: Any,
) -> int:
    """A campaign of three, sent and saved."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, **settings)
    gateway = FakeGateway(gateway_class, plan=plan)
    deliver(make_ledger(record, clock, folder), gateway, number, 1, 1)
    save_batches(record, clock, number, 1, 1)
    return number


def state_of(record: Record, key: int) -> tuple[str, str | None]:
    with record.read() as connection:
        query = sa.select(message.c.state, message.c.reason).where(message.c.id == key)
        return tuple(connection.execute(query).one())


def items(record: Record) -> dict[int, tuple[str, str | None]]:
    with record.read() as connection:
        rows = connection.execute(
            sa.select(clinical_item.c.id, clinical_item.c.status, clinical_item.c.error_code)
        ).all()
    return {row[0]: (row[1], row[2]) for row in rows}


def counters(record: Record) -> tuple[int, int, int]:
    with record.read() as connection:
        row = connection.execute(
            sa.select(batch.c.accepted, batch.c.rejected, batch.c.unknown)
        ).one()
    return (row[0], row[1], row[2])


def test_a_receipt_settles_the_message_and_its_clinical_item(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-6, COM-9: Pending becomes Sent Successfully or Send Failed, with the network's reason."""
    number = sent_campaign(record, clock, tmp_path)
    one, two, three = (message_id(number, n) for n in (1, 2, 3))
    keep_receipts(
        record,
        clock,
        [receipt(one, "delivered"), receipt(two, "undelivered", reason="absent_subscriber")],
    )
    assert apply_receipts(record, clock) == Applied(applied=2)
    assert state_of(record, one) == ("delivered", None)
    assert state_of(record, two) == ("undelivered", "absent_subscriber")
    assert items(record) == {
        one: ("sent", None),
        two: ("failed", "absent_subscriber"),
        three: ("pending", None),
    }
    assert counters(record) == (3, 0, 0)


def test_the_same_event_twice_is_one_receipt(record: Record, clock: FakeClock) -> None:
    """ACX-34: replays are ignored, also a hundred of them, also within one request."""
    same = receipt(5, "delivered", event="e")
    assert keep_receipts(record, clock, [same] * 100) == 1
    assert keep_receipts(record, clock, [same, receipt(6, "delivered")]) == 1
    other = receipt(5, "delivered", event="e", gateway="another")
    assert keep_receipts(record, clock, [other]) == 1


def test_a_receipt_before_the_gateways_answer_was_noted_waits_for_it(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-34: it came before our own commit, and is not lost by that."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    keep_receipts(record, clock, [receipt(message_id(number, 1), "delivered")])
    assert apply_receipts(record, clock) == Applied(waiting=1)
    deliver(make_ledger(record, clock, tmp_path), FakeGateway(), number, 1, 1)
    assert apply_receipts(record, clock) == Applied(applied=1)
    assert message_states(record, number) == {"delivered": 1, "accepted": 2}


def test_a_receipt_whose_message_never_gets_an_answer_is_kept_as_unmatched_after_a_week(
    record: Record, clock: FakeClock
) -> None:
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    keep_receipts(record, clock, [receipt(message_id(number, 1), "delivered")])
    clock.sleep(MATCH_WINDOW.total_seconds() + 1)
    assert apply_receipts(record, clock) == Applied(unmatched=1)
    assert count_inbox(record).unmatched == 1


def test_a_receipt_waits_for_as_long_as_an_attempt_is_open(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-3: killed after the gateway took them, then paused for weeks: the receipt is the only evidence."""
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    one = message_id(number, 1)

    def die(point: str) -> None:
        if point == "send.returned":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(make_ledger(record, clock, tmp_path, reached=die), FakeGateway("B"), number, 1, 1)
    keep_receipts(record, clock, [receipt(one, "delivered")])
    clock.sleep(2 * MATCH_WINDOW.total_seconds())
    assert apply_receipts(record, clock) == Applied(waiting=1)
    deliver(make_ledger(record, clock, tmp_path), FakeGateway("B"), number, 1, 1)
    assert state_of(record, one) == ("unknown", "no_answer")
    assert apply_receipts(record, clock) == Applied(applied=1)
    assert state_of(record, one) == ("delivered", None)


@pytest.mark.parametrize("reference", [None, 0, -1, 2**62, 77])
def test_a_receipt_for_nothing_we_sent_is_kept_and_counted_and_changes_nothing(
    record: Record, clock: FakeClock, tmp_path: Path, reference: int | None
) -> None:
    number = sent_campaign(record, clock, tmp_path)
    keep_receipts(record, clock, [receipt(reference, "delivered")])
    assert apply_receipts(record, clock) == Applied(unmatched=1)
    assert message_states(record, number) == {"accepted": 3}


def test_another_gateways_receipt_says_nothing_of_our_message(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    number = sent_campaign(record, clock, tmp_path)
    keep_receipts(record, clock, [receipt(message_id(number, 1), "delivered", gateway="other")])
    assert apply_receipts(record, clock) == Applied(unmatched=1)
    assert message_states(record, number) == {"accepted": 3}


@pytest.mark.parametrize("state", [states.SUPPRESSED, states.CANCELLED, states.EXPIRED])
def test_what_was_never_tried_is_not_made_sent_by_a_receipt(
    record: Record, clock: FakeClock, state: str
) -> None:
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    with record.write() as connection:
        connection.execute(sa.update(message).values(state=state))
    keep_receipts(record, clock, [receipt(message_id(number, 1), "delivered")])
    assert apply_receipts(record, clock) == Applied(ignored=1)
    assert message_states(record, number) == {state: 1}


def test_unknowns_are_settled_by_receipts_and_the_campaign_is_then_complete(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-3, PAT-21: what nobody could know is known when the network tells; the counts follow."""
    number = sent_campaign(record, clock, tmp_path, plan=["cut"], gateway_class="B")
    summarize(record, clock, number)
    assert counters(record) == (0, 0, 3)
    one, two, three = (message_id(number, n) for n in (1, 2, 3))
    keep_receipts(record, clock, [receipt(one, "delivered"), receipt(two, "undelivered")])
    apply_receipts(record, clock)
    assert counters(record) == (2, 0, 1)
    assert campaign_state(record) == states.RECONCILING
    keep_late_answer(record, clock, "fake", "k", {three: Turned("barred", "Barred")})
    apply_receipts(record, clock)
    assert counters(record) == (2, 1, 0)
    assert campaign_state(record) == states.COMPLETED
    assert state_of(record, three) == ("rejected", "barred")


def campaign_state(record: Record) -> str:
    with record.read() as connection:
        return str(connection.execute(sa.select(campaign.c.state)).scalar_one())


def test_the_answer_of_a_worker_that_lost_its_batch_is_kept_once_as_evidence(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    number = sent_campaign(record, clock, tmp_path, plan=["cut"], gateway_class="B")
    one, two = message_id(number, 1), message_id(number, 2)
    answers = {one: Taken("g1"), two: Taken("g2", delivered=True)}
    assert keep_late_answer(record, clock, "fake", "key", answers) == 2
    assert keep_late_answer(record, clock, "fake", "key", answers) == 0
    apply_receipts(record, clock)
    assert state_of(record, one)[0] == "accepted"
    assert state_of(record, two)[0] == "delivered"
    assert counters(record) == (2, 0, 1)


def test_a_worker_that_lost_its_fence_while_sending_leaves_its_answer_in_the_inbox(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-3: SIGSTOP while the gateway is asked; another worker takes over; nothing it heard is lost."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    second = make_ledger(record, clock, tmp_path / "second")

    class Slow(FakeGateway):
        """While it sends, its worker's lease runs out and another settles the batch."""

        def send(self, *args: object, **options: object):  # type: ignore[no-untyped-def]
            answer = super().send(*args, **options)  # type: ignore[arg-type]
            clock.sleep(3600)
            deliver(second, FakeGateway("B"), number, 1, 1)
            return answer

    first = make_ledger(record, clock, tmp_path / "first")
    deliver(first, Slow("B"), number, 1, 1, patience=timedelta(0))
    assert message_states(record, number) == {"unknown": 3}
    assert apply_receipts(record, clock) == Applied(applied=3)
    assert message_states(record, number) == {"accepted": 3}


def test_with_save_when_delivered_the_item_is_written_by_the_receipt(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """PAT-17: a failed message writes nothing."""
    number = sent_campaign(record, clock, tmp_path, save_when="delivered")
    assert items(record) == {}
    one, two = message_id(number, 1), message_id(number, 2)
    keep_receipts(record, clock, [receipt(one, "delivered"), receipt(two, "undelivered")])
    apply_receipts(record, clock)
    assert items(record) == {one: ("sent", None)}


@pytest.mark.parametrize("block", [1, 2, 1000])
def test_blocks_of_any_size_come_to_the_same(
    record: Record, clock: FakeClock, tmp_path: Path, block: int
) -> None:
    number = sent_campaign(record, clock, tmp_path)
    one = message_id(number, 1)
    said: list[Said] = ["accepted", "undelivered", "delivered", "undelivered"]
    keep_receipts(record, clock, [receipt(one, outcome) for outcome in said])
    assert apply_receipts(record, clock, block=block) == Applied(applied=4)
    assert state_of(record, one) == ("delivered", None)


# --- the lattice ------------------------------------------------------------------------------------

SAID: list[Said] = ["accepted", "delivered", "undelivered", "rejected"]
TRIED = [states.UNKNOWN, states.REJECTED, states.ACCEPTED, states.UNDELIVERED, states.DELIVERED]


@given(st.sampled_from(TRIED), st.lists(st.sampled_from(SAID), max_size=6), st.randoms())
def test_any_order_and_any_repetition_of_receipts_ends_the_same(
    state: str, said: list[Said], random: object
) -> None:
    """ACX-34: DELIVERED beats UNDELIVERED; nothing goes back; the order is not assumed."""
    again = said + said[:2]
    random.shuffle(again)  # type: ignore[attr-defined]
    first = second = state
    for word in said:
        after = better(first, word)
        assert TRIED.index(after) >= TRIED.index(first)
        first = after
    for word in again:
        second = better(second, word)
    assert first == second
    assert (first == states.DELIVERED) == (states.DELIVERED in [state, *said])


@settings(max_examples=15, deadline=None)
@given(
    said=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(SAID)), max_size=8),
    cut=st.booleans(),
    data=st.data(),
)
def test_receipts_before_and_after_our_own_commit_end_the_same(
    migrated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
    said: list[tuple[int, Said]],
    cut: bool,
    data: st.DataObject,
) -> None:
    """ACX-34, on the ledger itself: any receipts, some early, some twice; counters always add up."""
    import shutil

    folder = tmp_path_factory.mktemp("settle")
    shutil.copy(migrated_sqlite, folder / "record.db")
    record, clock = Record.open(f"sqlite:///{folder / 'record.db'}"), FakeClock()
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    events = [
        receipt(message_id(number, n), outcome, event=f"{i}") for i, (n, outcome) in enumerate(said)
    ]
    early = data.draw(st.integers(0, len(events)))
    keep_receipts(record, clock, events[:early])
    apply_receipts(record, clock)
    gateway = FakeGateway("B", plan=["cut"] if cut else [])
    deliver(make_ledger(record, clock, folder), gateway, number, 1, 1)
    for event in [*events[early:], *events[: early + 1]]:
        keep_receipts(record, clock, [event])
        apply_receipts(record, clock, block=2)
    apply_receipts(record, clock)
    begin = states.UNKNOWN if cut else states.ACCEPTED
    expected = dict.fromkeys((1, 2, 3), begin)
    for n, outcome in said:
        expected[n] = better(expected[n], outcome)
    assert {n: state_of(record, message_id(number, n))[0] for n in expected} == expected
    found = list(expected.values())
    unknown, rejected = found.count(states.UNKNOWN), found.count(states.REJECTED)
    assert counters(record) == (3 - unknown - rejected, rejected, unknown)
    assert count_inbox(record).waiting == 0
    record.close()


# --- 72 hours ---------------------------------------------------------------------------------------


def test_72_hours_without_a_receipt_is_a_failure_for_now(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-34: Sent for more than 72 h without a receipt becomes Failed (temporary, no receipt)."""
    number = sent_campaign(record, clock, tmp_path)
    one, two = message_id(number, 1), message_id(number, 2)
    keep_receipts(record, clock, [receipt(one, "delivered")])
    apply_receipts(record, clock)
    clock.sleep(72 * 3600 - 1)
    assert end_waiting(record, clock, Receipts()) == 0
    clock.sleep(2)
    assert end_waiting(record, clock, Receipts()) == 2
    assert state_of(record, two) == ("undelivered", "no_receipt")
    assert "no_receipt" not in PERMANENT
    assert items(record)[two] == ("failed", "no_receipt")
    assert end_waiting(record, clock, Receipts()) == 0


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("delivered", ("delivered", None)), ("undelivered", ("undelivered", "no_memory"))],
)
def test_a_receipt_after_72_hours_still_tells_what_became_of_it(
    record: Record,
    clock: FakeClock,
    tmp_path: Path,
    outcome: Said,
    expected: tuple[str, str | None],
) -> None:
    number = sent_campaign(record, clock, tmp_path)
    clock.sleep(73 * 3600)
    end_waiting(record, clock, Receipts())
    keep_receipts(record, clock, [receipt(message_id(number, 1), outcome, reason="no_memory")])
    apply_receipts(record, clock)
    assert state_of(record, message_id(number, 1)) == expected


@pytest.mark.parametrize("block", [1, 1000])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((("delivered", None), ("undelivered", "busy")), ("delivered", None)),
        ((("undelivered", "busy"), ("delivered", None)), ("delivered", None)),
        ((("undelivered", "busy"), ("undelivered", "no_memory")), ("undelivered", "busy")),
        ((("accepted", None), ("undelivered", "busy")), ("undelivered", "busy")),
        ((("accepted", None), ("accepted", None)), ("undelivered", "no_receipt")),
    ],
)
def test_receipts_after_72_hours_come_to_the_same_in_one_block_as_in_two(
    record: Record,
    clock: FakeClock,
    tmp_path: Path,
    block: int,
    said: Sequence[tuple[Said, str | None]],
    expected: tuple[str, str | None],
) -> None:
    """ACX-34: what was delivered stays delivered, whatever is read together with it."""
    number = sent_campaign(record, clock, tmp_path)
    one = message_id(number, 1)
    clock.sleep(73 * 3600)
    end_waiting(record, clock, Receipts())
    keep_receipts(record, clock, [receipt(one, word, reason=why) for word, why in said])
    apply_receipts(record, clock, block=block)
    assert state_of(record, one) == expected


def test_the_72_hours_of_what_left_go_on_while_the_rest_of_its_batch_waits(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-34, COM-7: a pace or a pause in the middle of a batch keeps nothing Pending, or off the record."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    slow = timing_of(Settings(pacing=Pacing(sms=Pace(per_day=1))))
    deliver(make_ledger(record, clock, tmp_path, timing=slow), FakeGateway(), number, 1, 1)
    assert message_states(record, number) == {"accepted": 1, "pending": 2}
    assert (save_unsaved(record, clock), save_unsaved(record, clock)) == (1, 0)
    assert list(items(record).values()) == [("pending", None)]
    clock.sleep(73 * 3600)
    assert end_waiting(record, clock, Receipts()) == 1
    assert list(items(record).values()) == [("failed", "no_receipt")]
    deliver(make_ledger(record, clock, tmp_path), FakeGateway(), number, 1, 1)
    assert (save_unsaved(record, clock), save_unsaved(record, clock)) == (1, 0)
    assert message_states(record, number) == {"undelivered": 1, "accepted": 2}
    assert sorted(items(record).values()) == [("failed", "no_receipt"), *[("pending", None)] * 2]
    clock.sleep(73 * 3600)
    assert end_waiting(record, clock, Receipts()) == 2


def test_the_72_hours_count_from_the_answer_to_each_part_of_an_attempt(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-34: half of it was answered on Monday, the rest after a pause of two days."""
    add_patients(record, 4)
    number = add_campaign(record, clock, 4)
    for plan in (["half"], []):
        ledger = make_ledger(record, clock, tmp_path)
        deliver(ledger, FakeGateway("R", plan=plan), number, 1, 1, patience=timedelta(0))
        clock.sleep(40 * 3600)
    assert message_states(record, number) == {"accepted": 4}
    assert end_waiting(record, clock, Receipts()) == 2
    clock.sleep(40 * 3600)
    assert end_waiting(record, clock, Receipts()) == 2


def test_what_was_turned_down_at_first_and_taken_after_all_awaits_a_receipt_too(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-34: it has no time of sending; the 72 hours count from the receipt that told of it."""
    number = sent_campaign(record, clock, tmp_path, plan=["reject"])
    clock.sleep(100 * 3600)
    keep_receipts(record, clock, [receipt(message_id(number, 1), "accepted")])
    apply_receipts(record, clock)
    assert end_waiting(record, clock, Receipts()) == 0
    clock.sleep(73 * 3600)
    assert end_waiting(record, clock, Receipts()) == 1
    assert state_of(record, message_id(number, 1)) == ("undelivered", "no_receipt")


def test_an_email_without_a_receipt_stays_sent(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """A relay tells of failures alone: its silence is no failure."""
    number = sent_campaign(record, clock, tmp_path, channel="email")
    clock.sleep(100 * 3600)
    assert end_waiting(record, clock, Receipts()) == 0
    assert message_states(record, number) == {"accepted": 3}


# --- the network's reasons --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "permanent"),
    [
        ("Absent Subscriber", "absent_subscriber", False),
        ("AbsentSubscriber", "absent_subscriber", False),
        ("UNDELIV", "delivery_failure", False),
        ("REJECTD", "rejected_by_operator", True),
        ("unidentified-subscriber", "unknown_subscriber", True),
        ("do not disturb", "blacklisted", True),
        ("message too long", "too_long", True),
        ("memory_full", "no_memory", False),
        ("", "delivery_failure", False),
        (None, "delivery_failure", False),
        ("42", "42", False),
        ("solar flare", "solar_flare", False),
    ],
)
def test_the_networks_words_become_one_code_that_is_permanent_or_temporary(
    given: str | None, code: str, permanent: bool
) -> None:
    """COM-9: the table of formats.md."""
    assert reason_code(given) == code
    assert (code in PERMANENT) is permanent


def test_no_name_of_a_reason_belongs_to_two() -> None:
    names = [name for reason in REASONS.values() for name in (reason.code, *reason.known_as)]
    assert len(names) == len(set(names))


def test_a_message_is_told_of_by_the_gateway_that_it_was_sent_through(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Issue 18: of a campaign with several gateways each message knows its own."""
    sent_campaign(record, clock, tmp_path)
    first, second = message_id(1, 2), message_id(1, 3)
    with record.write() as connection:
        assert set(connection.scalars(sa.select(message.c.gateway))) == {"fake"}
        connection.execute(
            sa.update(message).where(message.c.id == first).values(gateway="another")
        )
    keep_receipts(
        record,
        clock,
        [receipt(key, "delivered", gateway="another") for key in (first, second)],
    )
    done = apply_receipts(record, clock)
    assert (done.applied, done.unmatched) == (1, 1)
    assert state_of(record, first)[0] == states.DELIVERED
    assert state_of(record, second)[0] == states.ACCEPTED


@pytest.mark.parametrize(
    ("says", "kept"),
    [
        ("Refused: 'HELLO 1'", None),
        ("born 12 March 1980", "born …"),
        ("Phone off", "Phone off"),
    ],
)
def test_a_receipts_sentence_keeps_nothing_of_the_text(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, says: str, kept: str | None
) -> None:
    """Neither in the inbox nor on the message; its reason counts all the same."""
    key = message_id(sent_campaign(sqlite_record, clock, tmp_path), 1)
    told = Receipt("fake", "e", key, "undelivered", "absent_subscriber", says)
    keep_receipts(sqlite_record, clock, [told])
    with sqlite_record.read() as connection:
        assert connection.execute(sa.select(receipt_inbox.c.error_text)).scalar_one() == kept
    apply_receipts(sqlite_record, clock)
    assert state_of(sqlite_record, key) == ("undelivered", "absent_subscriber")
