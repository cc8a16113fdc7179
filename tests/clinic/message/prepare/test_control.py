"""NEW-9, NEW-12: pause, resume and cancel mid-campaign with exact counts; the brake; ACX-35."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.gateway.protocol import GatewayClass
from clinic.message import states
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.control import cancel, pause, resume, settle_cancelled
from clinic.message.sending.deliver import deliver, send_batch
from clinic.message.sending.ledger import Ledger
from clinic.message.sending.submissions import intend
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.people import clinical_item
from clinic.settings import Halt
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

BY = {"by": "nia", "reason": "wrong text"}


@pytest.fixture
def ledger(record: Record, clock: FakeClock, tmp_path: Path) -> Ledger:
    add_patients(record, 30)
    return make_ledger(record, clock, tmp_path)


def half_sent(ledger: Ledger, gateway: FakeGateway) -> int:
    number = add_campaign(ledger.record, ledger.clock, 30, batch_size=10)
    deliver(ledger, gateway, number, 1, 1)
    return number


def when_answered(ledger: Ledger, do: Callable[[], object]) -> None:
    """Do it while the gateway is being called: before its answer is noted."""

    def reached(point: str) -> None:
        if point == "send.returned":
            do()

    ledger.reached = reached


def test_a_paused_campaign_sends_nothing_until_it_is_resumed(ledger: Ledger) -> None:
    """NEW-9: exact counts at each step."""
    gateway = FakeGateway()
    number = half_sent(ledger, gateway)
    paused = pause(ledger.record, ledger.clock, number, **BY)
    assert (paused.state, paused.counts) == (states.PAUSED, {"sent": 10, "waiting": 20})
    deliver(ledger, gateway, number, 1, 3)
    assert len(gateway.received) == 10
    resumed = resume(ledger.record, ledger.clock, number, timing=Timing(), **BY)
    assert resumed.state == states.RUNNING
    deliver(ledger, gateway, number, 1, 3)
    assert set(gateway.received.values()) == {1}
    assert message_states(ledger.record, number) == {"accepted": 30}


def test_a_cancelled_campaign_never_sends_what_waited_and_saves_none_of_it(ledger: Ledger) -> None:
    """NEW-9, ACX-35: the cancelled are counted; only what was sent is on the record."""
    gateway = FakeGateway()
    number = half_sent(ledger, gateway)
    done = cancel(ledger.record, ledger.clock, number, **BY)
    assert (done.state, done.counts) == (states.CANCELLED_CAMPAIGN, {"sent": 10, "cancelled": 20})
    assert sum(done.counts.values()) == 30
    deliver(ledger, gateway, number, 1, 3)
    save_batches(ledger.record, ledger.clock, number, 1, 3)
    with ledger.record.read() as connection:
        saved = connection.scalar(sa.select(sa.func.count()).select_from(clinical_item))
    assert (len(gateway.received), saved) == (10, 10)


@pytest.mark.parametrize("answered", [True, False])
def test_what_was_under_way_when_it_was_cancelled_is_settled_and_not_sent_again(
    ledger: Ledger, clock: FakeClock, answered: bool
) -> None:
    """NEW-9: its answer counts; without one it is unknown, for nobody may ask by sending."""
    gateway = FakeGateway()
    number = add_campaign(ledger.record, clock, 30, batch_size=10)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    gateway.plan = [] if answered else ["cut"]
    if answered:
        when_answered(ledger, lambda: cancel(ledger.record, clock, number, **BY))
        send_batch(ledger, gateway, claim)
    else:
        send_batch(ledger, gateway, claim)
        cancel(ledger.record, clock, number, **BY)
    clock.sleep(3600)
    settle_cancelled(ledger.record, clock.now())
    deliver(ledger, gateway, number, 1, 3)
    assert gateway.calls == 1
    fate = "accepted" if answered else "unknown"
    assert message_states(ledger.record, number) == {fate: 10, "cancelled": 20}


def test_what_was_proven_not_sent_after_the_cancellation_is_cancelled_too(
    ledger: Ledger, clock: FakeClock
) -> None:
    gateway = FakeGateway(plan=["busy"])
    number = add_campaign(ledger.record, clock, 10)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    when_answered(ledger, lambda: cancel(ledger.record, clock, number, **BY))
    send_batch(ledger, gateway, claim)
    settle_cancelled(ledger.record, clock.now())
    assert message_states(ledger.record, number) == {"cancelled": 10}


def test_a_cancellation_between_claim_and_intent_leaves_nothing_behind(ledger: Ledger) -> None:
    number = add_campaign(ledger.record, ledger.clock, 10)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    cancel(ledger.record, ledger.clock, number, **BY)
    assert intend(ledger, claim, FakeGateway()) is None
    summary = summarize(ledger.record, ledger.clock, number)
    assert (summary.outcomes, summary.waiting) == ({"cancelled": 10}, 0)


def test_each_act_is_in_the_audit_trail_once_however_often_it_is_asked_for(
    ledger: Ledger, clock: FakeClock
) -> None:
    number = half_sent(ledger, FakeGateway())
    for _ in range(2):
        pause(ledger.record, clock, number, **BY)
    for _ in range(2):
        resume(ledger.record, clock, number, timing=Timing(), **BY)
    for _ in range(2):
        cancel(ledger.record, clock, number, **BY)
    with ledger.record.read() as connection:
        acts = connection.scalars(
            sa.select(audit_act.c.operation_type).where(
                audit_act.c.subject == "campaign", audit_act.c.operator == BY["by"]
            )
        ).all()
    assert sorted(acts) == ["campaign.cancel", "campaign.pause", "campaign.resume"]


@pytest.mark.parametrize("state", [states.COMPLETED, states.REFUSED, states.CANCELLED_CAMPAIGN])
def test_what_has_ended_is_neither_paused_nor_resumed(ledger: Ledger, state: str) -> None:
    number = add_campaign(ledger.record, ledger.clock, 10, state=state)
    with pytest.raises(NotAllowed, match="campaign-state"):
        pause(ledger.record, ledger.clock, number, **BY)
    with pytest.raises(NotAllowed, match="campaign-state"):
        resume(ledger.record, ledger.clock, number, timing=Timing(), **BY)


@pytest.mark.parametrize(
    ("gateway_class", "plan", "least", "code"),
    [
        ("I", ["reject"], 10, "halted-failures"),
        ("B", ["cut", "cut"], 1000, "halted-ambiguous"),
        ("I", ["cut", "cut"], 1000, "halted-ambiguous"),  # the same attempt, asked about twice
    ],
)
def test_a_campaign_pauses_itself_when_too_much_fails_and_a_person_resumes_it(
    record: Record,
    clock: FakeClock,
    tmp_path: Path,
    gateway_class: GatewayClass,
    plan: list[str],
    least: int,
    code: str,
) -> None:
    """NEW-12: automatic halt, resumable by a person; what failed before does not halt it again."""
    add_patients(record, 30)
    timing = Timing(halt=Halt(failures=0.1, batches=3, least=least, ambiguous=2))
    ledger = make_ledger(record, clock, tmp_path, timing=timing)
    gateway = FakeGateway(gateway_class, plan=plan)
    number = add_campaign(record, clock, 30, batch_size=10)
    deliver(ledger, gateway, number, 1, 3)
    with record.read() as connection:
        row = connection.execute(sa.select(campaign.c.state, campaign.c.state_reason)).one()
    assert tuple(row) == (states.PAUSED, code)
    before = gateway.calls
    deliver(ledger, gateway, number, 1, 3)
    assert gateway.calls == before
    clock.sleep(1)
    resume(record, clock, number, timing=timing, **BY)
    deliver(ledger, gateway, number, 1, 3)
    assert "pending" not in message_states(record, number)


def test_a_few_failures_halt_nothing(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    add_patients(record, 30)
    timing = Timing(halt=Halt(failures=0.5, batches=3, least=10, ambiguous=3))
    ledger = make_ledger(record, clock, tmp_path, timing=timing)
    number = add_campaign(record, clock, 30, batch_size=10)
    deliver(ledger, FakeGateway(plan=["ok", "reject"]), number, 1, 3)
    assert message_states(record, number) == {"accepted": 20, "rejected": 10}


def test_a_batch_that_killed_its_workers_goes_on_when_a_person_says_so(
    ledger: Ledger, clock: FakeClock
) -> None:
    """NEW-12: held for a person to look at, and not for ever."""
    number = add_campaign(ledger.record, clock, 10)
    with ledger.record.write() as connection:
        connection.execute(sa.update(batch).values(state=states.HELD, deaths=6))
    deliver(ledger, FakeGateway(), number, 1, 1)
    assert message_states(ledger.record, number) == {"pending": 10}
    resume(ledger.record, clock, number, timing=Timing(), **BY)
    deliver(ledger, FakeGateway(), number, 1, 1)
    assert message_states(ledger.record, number) == {"accepted": 10}
