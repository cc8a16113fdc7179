"""Values that were sealed are taken out by two people, the trail still verifies, and no other change passes."""

# ruff: noqa: S608  the tamperer writes SQL by hand

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, RecordUnsafe
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.audit.redacted import REDACTION
from clinic.govern.audit.trail import Act, record_act, verify
from clinic.govern.people.operators import Operator
from clinic.govern.redact.opened import begin_redaction, decision_of, end_redaction
from clinic.govern.redact.sealed import redact
from clinic.record.database import Record
from clinic.record.schema.change import operation_item, selection_row
from clinic.record.schema.govern import ERASED, audit_block, redaction
from clinic.record.schema.messages import message
from tests.clinic.govern.busy import make_busy, past_the_program
from tests.fakes import FakeClock
from tests.references import message_id

WHO = 2  # of the busy practice: messaged, and changed by the operation
DIGEST = "e" * 64


@pytest.fixture
def busy(governed: Record, clock: FakeClock, tmp_path: Path) -> Record:
    return make_busy(governed, clock, tmp_path)


def approved(record: Record, clock: FakeClock, by: str = "mia") -> int:
    """An erasure of patient 2 that ann asked for and another approved; its number."""
    with record.write() as connection:
        number = request_approval(
            connection, clock, subject="erasure", subject_id=WHO, kind="erasure", digest=DIGEST,
            requested_by="ann", summary={}, reason="court order 7", flow_run_id=None,
            expires_in=timedelta(days=1),
        )  # fmt: skip
    manager = Operator(by, "manager", active=True)
    decide(record, clock, number, operator=manager, decision="approved", note="")
    return number


def begun(record: Record, clock: FakeClock) -> int:
    """That erasure, begun."""
    with record.write() as connection:
        used: Approval = require_approved(
            connection, subject="erasure", subject_id=WHO, digest=DIGEST, now=clock.now()
        )
        return begin_redaction(connection, clock, used, patient_id=WHO, who="w")


def stubs(connection: Connection) -> None:
    """What an erasure writes, by hand."""
    mine = message.c.patient_id == WHO
    connection.execute(sa.update(message).where(mine).values(address=ERASED, body=ERASED))
    connection.execute(
        sa.update(operation_item)
        .where(operation_item.c.patient_id == WHO)
        .values(old=ERASED, new=ERASED)
    )


def blocks_of(connection: Connection) -> list[tuple[str, int]]:
    c = audit_block.c
    rows = connection.execute(sa.select(c.stream, c.number).where(c.holds == "items"))
    return [(stream, number) for stream, number in rows]


def erase(record: Record, clock: FakeClock) -> None:
    approved(record, clock)
    number = begun(record, clock)
    with record.write() as connection:
        redact(
            connection, clock, decision_of(connection, number),
            rows={message: [message_id(1, WHO)]}, blocks=blocks_of(connection), change=stubs,
        )  # fmt: skip
    with record.write() as connection:
        end_redaction(connection, clock, number, {"message": 1})


def test_what_two_people_decided_is_accepted_and_said(busy: Record, clock: FakeClock) -> None:
    """NEW-36: the values are gone, and verify says that one redaction was approved by mia."""
    erase(busy, clock)
    result = verify(busy, None)
    assert result.first_fault is None
    assert result.redactions == (("mia", 1),)
    with busy.read() as connection:
        items = connection.execute(
            sa.select(operation_item.c.old).where(operation_item.c.patient_id == WHO)
        )
        assert set(items.scalars()) == {ERASED}


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ("UPDATE operation_item SET new = 'active' WHERE patient_id = 1", "operation-1"),
        ("UPDATE operation_item SET old = 'on_hold' WHERE patient_id = 2", "operation-1"),
        (f"UPDATE message SET body = 'x' WHERE id = {message_id(1, 2)}", "campaign-1"),
        (f"UPDATE message SET body = '{ERASED}' WHERE id = {message_id(1, 3)}", "campaign-1"),
    ],
)
def test_any_change_beyond_it_is_found(
    busy: Record, clock: FakeClock, edit: str, named: str
) -> None:
    """NEW-36: another's value, the stub made a value again, and a stub where nobody decided one."""
    erase(busy, clock)
    past_the_program(busy, edit)
    fault = verify(busy, None).first_fault
    assert fault is not None
    assert (fault.code, fault.stream) == ("row-edited", named)


