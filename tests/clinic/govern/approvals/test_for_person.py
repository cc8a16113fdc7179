"""ALC-44, NEW-38: what waits is shown to each with the steps that are theirs, and with no other's patients."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinic.govern.approvals.approvals import request_approval
from clinic.govern.approvals.confirming import confirm
from clinic.govern.approvals.for_person import waiting_for
from clinic.govern.people.operators import Operator
from clinic.record.database import Record
from tests.clinic.change.practice import ASKER, MANAGER, staff
from tests.fakes import FakeClock


def ask(record: Record, clock: FakeClock, kind: str, subject: str) -> int:
    with record.write() as connection:
        return request_approval(
            connection, clock, subject=subject, subject_id=7, kind=kind, digest="d" * 64,
            requested_by="ann", summary={"patients": 3}, reason="it closes", flow_run_id=None,
            expires_in=timedelta(hours=8),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "subject", "person", "steps"),
    [
        ("status", "operation", MANAGER, ("approve", "reject")),
        ("status", "operation", ASKER, ()),
        ("campaign", "campaign", MANAGER, ("reject",)),
        ("campaign", "campaign", ASKER, ("confirm",)),
        ("status", "operation", Operator("zoe", "manager", active=True), ()),
    ],
)
def test_each_is_offered_what_is_theirs_to_do(
    record: Record, clock: FakeClock, kind: str, subject: str, person: Operator,
    steps: tuple[str, ...],
) -> None:  # fmt: skip
    staff(record)
    number = ask(record, clock, kind, subject)
    (waits,) = waiting_for(record, clock.now(), person.name).waits
    assert (waits.asked.id, waits.steps, waits.needs) == (number, steps, "manager")
    assert waits.deciders == ("mia",)
    assert waits.proven is (subject == "operation")


def test_a_campaign_that_its_sender_confirmed_is_the_others_to_approve(
    record: Record, clock: FakeClock
) -> None:
    """NEW-1."""
    staff(record)
    number = ask(record, clock, "campaign", "campaign")
    confirm(record, clock, number, by=ASKER)
    found = {
        name: waiting_for(record, clock.now(), name).waits[0].steps
        for name in ("ann", "mia", "tom")
    }
    assert found == {"ann": (), "mia": ("approve", "reject"), "tom": ()}
