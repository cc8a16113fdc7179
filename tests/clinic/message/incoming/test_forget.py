"""Old receipts go, what came of them stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.received import Receipt
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.forget import forget_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.save import save_batches
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.people import clinical_item
from clinic.record.schema.receipts import receipt_inbox
from clinic.settings import Receipts
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

KEEP = Receipts(keep_days=400)


def put(record: Record, clock: FakeClock, *rows: tuple[str, float]) -> None:
    """Receipts in these states, so many days old, in the order in which they came."""
    with record.write() as connection:
        connection.execute(
            sa.insert(receipt_inbox),
            [
                {
                    "gateway": "fake", "event_id": f"{state}{days}", "outcome": "delivered",
                    "received_at": clock.now() - timedelta(days=days), "state": state,
                }
                for state, days in rows
            ],
        )  # fmt: skip


def left(record: Record) -> list[str]:
    with record.read() as connection:
        query = sa.select(receipt_inbox.c.event_id).order_by(receipt_inbox.c.id)
        return list(connection.scalars(query))


@pytest.mark.parametrize("block", [1, 2, 100])
def test_what_is_done_with_and_old_goes_and_nothing_else(
    record: Record, clock: FakeClock, block: int
) -> None:
    put(
        record, clock, ("applied", 900), ("waiting", 800), ("ignored", 700), ("unmatched", 500),
        ("applied", 401), ("applied", 399), ("unmatched", 10), ("waiting", 1),
    )  # fmt: skip
    assert forget_receipts(record, clock, KEEP, block=block) == 4
    assert left(record) == ["waiting800", "applied399", "unmatched10", "waiting1"]
    assert forget_receipts(record, clock, KEEP, block=block) == 0


def test_a_run_looks_at_no_more_than_it_may_and_the_next_goes_on(
    sqlite_record: Record, clock: FakeClock
) -> None:
    put(sqlite_record, clock, *(("applied", 900 - n) for n in range(10)))
    gone = [forget_receipts(sqlite_record, clock, KEEP, block=2, most=4) for _ in range(4)]
    assert gone == [4, 4, 2, 0]


def test_receipts_that_stay_keep_no_others_from_going(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """Each night looked at the same ones that wait, as far as it may, and at none behind them."""
    put(sqlite_record, clock, *(("waiting", 900 - n) for n in range(10)), ("applied", 700))
    assert forget_receipts(sqlite_record, clock, KEEP, block=2, most=4) == 1


def test_the_message_and_its_clinical_item_stay_and_the_event_told_again_changes_nothing(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-8, COM-10: what a receipt said is kept where people look for it."""
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    deliver(make_ledger(record, clock, tmp_path), FakeGateway(), number, 1, 1)
    save_batches(record, clock, number, 1, 1)
    said = Receipt("fake", "e1", message_id(number, 1), "delivered", None)
    keep_receipts(record, clock, [said])
    apply_receipts(record, clock)
    clock.sleep(timedelta(days=401).total_seconds())
    assert forget_receipts(record, clock, KEEP) == 1
    keep_receipts(record, clock, [said])
    assert apply_receipts(record, clock).applied == 1
    assert message_states(record, number) == {"delivered": 1}
    with record.read() as connection:
        assert connection.scalars(sa.select(clinical_item.c.status)).all() == ["sent"]


def test_no_receipt_is_forgotten_while_it_may_be_needed() -> None:
    """The setting is longer than a receipt may wait for its message, and than 72 hours of silence."""
    with pytest.raises(ValueError, match="greater than or equal to 30"):
        Receipts(keep_days=29)
