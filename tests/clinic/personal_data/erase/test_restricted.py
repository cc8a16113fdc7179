"""Who is restricted gets no message and is in no operation and no export, from the moment it was decided."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message.sending.deliver import deliver
from clinic.personal_data.erase.restrict import lift_restriction, set_restriction
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.clinic.change.practice import applied, approved, asked, outcomes, practice, reviewed
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id

DECIDED = {"ground": "accuracy is disputed", "asked_by": "ann", "approved_by": "mia"}


def restrict(record: Record, clock: FakeClock, patient_id: int) -> None:
    with record.write() as connection:
        set_restriction(connection, clock, patient_id, **DECIDED)


def test_a_batch_that_is_about_to_leave_leaves_them_out(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-36: restricted after the review, reason `restricted`; lifted, the next one reaches them."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3)
    restrict(record, clock, 2)
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, tmp_path), gateway, number, 1, 1)
    assert set(gateway.received) == {message_id(number, 1), message_id(number, 3)}
    with record.read() as connection:
        reason = connection.scalar(
            sa.select(message.c.reason).where(message.c.id == message_id(number, 2))
        )
    assert reason == "restricted"
    with record.write() as connection:
        lift_restriction(connection, clock, 2, **DECIDED)
    again = add_campaign(record, clock, 3)
    deliver(make_ledger(record, clock, tmp_path), gateway, again, 1, 1)
    assert message_id(again, 2) in gateway.received


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("status", {"to": "on_hold"}),
        ("tag", {"add": ["a"]}),
        ("provider", {"to": ["P2"]}),
        ("export", {"what": "patients", "format": "csv"}),
    ],
)
def test_no_operation_and_no_export_has_them(
    record: Record, clock: FakeClock, kind: str, parameters: dict[str, object]
) -> None:
    """NEW-36: they stand on its review with why, and nothing of them is changed or leaves."""
    practice(record)
    restrict(record, clock, 2)
    operation_id = asked(record, clock, kind, parameters, [1, 2, 3])
    reviewed(record, clock, operation_id)
    found = outcomes(record, operation_id)
    assert found[2] == "restricted"
    assert found[1] == found[3] == "will_change"


def test_who_is_restricted_after_the_review_stays_as_they_are(
    record: Record, clock: FakeClock
) -> None:
    """NEW-36: the operation was approved before, and is applied to the others."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3])
    approved(record, clock, operation_id)
    restrict(record, clock, 2)
    applied(record, clock, operation_id)
    assert outcomes(record, operation_id) == {1: "will_change", 2: "restricted", 3: "will_change"}