def test_a_redaction_that_nobody_approved_is_found(busy: Record, clock: FakeClock) -> None:
    """NEW-36: whoever writes a good block without the decision of another, with the key and all."""
    with busy.write() as connection:
        says = {"kind": "erasure", "of": ["erasure", WHO], "approval": 1, "digest": DIGEST}
        act = Act(
            operator="ann", approver="mia", operation_type=REDACTION, subject="redaction",
            subject_id=9, new_values={**says, "blocks": [], "rows": {}}, reason="none",
        )  # fmt: skip
        record_act(connection, clock, act)
    fault = verify(busy, None).first_fault
    assert fault is not None
    assert fault.code == "redaction-unapproved"


def test_what_was_edited_before_is_not_sealed_anew(busy: Record, clock: FakeClock) -> None:
    """NEW-36: a redaction launders nothing, neither of an operation nor of a message's state."""
    past_the_program(busy, "UPDATE operation_item SET new = 'active' WHERE patient_id = 1")
    with pytest.raises(RecordUnsafe, match="audit-differs"):
        erase(busy, clock)
    past_the_program(busy, "UPDATE operation_item SET new = 'on_hold' WHERE patient_id = 1")
    past_the_program(busy, f"UPDATE message SET state = 'rejected' WHERE id = {message_id(1, 2)}")
    number = 1
    with busy.write() as connection:
        redact(
            connection, clock, decision_of(connection, number),
            rows={message: [message_id(1, WHO)]}, blocks=blocks_of(connection), change=stubs,
        )  # fmt: skip
    fault = verify(busy, None).first_fault
    assert fault is not None
    assert (fault.table, fault.key) == ("message", message_id(1, WHO))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operation_item SET old = '[erased]' WHERE patient_id = 1",  # another's
        "UPDATE operation_item SET old = 'on_hold' WHERE patient_id = 2",  # no stub
        "UPDATE operation_item SET patient_id = 99 WHERE patient_id = 2",  # no value
        "UPDATE message SET body = 'other' WHERE patient_id = 2",
        "UPDATE message SET body = '[erased]' WHERE patient_id = 3",
        "UPDATE clinical_item SET snomed_codes = 'x' WHERE patient_id = 2",
        "UPDATE selection_row SET given = '[erased]' WHERE row_number = 1",
        "UPDATE selection_row SET outcome = 'selected'",
        "UPDATE audit_act SET reason = 'better'",
        "UPDATE audit_act SET operator = '[erased]'",
        "UPDATE approval SET digest = '[erased]'",
        "UPDATE redaction SET ground = 'another'",
        "DELETE FROM redaction",
        "DELETE FROM operation_item WHERE patient_id = 2",
        "INSERT INTO redaction (id, kind, ground, asked_by, approved_by, begun_at) "
        "VALUES (9, 'erasure', 'g', 'ann', 'mia', '2026-03-02')",
    ],
)
def test_triggers_let_through_exactly_the_stub(
    busy: Record, clock: FakeClock, statement: str
) -> None:
    """NEW-36: also while an erasure of patient 2 is open."""
    approved(busy, clock)
    begun(busy, clock)
    with pytest.raises(sa.exc.DatabaseError, match="refused"), busy.write() as connection:
        connection.exec_driver_sql(statement)
    with busy.write() as connection:
        connection.exec_driver_sql(
            "UPDATE operation_item SET old = '[erased]' WHERE patient_id = 2"
        )
        connection.execute(
            sa.update(selection_row).where(selection_row.c.patient_id == WHO).values(given=ERASED)
        )


def test_none_of_it_without_an_open_redaction(busy: Record, clock: FakeClock) -> None:
    """NEW-36: neither before it was begun nor once it has ended."""
    statement = "UPDATE message SET body = '[erased]' WHERE patient_id = 2"
    with pytest.raises(sa.exc.DatabaseError, match="refused"), busy.write() as connection:
        connection.exec_driver_sql(statement)
    erase(busy, clock)
    with pytest.raises(sa.exc.DatabaseError, match="refused"), busy.write() as connection:
        connection.exec_driver_sql(
            "UPDATE message SET address = '[erased]', body = 'x' WHERE patient_id = 2"
        )
    with busy.read() as connection:
        assert connection.scalar(sa.select(redaction.c.ended_at)) is not None


def test_who_asked_does_not_approve_it(busy: Record, clock: FakeClock) -> None:
    """NEW-36: an operator asks, a manager decides, and never the same person."""
    with pytest.raises(NotAllowed, match="approval-role"):
        approved(busy, clock, by="ann")
