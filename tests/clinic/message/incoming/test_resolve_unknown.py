"""NEW-3: what nobody can know is settled by two people, and only what they agreed on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed
from clinic.gateway.received import Receipt
from clinic.govern.people.operators import find_operator
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.resolve_unknown import HORIZON, Fate, ask_to_settle, settle_unknowns
from clinic.message.outcomes.save import save_batches
from clinic.message.prepare.resend import resendable
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.settings import Receipts
from tests.fakes import FakeClock, FakeGateway, quick_hash
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id


@pytest.fixture
def number(record: Record, clock: FakeClock, tmp_path: Path) -> int:
    """A campaign whose three messages have been unknown for 72 hours; ann asks, bea decides."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    deliver(make_ledger(record, clock, tmp_path), FakeGateway("B", plan=["cut"]), number, 1, 1)
    with record.write() as connection:
        for name, role in (("ann", "team_lead"), ("bea", "manager"), ("cy", "operator")):
            connection.execute(
                sa.insert(operator).values(
                    name=name, role=role, secret_hash=quick_hash("x" * 20),
                    created_at=clock.now(), created_by="tests",
                )
            )  # fmt: skip
    clock.sleep(HORIZON.total_seconds())
    return number


def ask(
    record: Record,
    clock: FakeClock,
    number: int,
    fate: Fate,
    *,
    by: str = "ann",
    rows: list[int] | None = None,
) -> int:
    return ask_to_settle(
        record, clock, number, fate, rows=rows, requested_by=by, reason="asked the provider",
        expires_in=timedelta(hours=72),
    )  # fmt: skip


def approve(record: Record, clock: FakeClock, approval: int, *, by: str = "bea") -> None:
    with record.read() as connection:
        person = find_operator(connection, by)
    assert person is not None
    decide(record, clock, approval, operator=person, decision="approved", note="agreed")


@pytest.mark.parametrize(("fate", "state"), [("sent", "accepted"), ("not_sent", "rejected")])
def test_two_people_settle_it(
    record: Record, clock: FakeClock, number: int, fate: Fate, state: str
) -> None:
    """NEW-3: what was not sent may then be sent again; what was, may not, however long no receipt comes."""
    approve(record, clock, ask(record, clock, number, fate))
    settle_unknowns(record, clock, number, fate)
    assert message_states(record, number) == {state: 3}
    clock.sleep(1000 * 3600)
    save_batches(record, clock, number, 1, 1)
    assert end_waiting(record, clock, Receipts()) == 0
    assert message_states(record, number) == {state: 3}
    with record.read() as connection:
        assert resendable(connection, number) == ([1, 2, 3] if fate == "not_sent" else [])


def test_one_person_settles_nothing(record: Record, clock: FakeClock, number: int) -> None:
    with pytest.raises(NotAllowed, match="approval-none"):
        settle_unknowns(record, clock, number, "not_sent")
    approval = ask(record, clock, number, "not_sent")
    with pytest.raises(NotAllowed, match="approval-waiting"):
        settle_unknowns(record, clock, number, "not_sent")
    with pytest.raises(NotAllowed):
        approve(record, clock, approval, by="ann")
    with pytest.raises(NotAllowed):
        ask(record, clock, number, "not_sent", by="cy")
    assert message_states(record, number) == {"unknown": 3}


def test_what_was_approved_is_exactly_what_is_settled(
    record: Record, clock: FakeClock, number: int
) -> None:
    """NEW-1: another fate, other rows, or a receipt meanwhile void it; once used it is used up."""
    approve(record, clock, ask(record, clock, number, "not_sent", rows=[1, 2]))
    for fate, rows in (("sent", [1, 2]), ("not_sent", [1]), ("not_sent", None)):
        with pytest.raises(NotAllowed, match="approval-void"):
            settle_unknowns(record, clock, number, fate, rows=rows)  # type: ignore[arg-type]
    settle_unknowns(record, clock, number, "not_sent", rows=[1, 2])
    assert message_states(record, number) == {"rejected": 2, "unknown": 1}
    with pytest.raises(NotAllowed):
        settle_unknowns(record, clock, number, "not_sent", rows=[1, 2])


def test_a_delivery_receipt_after_all_still_wins(
    record: Record, clock: FakeClock, number: int
) -> None:
    approve(record, clock, ask(record, clock, number, "not_sent"))
    settle_unknowns(record, clock, number, "not_sent")
    keep_receipts(record, clock, [Receipt("fake", "1", message_id(number, 1), "delivered")])
    apply_receipts(record, clock)
    assert message_states(record, number) == {"rejected": 2, "delivered": 1}


def test_before_72_hours_a_receipt_may_still_tell(
    record: Record, clock: FakeClock, number: int
) -> None:
    clock.sleep(-1)
    with pytest.raises(NotAllowed, match="unknown-none"):
        ask(record, clock, number, "sent")
    clock.sleep(1)
    with pytest.raises(NotAllowed, match="unknown-not-settleable"):
        ask(record, clock, number, "sent", rows=[99])
