"""NEW-3: nobody twice, nobody silently lost; every outcome that cannot be known is `unknown`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import GatewayClass
from clinic.message import states
from clinic.message.outcomes.summary import progress, summarize
from clinic.message.sending.deliver import deliver, send_batch
from clinic.message.sending.ledger import MOST_DEATHS, Ledger
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import consent, patient
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

MakeLedger = Callable[..., Ledger]


@pytest.fixture
def ledger(record: Record, clock: FakeClock, tmp_path: Path) -> Ledger:
    add_patients(record, 30)
    return make_ledger(record, clock, tmp_path)


def started(ledger: Ledger, **settings: object) -> int:
    return add_campaign(ledger.record, ledger.clock, 30, batch_size=10, **settings)


def test_everybody_gets_one_message_in_batches_of_at_most_the_size_asked_for(
    ledger: Ledger,
) -> None:
    """ARC-14: a campaign is cut into as many batches as it needs."""
    gateway = FakeGateway()
    number = started(ledger)
    deliver(ledger, gateway, number, 1, 3)
    assert gateway.received == {message_id(number, n): 1 for n in range(1, 31)}
    assert gateway.calls == 3
    assert message_states(ledger.record, number) == {"accepted": 30}


def test_running_again_messages_nobody_twice(ledger: Ledger) -> None:
    gateway = FakeGateway()
    number = started(ledger)
    for _ in range(3):
        deliver(ledger, gateway, number, 1, 3)
    assert set(gateway.received.values()) == {1}


@pytest.mark.parametrize(
    ("gateway_class", "plan", "expected"),
    [
        ("I", ["busy", "busy"], {"accepted": 30}),
        ("I", ["refused"] * 3, {"accepted": 30}),
        ("I", ["cut", "cut", "busy", "cut"], {"accepted": 30}),
        ("I", ["cut", "refused", "refused"], {"accepted": 30}),
        ("I", ["half"], {"accepted": 25, "unknown": 5}),
        ("B", ["busy", "refused"], {"accepted": 30}),
        ("B", ["cut"], {"accepted": 20, "unknown": 10}),
        ("B", ["half"], {"accepted": 25, "unknown": 5}),
        ("I", ["reject"], {"accepted": 20, "rejected": 10}),
    ],
)
def test_a_gateway_that_misbehaves_doubles_nobody_and_loses_nobody(
    ledger: Ledger, gateway_class: GatewayClass, plan: list[str], expected: dict[str, int]
) -> None:
    gateway = FakeGateway(gateway_class, plan=plan)
    number = started(ledger)
    deliver(ledger, gateway, number, 1, 3)
    assert message_states(ledger.record, number) == expected
    assert max(gateway.received.values()) == 1


def test_what_never_was_accepted_is_given_up_visibly(ledger: Ledger) -> None:
    ledger.give_up_after = timedelta(minutes=3)
    gateway = FakeGateway(plan=["refused"] * 100)
    number = started(ledger)
    deliver(ledger, gateway, number, 1, 1, patience=timedelta(hours=1))
    assert message_states(ledger.record, number) == {"exhausted": 10, "pending": 20}
    assert gateway.received == {}


@pytest.mark.parametrize("wait", [timedelta(), timedelta(days=9)])
def test_a_batch_of_the_last_day_gets_as_many_tries_as_one_of_the_first(
    ledger: Ledger, wait: timedelta
) -> None:
    """ACX-30: a batch has waited for its own day, not for the gateway; each has its 24 hours of tries."""
    number = started(ledger)
    later = FakeClock(ledger.clock.now() + wait)
    ledger.clock = later
    due, gateway = later.now(), FakeGateway(plan=["refused"] * 10_000)
    while "exhausted" not in message_states(ledger.record, number):
        deliver(ledger, gateway, number, 3, 3, patience=timedelta(minutes=1))
        later.sleep(3600)
        assert later.now() < due + timedelta(hours=48)
    assert gateway.calls > ledger.max_attempts
    assert later.now() >= due + ledger.give_up_after


def test_who_lets_a_campaign_go_on_gives_its_batches_their_time_anew(ledger: Ledger) -> None:
    """NEW-9: resumed after a long pause, one refusal more must not be the last."""
    ledger.max_attempts = 1
    number = started(ledger)
    deliver(ledger, FakeGateway(plan=["refused"] * 9), number, 1, 1, patience=timedelta())
    ledger.clock.sleep(30 * 3600)
    with ledger.record.write() as connection:
        connection.execute(sa.update(campaign).values(resumed_at=ledger.clock.now()))
    deliver(ledger, FakeGateway(plan=["refused"]), number, 1, 1)
    assert message_states(ledger.record, number) == {"accepted": 10, "pending": 20}


def test_an_outage_of_an_hour_costs_nobody_their_message(ledger: Ledger) -> None:
    gateway = FakeGateway(plan=["refused"] * 20)
    number = started(ledger)
    began = ledger.clock.now()
    while message_states(ledger.record, number) != {"accepted": 30}:
        deliver(ledger, gateway, number, 1, 3)
        ledger.clock.sleep(120)  # the next scheduled run
        assert ledger.clock.now() < began + timedelta(hours=3)
    assert set(gateway.received.values()) == {1}


def test_wrong_credentials_stop_the_campaign_after_one_request(ledger: Ledger) -> None:
    gateway = FakeGateway(plan=["unauthorised"] * 100)
    number = started(ledger)
    deliver(ledger, gateway, number, 1, 3)
    assert gateway.calls == 1
    summary = summarize(ledger.record, ledger.clock, number)
    assert (summary.state, summary.state_reason) == (states.PAUSED, "gateway-credentials")
    assert summary.outcomes == {"waiting": 30}


@pytest.mark.parametrize("state", [states.PAUSED, states.CHECKING, states.CANCELLED_CAMPAIGN])
def test_nothing_leaves_unless_the_campaign_runs(ledger: Ledger, state: str) -> None:
    """ARC-6: nothing is sent before confirmation."""
    gateway = FakeGateway()
    deliver(ledger, gateway, started(ledger, state=state), 1, 3)
    assert gateway.calls == 0


def test_a_pause_between_claim_and_intent_is_obeyed(ledger: Ledger) -> None:
    gateway = FakeGateway()
    number = started(ledger)
    claim = ledger.claim(number, 1, 3)
    assert claim is not None
    with ledger.record.write() as connection:
        connection.execute(sa.update(campaign).values(state=states.PAUSED))
    send_batch(ledger, gateway, claim)
    assert gateway.calls == 0


def test_who_died_or_opted_out_since_is_left_out_with_the_reason(ledger: Ledger) -> None:
    """ARC-10, ARC-11: read again at the moment of sending; the latest decision wins."""
    number = started(ledger)
    now = ledger.clock.now()

    def decided(patient_id: int, decision: str, hours: int) -> dict[str, object]:
        return {
            "patient_id": patient_id, "channel": "sms", "decision": decision, "source": "reply",
            "decided_at": now + timedelta(hours=hours),
        }  # fmt: skip

    with ledger.record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 3).values(death_date=now.date())
        )
        connection.execute(
            sa.update(patient).where(patient.c.id == 6).values(preferred_channel="none")
        )
        connection.execute(
            sa.insert(consent),
            [
                decided(4, "opt_out", 0),
                decided(5, "opt_out", 0),
                decided(5, "opt_in", 1),
            ],
        )
    gateway = FakeGateway()
    deliver(ledger, gateway, number, 1, 3)
    left_out = {message_id(number, n) for n in (3, 4, 6)}
    assert left_out.isdisjoint(gateway.received)
    assert len(gateway.received) == 27
    with ledger.record.read() as connection:
        reasons = connection.execute(
            sa.select(message.c.patient_id, message.c.reason)
            .where(message.c.state == states.SUPPRESSED)
            .order_by(message.c.patient_id)
        ).all()
    assert [tuple(row) for row in reasons] == [
        (3, "patient_dead"),
        (4, "opted_out"),
        (6, "no_contact"),
    ]


def test_a_worker_that_was_taken_over_can_write_nothing_any_more(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    add_patients(record, 10)
    number = add_campaign(record, clock, 10)
    slow, quick = (make_ledger(record, clock, tmp_path) for _ in range(2))
    gateway = FakeGateway()
    first = slow.claim(number, 1, 1)
    assert first is not None
    assert quick.claim(number, 1, 1) is None, "a living worker's lease holds"
    clock.sleep(61)
    second = quick.claim(number, 1, 1)
    assert second is not None
    assert not send_batch(slow, gateway, first)
    assert gateway.calls == 0
    send_batch(quick, gateway, second)
    assert message_states(record, number) == {"accepted": 10}


def test_a_dead_worker_of_this_host_is_replaced_at_once(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    add_patients(record, 10)
    number = add_campaign(record, clock, 10)
    dead, living = (make_ledger(record, clock, tmp_path) for _ in range(2))
    assert dead.claim(number, 1, 1) is not None
    dead.worker.close()
    assert living.claim(number, 1, 1) is not None


def test_a_batch_that_killed_too_many_workers_is_held_and_the_others_go_on(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    add_patients(record, 20)
    number = add_campaign(record, clock, 20, batch_size=10)
    for _ in range(MOST_DEATHS + 1):
        victim = make_ledger(record, clock, tmp_path)
        assert victim.claim(number, 1, 1) is not None
        victim.worker.close()
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, tmp_path), gateway, number, 1, 2)
    with record.read() as connection:
        found = connection.scalars(sa.select(batch.c.state).order_by(batch.c.number)).all()
    assert found == [states.HELD, states.DONE]


def test_messages_changed_behind_the_ledgers_back_are_not_replayed(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """A gateway would take the changed bytes for another message, or refuse the key."""
    add_patients(record, 10)
    number = add_campaign(record, clock, 10)
    ledger = make_ledger(record, clock, tmp_path)
    gateway = FakeGateway(plan=["cut"])
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    send_batch(ledger, gateway, claim)
    with record.write() as connection:
        connection.execute(sa.update(message).values(body="Something else"))
    deliver(ledger, gateway, number, 1, 1)
    assert gateway.calls == 1
    assert summarize(record, clock, number).state_reason == "payload-changed"


def test_the_counts_add_up_to_the_rows_whatever_happened(ledger: Ledger) -> None:
    """NEW-6, PAT-20: one outcome a row, and a verdict."""
    number = started(ledger)
    deliver(ledger, FakeGateway("B", plan=["cut", "reject"]), number, 1, 3)
    summary = summarize(ledger.record, ledger.clock, number)
    assert summary.outcomes == {"sent": 10, "rejected": 10, "unknown": 10}
    assert sum(summary.outcomes.values()) == summary.rows
    assert (summary.verdict, summary.state) == ("Error", states.RECONCILING)
    seen = progress(ledger.record, number)
    assert (seen.total, seen.processed, seen.remaining, seen.errors, seen.unknown) == (
        30, 30, 0, 10, 10,
    )  # fmt: skip
