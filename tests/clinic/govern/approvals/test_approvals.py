"""Two persons decide, once, about exactly what was reviewed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approval_rows import act_on, existing
from clinic.govern.approvals.approvals import (
    Approval,
    deciders,
    expire,
    request_approval,
    require_approved,
    stale,
    undecidable,
    waiting,
)
from clinic.govern.approvals.confirming import confirm
from clinic.govern.audit.chain import Block, seal
from clinic.govern.audit.rows import act_line, as_json
from clinic.govern.audit.trail import Fault, verify
from clinic.govern.people.operators import Operator, disable_operator
from clinic.record.database import Record
from clinic.record.schema.govern import approval, audit_act, audit_block, operator
from tests.fakes import FakeClock

REVIEWED = "a" * 64
CHANGED = "b" * 64
People = dict[str, Operator]


def ask(record: Record, clock: FakeClock, **changes: Any) -> int:
    """Ann asks for a status change of operation 7, for a day, unless told otherwise."""
    asked: dict[str, Any] = {
        "subject": "operation",
        "subject_id": 7,
        "kind": "status",
        "digest": REVIEWED,
        "requested_by": "ann",
        "summary": {"patients": 3, "to": "discharged"},
        "reason": "facility closes",
        "flow_run_id": None,
        "expires_in": timedelta(days=1),
    }
    with record.write() as connection:
        return request_approval(connection, clock, **(asked | changes))


def begin(record: Record, clock: FakeClock, digest: str = REVIEWED) -> Approval:
    """What an operation does in the transaction in which it begins."""
    with record.write() as connection:
        return require_approved(
            connection, subject="operation", subject_id=7, digest=digest, now=clock.now()
        )


def refused(record: Record, clock: FakeClock, digest: str = REVIEWED) -> str:
    """The code with which beginning is refused."""
    with pytest.raises(NotAllowed) as refusal:
        begin(record, clock, digest)
    return refusal.value.code


def by_hand(record: Record, statement: str) -> None:
    """What somebody with the database's password may try."""
    with record.write() as connection:
        connection.exec_driver_sql(statement)


def test_what_another_person_approved_may_begin_once(
    governed: Record, clock: FakeClock, people: People
) -> None:
    """ALC-2, ALC-33: the request says what, how many and why; the answer is bound to it."""
    number = ask(governed, clock)
    [asked] = waiting(governed, clock.now())
    assert (asked.id, asked.summary, asked.reason) == (
        number, {"patients": 3, "to": "discharged"}, "facility closes",
    )  # fmt: skip
    answered = decide(
        governed, clock, number, operator=people["mia"], decision="approved", note="seen"
    )
    assert (answered.state, answered.decided_by, answered.note) == ("approved", "mia", "seen")
    used = begin(governed, clock)
    assert (used.state, used.used_at) == ("used", clock.now())
    assert refused(governed, clock) == "approval-used"
    assert verify(governed, None).holds


def test_each_step_is_in_the_audit_trail_with_both_persons(
    governed: Record, clock: FakeClock, people: People
) -> None:
    number = ask(governed, clock)
    decide(governed, clock, number, operator=people["mia"], decision="approved", note="seen")
    begin(governed, clock)
    c = audit_act.c
    with governed.read() as connection:
        steps = connection.execute(
            sa.select(c.operation_type, c.operator, c.approver, c.reason).order_by(c.number)
        ).all()
    assert [tuple(step) for step in steps] == [
        ("approval.requested", "ann", None, "facility closes"),
        ("approval.approved", "ann", "mia", "seen"),
        ("approval.used", "ann", "mia", "facility closes"),
    ]


@pytest.mark.parametrize(
    ("who", "kind", "code"),
    [
        ("ann", "status", "approval-role"),  # an operator approves nothing
        ("tim", "status", "approval-role"),  # a team lead no status change (ALC-2)
        ("root", "status", "approval-role"),  # an admin nothing
        ("tim", "tag", None),  # ALC-5
        ("tim", "export", None),  # ALC-6
        ("max", "campaign", None),
        ("mia", "visit", None),
    ],
)
def test_only_the_role_of_the_table_approves(
    governed: Record, clock: FakeClock, people: People, who: str, kind: str, code: str | None
) -> None:
    number = ask(governed, clock, kind=kind, requested_by="mia" if who == "ann" else "ann")
    if code is None:
        assert decide(
            governed, clock, number, operator=people[who], decision="approved", note=""
        ).state == "approved"  # fmt: skip
        return
    with pytest.raises(NotAllowed) as refusal:
        decide(governed, clock, number, operator=people[who], decision="approved", note="")
    assert refusal.value.code == code
    assert refused(governed, clock) == "approval-waiting"
    with governed.read() as connection:  # the try left its trace
        c = audit_act.c
        tried = connection.execute(
            sa.select(c.operator, c.outcome).where(c.operation_type == "approval.refused")
        ).all()
    assert [tuple(t) for t in tried] == [(who, code)]


