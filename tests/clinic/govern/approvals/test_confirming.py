"""Nobody asks for a campaign in another's name: who is named confirms it before it is approved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approval_rows import existing
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.approvals.confirming import confirm, is_confirmed
from clinic.govern.approvals.deciding import Decision
from clinic.govern.audit.rows import as_json
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import Operator, disable_operator
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, audit_block
from tests.fakes import FakeClock

REVIEWED = "a" * 64
CHANGED = "b" * 64
People = dict[str, Operator]


def ask(
    record: Record,
    clock: FakeClock,
    *,
    digest: str = REVIEWED,
    subject: str = "campaign",
    kind: str = "campaign",
) -> int:
    """Somebody asks in ann's name for campaign 3, for a day."""
    with record.write() as connection:
        return request_approval(
            connection, clock, subject=subject, subject_id=3, kind=kind, digest=digest,
            requested_by="ann", summary={"messages": 9}, reason="message Flu", flow_run_id=None,
            expires_in=timedelta(days=1),
        )  # fmt: skip


def answer(
    record: Record, clock: FakeClock, number: int, *, decision: Decision = "approved"
) -> str:
    """What mia's answer comes to: the state, or the code with which it is refused."""
    mia = Operator("mia", "manager", active=True)
    try:
        return decide(record, clock, number, operator=mia, decision=decision, note="").state
    except NotAllowed as refusal:
        return refusal.code


def confirmed(record: Record, number: int) -> bool:
    with record.read() as connection:
        return is_confirmed(connection, existing(connection, number))


def acts(record: Record, operation_type: str) -> list[tuple[str, str, int, str]]:
    """operator, subject, its number and outcome of each act of this type."""
    c = audit_act.c
    query = sa.select(c.operator, c.subject, c.subject_id, c.outcome).order_by(c.timestamp)
    with record.read() as connection:
        found = connection.execute(query.where(c.operation_type == operation_type))
        return [tuple(row) for row in found]


def test_a_campaign_is_approved_only_after_its_requester_confirmed_it(
    governed: Record, clock: FakeClock, people: People
) -> None:
    """NEW-1: the refusal says who types what; both steps and the refused try are in the trail."""
    number = ask(governed, clock)
    with pytest.raises(NotAllowed, match=f"ann types: cohort confirm {number}"):
        decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    confirm(governed, clock, number, by=people["ann"])
    confirm(governed, clock, number, by=people["ann"])
    assert answer(governed, clock, number) == "approved"
    assert acts(governed, "campaign.asked") == [("ann", "campaign", 3, "done")], "once"
    assert acts(governed, "approval.refused") == [("mia", "approval", number, "requester-unproven")]
    assert verify(governed, None).holds


def test_a_campaign_is_rejected_without_a_confirmation(
    governed: Record, clock: FakeClock, people: People
) -> None:
    assert answer(governed, clock, ask(governed, clock), decision="rejected") == "rejected"


@pytest.mark.parametrize("who", ["mia", "tim", "root"])
def test_nobody_confirms_what_another_asked_for(
    governed: Record, clock: FakeClock, people: People, who: str
) -> None:
    """NEW-1: whatever their role; the try leaves its trace."""
    number = ask(governed, clock)
    assert refused(governed, clock, number, people[who]) == "confirm-other"
    assert acts(governed, "approval.refused") == [(who, "approval", number, "confirm-other")]
    assert answer(governed, clock, number) == "requester-unproven"


def _rejected(record: Record, clock: FakeClock, number: int) -> None:
    answer(record, clock, number, decision="rejected")


def _expired(record: Record, clock: FakeClock, number: int) -> None:
    clock.time += timedelta(days=1)


def _asked_anew(record: Record, clock: FakeClock, number: int) -> None:
    ask(record, clock, digest=CHANGED)


def _left(record: Record, clock: FakeClock, number: int) -> None:
    disable_operator(record, clock, name="ann", by="root")


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (_rejected, "approval-decided"),
        (_asked_anew, "approval-decided"),
        (_expired, "approval-expired"),
        (_left, "request-not-allowed"),
    ],
)
def test_what_does_not_wait_is_not_confirmed(
    governed: Record,
    clock: FakeClock,
    people: People,
    happens: Callable[[Record, FakeClock, int], None],
    code: str,
) -> None:
    number = ask(governed, clock)
    happens(governed, clock, number)
    assert refused(governed, clock, number, people["ann"]) == code
    assert not confirmed(governed, number)


@pytest.mark.parametrize("digest", [CHANGED, REVIEWED])
def test_a_campaign_that_is_asked_for_anew_is_confirmed_anew(
    governed: Record, clock: FakeClock, people: People, digest: str
) -> None:
    """NEW-1: a confirmation is of one request; also of one that was changed and changed back."""
    confirm(governed, clock, ask(governed, clock), by=people["ann"])
    again = ask(governed, clock, digest=digest)
    assert answer(governed, clock, again) == "requester-unproven"
    confirm(governed, clock, again, by=people["ann"])
    assert answer(governed, clock, again) == "approved"


@pytest.mark.parametrize(
    ("subject", "kind"),
    [("operation", "status"), ("campaign", "notification"), ("unknown", "resend_unknown")],
)
def test_what_is_asked_for_with_a_secret_needs_no_confirmation(
    governed: Record, clock: FakeClock, people: People, subject: str, kind: str
) -> None:
    if kind == "resend_unknown":  # who asks for it is a team lead or above
        people = people | {"ann": people["tim"]}
        with governed.write() as connection:
            connection.exec_driver_sql("UPDATE operator SET role = 'team_lead' WHERE name = 'ann'")
    number = ask(governed, clock, subject=subject, kind=kind)
    assert confirmed(governed, number)
    assert refused(governed, clock, number, people["ann"]) == "confirm-needless"
    assert answer(governed, clock, number) == "approved"


@pytest.mark.usefixtures("people")
def test_a_confirmation_written_by_hand_confirms_nothing(
    governed: Record, clock: FakeClock
) -> None:
    """Only what is sealed is believed: whoever writes the database lacks the key."""
    number = ask(governed, clock)
    says = as_json({"approval": number, "digest": REVIEWED})
    forged = {"number": 2, "operation_type": "campaign.asked", "subject": "campaign"}
    with governed.write() as connection:
        for table, changed in (
            (audit_block, {"number": 2}),
            (audit_act, forged | {"subject_id": 3, "new_values": says}),
        ):
            row = connection.execute(sa.select(table)).mappings().one()
            connection.execute(table.insert().values({**row, **changed}))
    assert not confirmed(governed, number)


def test_a_number_that_nobody_has_is_not_found(
    governed: Record, clock: FakeClock, people: People
) -> None:
    with pytest.raises(NotFound, match="no approval 99"):
        confirm(governed, clock, 99, by=people["ann"])


def refused(record: Record, clock: FakeClock, number: int, by: Operator) -> str:
    """The code with which confirming is refused."""
    with pytest.raises(NotAllowed) as refusal:
        confirm(record, clock, number, by=by)
    return refusal.value.code