def test_who_asked_does_not_decide_and_the_database_says_so_too(
    governed: Record, clock: FakeClock, people: People
) -> None:
    """NEW-1: requester and approver are two persons, in code and by a CHECK."""
    number = ask(governed, clock, requested_by="Mia")
    with pytest.raises(NotAllowed) as refusal:
        decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    assert refusal.value.code == "approval-own"
    for statement in (
        "UPDATE approval SET state = 'approved', decided_by = 'mia'",
        "UPDATE approval SET state = 'approved', decided_by = 'MIA'",
    ):
        with pytest.raises(sa.exc.IntegrityError, match="two_persons"):
            by_hand(governed, statement)
    with pytest.raises(sa.exc.IntegrityError, match="decision_has_a_person"):
        by_hand(governed, "UPDATE approval SET state = 'approved'")


def test_a_rank_lost_since_the_proof_decides_nothing(
    governed: Record, clock: FakeClock, people: People
) -> None:
    number = ask(governed, clock)
    disable_operator(governed, clock, name="mia", by="root")
    with pytest.raises(NotAllowed, match="manager or above"):
        decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    claims_more = Operator("tim", "manager", active=True)
    with pytest.raises(NotAllowed, match="manager or above"):
        decide(governed, clock, number, operator=claims_more, decision="approved", note="")


@pytest.mark.parametrize("who", ["root", "nobody", ""])
@pytest.mark.usefixtures("people")
def test_who_may_not_ask_cannot_ask(governed: Record, clock: FakeClock, who: str) -> None:
    """ALC-34: the requester holds the permission."""
    with pytest.raises(NotAllowed) as refusal:
        ask(governed, clock, requested_by=who)
    assert refusal.value.code == "request-not-allowed"
    assert waiting(governed, clock.now()) == []


@pytest.mark.usefixtures("people")
def test_an_unknown_kind_cannot_be_asked_for(governed: Record, clock: FakeClock) -> None:
    with pytest.raises(NotFound, match="no operation is called"):
        ask(governed, clock, kind="amputation")


def test_an_approval_of_something_else_approves_nothing(
    governed: Record, clock: FakeClock, people: People
) -> None:
    assert refused(governed, clock) == "approval-none"
    other = ask(governed, clock, subject_id=8)
    campaign = ask(governed, clock, subject="campaign", kind="campaign")
    confirm(governed, clock, campaign, by=people["ann"])
    for number in (other, campaign):
        decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    assert refused(governed, clock) == "approval-none"


def test_any_change_of_what_was_reviewed_voids_the_approval(
    governed: Record, clock: FakeClock, people: People
) -> None:
    first = ask(governed, clock)
    decide(governed, clock, first, operator=people["mia"], decision="approved", note="")
    assert refused(governed, clock, CHANGED) == "approval-void"
    second = ask(governed, clock, digest=CHANGED)  # asked again: the first is void even unchanged
    assert refused(governed, clock) == "approval-waiting"
    with pytest.raises(NotAllowed, match="decided already: void"):
        decide(governed, clock, first, operator=people["max"], decision="approved", note="")
    decide(governed, clock, second, operator=people["max"], decision="approved", note="")
    assert refused(governed, clock, REVIEWED) == "approval-void"
    assert begin(governed, clock, CHANGED).id == second


def test_what_somebody_approved_who_was_disabled_since_waits_for_another(
    governed: Record, clock: FakeClock, people: People
) -> None:
    number, begun = ask(governed, clock), ask(governed, clock, subject_id=8)
    for each in (number, begun):
        decide(governed, clock, each, operator=people["mia"], decision="approved", note="fine")
    with governed.write() as connection:
        require_approved(
            connection, subject="operation", subject_id=8, digest=REVIEWED, now=clock.now()
        )
    disable_operator(governed, clock, name="mia", by="root")
    assert refused(governed, clock) == "approval-waiting"
    assert [asked.id for asked in waiting(governed, clock.now())] == [number]
    decide(governed, clock, number, operator=people["max"], decision="approved", note="")
    assert begin(governed, clock).decided_by == "max"


@pytest.mark.parametrize("change", [{"active": False}, {"role": "team_lead"}])
def test_an_approval_counts_only_while_its_approver_may_approve(
    governed: Record, clock: FakeClock, people: People, change: dict[str, object]
) -> None:
    number = ask(governed, clock)
    decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    with governed.write() as connection:  # as if it happened in another way than by `disable`
        connection.execute(operator.update().where(operator.c.name == "mia").values(**change))
    assert refused(governed, clock) == "approval-disabled"


def test_a_rejection_stands(governed: Record, clock: FakeClock, people: People) -> None:
    number = ask(governed, clock)
    decide(governed, clock, number, operator=people["mia"], decision="rejected", note="not yet")
    assert refused(governed, clock) == "approval-rejected"
    with pytest.raises(NotAllowed, match="decided already: rejected"):
        decide(governed, clock, number, operator=people["max"], decision="approved", note="")


def test_an_approval_expires_before_and_after_the_decision(
    governed: Record, clock: FakeClock, people: People
) -> None:
    undecided, unused = ask(governed, clock, subject_id=8), ask(governed, clock)
    decide(governed, clock, unused, operator=people["mia"], decision="approved", note="")
    clock.time += timedelta(days=1)
    with pytest.raises(NotAllowed) as refusal:
        decide(governed, clock, undecided, operator=people["mia"], decision="approved", note="")
    assert refusal.value.code == "approval-expired"
    assert refused(governed, clock) == "approval-expired"
    assert expire(governed, clock) == [undecided, unused]
    assert expire(governed, clock) == []
    assert refused(governed, clock) == "approval-expired"


def test_a_number_that_nobody_has_is_not_found(
    governed: Record, clock: FakeClock, people: People
) -> None:
    with pytest.raises(NotFound, match="no approval 99"):
        decide(governed, clock, 99, operator=people["mia"], decision="approved", note="")


def test_what_fails_with_the_work_leaves_the_approval_unused(
    governed: Record, clock: FakeClock, people: People
) -> None:
    number = ask(governed, clock)
    decide(governed, clock, number, operator=people["mia"], decision="approved", note="")

    def fail_after_the_approval() -> None:
        with governed.write() as connection:
            require_approved(
                connection, subject="operation", subject_id=7, digest=REVIEWED, now=clock.now()
            )
            raise RuntimeError("the work could not begin")

    with pytest.raises(RuntimeError, match="could not begin"):
        fail_after_the_approval()
    assert begin(governed, clock).id == number


# --- by SQL, past the program ----------------------------------------------------------------------

PUT_IN = (
    "INSERT INTO approval (subject, subject_id, kind, digest, requested_by, requested_at, expires_at,"
    " summary, reason, state, decided_by, decided_at) VALUES ('operation', 7, 'status', '{digest}',"
    " 'ann', '2026-03-02 09:00:00.000000+00:00', '2099-01-01 00:00:00.000000+00:00', '{{}}', 'x',"
    " 'approved', 'mia', '2026-03-02 09:00:00.000000+00:00')"
).replace("+00:00", "")


@pytest.mark.usefixtures("people")
def test_a_row_put_in_by_hand_approves_nothing(governed: Record, clock: FakeClock) -> None:
    by_hand(governed, PUT_IN.format(digest=REVIEWED))
    assert refused(governed, clock) == "approval-forged"


@pytest.mark.usefixtures("people")
def test_a_waiting_row_set_to_approved_by_hand_approves_nothing(
    governed: Record, clock: FakeClock
) -> None:
    ask(governed, clock)
    by_hand(governed, "UPDATE approval SET state = 'approved', decided_by = 'mia'")
    assert refused(governed, clock) == "approval-forged"


def test_a_used_row_set_back_by_hand_is_not_used_again(
    governed: Record, clock: FakeClock, people: People
) -> None:
    number = ask(governed, clock)
    decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    begin(governed, clock)
    by_hand(governed, "UPDATE approval SET state = 'approved'")
    assert refused(governed, clock) == "approval-used"


@pytest.mark.usefixtures("people")
def test_a_forged_row_with_a_forged_act_in_a_forged_block_approves_nothing(
    governed: Record, clock: FakeClock
) -> None:
    """Who can write the database, and knows this program, lacks the key."""
    number = ask(governed, clock)
    by_hand(governed, "UPDATE approval SET state = 'approved', decided_by = 'mia'")
    with governed.write() as connection:
        asked = existing(connection, number)
        act = act_on(asked, "approved", operator="ann", approver="mia")
        row = {
            **asdict(act),
            "timestamp": clock.now(),
            "old_values": None,
            "new_values": as_json(act.new_values),
        }
        sealed = seal([act_line(row)])
        last = connection.execute(sa.select(audit_block)).mappings().one()
        block = Block(
            stream="system",
            number=2,
            holds="act",
            operation_id=None,
            chunk=None,
            count=1,
            first_patient=None,
            last_patient=None,
            root=sealed.root,
            marks=sealed.marks,
            previous=last["hash"],
            key_id=last["key_id"],
            sealed_at=clock.now(),
        )
        forged = block.hash(b"a key of the forger's own")
        connection.execute(audit_block.insert().values(**asdict(block), hash=forged))
        connection.execute(audit_act.insert().values(stream="system", number=2, **row))
    assert refused(governed, clock) == "approval-forged"
    assert verify(governed, None).first_fault == Fault("block-edited", "system", 2)


@pytest.mark.usefixtures("people")
def test_a_forged_act_without_a_block_approves_nothing(governed: Record, clock: FakeClock) -> None:
    number = ask(governed, clock)
    by_hand(governed, "UPDATE approval SET state = 'approved', decided_by = 'mia'")
    past_the_program(
        governed,
        "INSERT INTO audit_act SELECT stream, 9, timestamp, operator, 'mia', 'approval.approved',"
        " patients_affected, old_values, new_values, reason, subject, subject_id, outcome"
        " FROM audit_act",
    )
    assert number == 1
    assert refused(governed, clock) == "approval-forged"
    edited = Fault("row-edited", "system", 1, table="approval", key=1)
    assert verify(governed, None).first_fault == edited
    by_hand(governed, "UPDATE approval SET state = 'waiting', decided_by = NULL")
    assert verify(governed, None).first_fault == Fault("row-added", "system", 9)


def past_the_program(record: Record, statement: str) -> None:
    """SQL by somebody who owns the database: foreign keys do not stop them."""
    with record.engine.connect() as connection:
        if record.dialect == "sqlite":
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys = OFF")
            driver.execute(statement)
            driver.execute("PRAGMA foreign_keys = ON")
            return
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(statement)
        connection.commit()
        connection.exec_driver_sql("SET session_replication_role = DEFAULT")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approval SET digest = 'b'",
        "UPDATE approval SET subject_id = 8",
        "UPDATE approval SET requested_by = 'tim'",
        "UPDATE approval SET expires_at = '2099-01-01 00:00:00'",
        "UPDATE approval SET summary = '{}'",
        "DELETE FROM approval",
    ],
)
def test_what_was_asked_stays_as_it_was_asked(
    governed: Record, clock: FakeClock, statement: str
) -> None:
    ask(governed, clock)
    with pytest.raises(sa.exc.DBAPIError, match="refused, what was recorded stays"):
        by_hand(governed, statement)


# --- at once ---------------------------------------------------------------------------------------


def test_of_two_who_decide_at_once_one_does(
    governed: Record, clock: FakeClock, people: People
) -> None:
    for subject_id in range(10, 20):
        number = ask(governed, clock, subject_id=subject_id)
        together = threading.Barrier(2)

        def answer(
            who: str,
            decision: Literal["approved", "rejected"],
            number: int = number,
            together: threading.Barrier = together,
        ) -> str:
            together.wait()
            try:
                decide(governed, clock, number, operator=people[who], decision=decision, note="")
            except NotAllowed as refusal:
                return refusal.code
            return decision

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(answer, ("mia", "max"), ("approved", "rejected")))
        assert "approval-decided" in outcomes
        [decision] = set(outcomes) - {"approval-decided"}
        with governed.read() as connection:
            state = connection.execute(
                sa.select(approval.c.state).where(approval.c.id == number)
            ).scalar_one()
        assert state == decision
    assert verify(governed, None).holds


def test_of_many_who_begin_at_once_one_does(
    governed: Record, clock: FakeClock, people: People
) -> None:
    number = ask(governed, clock)
    decide(governed, clock, number, operator=people["mia"], decision="approved", note="")
    together = threading.Barrier(6)

    def try_to_begin(_: int) -> str:
        together.wait()
        try:
            return begin(governed, clock).state
        except NotAllowed as refusal:
            return refusal.code

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(try_to_begin, range(6)))
    assert outcomes == ["approval-used"] * 5 + ["used"]


@pytest.mark.usefixtures("people")
def test_of_many_who_ask_at_once_the_last_one_counts(governed: Record, clock: FakeClock) -> None:
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: ask(governed, clock), range(8)))
    assert [asked.id for asked in waiting(governed, clock.now())] == [max(numbers)]


# --- chasing ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("people")
def test_old_requests_are_chased_with_the_names_of_who_may_decide(
    governed: Record, clock: FakeClock
) -> None:
    """ALC-45: a stale request can be chased."""
    ask(governed, clock, requested_by="mia")
    clock.time += timedelta(hours=5)
    ask(governed, clock, subject_id=8, kind="tag")
    [old] = stale(governed, clock.now(), after=timedelta(hours=4))
    assert (old.subject_id, deciders(governed, old)) == (7, ["max"])
    fresh = waiting(governed, clock.now())[1]
    assert deciders(governed, fresh) == ["max", "mia", "tim"]


@pytest.mark.usefixtures("people")
def test_a_request_that_nobody_can_decide_is_found(governed: Record, clock: FakeClock) -> None:
    """ALC-45: an approver without access to the queue is detectable."""
    ask(governed, clock, requested_by="mia")
    assert undecidable(governed, clock.now()) == []
    disable_operator(governed, clock, name="max", by="root")
    assert [asked.subject_id for asked in undecidable(governed, clock.now())] == [7]
