"""Applying: approvals, locks, conflicts, failures, and what abuse meets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review.approve import answer
from clinic.change.review.checklist import checklist, require_ready
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.change.run.rerun import request_rerun
from clinic.change.run.summary import summarize
from clinic.errors import NotAllowed, OperationRefused
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.change import operation_item, selection_row
from clinic.record.schema.people import patient
from tests.clinic.change.practice import (
    ASKER,
    LEAD,
    MANAGER,
    SETTINGS,
    applied,
    approved,
    asked,
    column,
    done,
    locks,
    outcomes,
    practice,
    reviewed,
    update,
    visit_column,
    visits,
)
from tests.clinic.change.run.test_undo import undo_of
from tests.fakes import FakeClock


def test_nothing_is_applied_without_approval(record: Record, clock: FakeClock) -> None:
    """ALC-2, ALC-33: unapproved."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2])
    reviewed(record, clock, operation_id)
    with pytest.raises(NotAllowed, match="approval-waiting"):
        begin(record, clock, operation_id)
    with pytest.raises(NotAllowed, match="operation-not-running"):
        apply_chunk(record, clock, operation_id, 1)
    assert set(column(record, "status").values()) == {"active"}


def test_the_requester_and_a_lower_role_cannot_approve(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-2: Manager; never the requester."""
    practice(sqlite_record)
    number = reviewed(
        sqlite_record, clock, asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    )
    for person in (ASKER, LEAD):
        with pytest.raises(NotAllowed):
            decide(sqlite_record, clock, number, operator=person, decision="approved", note="")


def test_an_approval_serves_once(record: Record, clock: FakeClock) -> None:
    """A used approval lends itself to no second operation, nor to the same one again."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2])
    done(record, clock, operation_id)
    with record.write() as connection:
        from clinic.record.schema.change import operation

        connection.execute(sa.update(operation).values(state="planned"))
    with pytest.raises(NotAllowed, match="approval-used"):
        begin(record, clock, operation_id)


def _add_to_selection(record: Record, operation_id: int) -> None:
    selection_id = get_operation(record, operation_id).selection_id
    row = {"selection_id": selection_id, "row_number": 99, "patient_id": 6, "outcome": "selected"}
    with record.write() as connection:
        connection.execute(sa.insert(selection_row).values(row))


def _add_to_plan(record: Record, operation_id: int) -> None:
    row = {
        "operation_id": operation_id, "patient_id": 6, "field": "status", "subject_id": 0,
        "outcome": "will_change", "old": "active", "new": "on_hold", "version_before": 1,
    }  # fmt: skip
    with record.write() as connection:
        connection.execute(sa.insert(operation_item).values(row))


def _take_from_plan(record: Record, operation_id: int) -> None:
    with record.write() as connection:
        connection.execute(
            sa.update(operation_item)
            .where(operation_item.c.operation_id == operation_id, operation_item.c.patient_id == 1)
            .values(outcome="already_so")
        )


@pytest.mark.parametrize("tamper", [_add_to_selection, _add_to_plan, _take_from_plan])
def test_an_approval_does_not_cover_what_was_changed_after_the_review(
    record: Record, clock: FakeClock, tamper: object
) -> None:
    """ALC-34: cohort not changed since review; any change voids the approval."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2])
    approved(record, clock, operation_id)
    tamper(record, operation_id)  # type: ignore[operator]
    points = {point.code: point.holds for point in checklist(record, SETTINGS, operation_id)}
    assert points["review-changed"] is False
    with pytest.raises(NotAllowed, match="approval-void"):
        begin(record, clock, operation_id)
    assert set(column(record, "status").values()) == {"active"}


@pytest.mark.parametrize("value", ["old", "new", "version_before"])
def test_a_planned_value_cannot_be_changed_even_by_sql(
    record: Record, clock: FakeClock, value: str
) -> None:
    practice(record)
    make_plan(record, clock, SETTINGS, asked(record, clock, "status", {"to": "on_hold"}, [1]))
    with pytest.raises(sa.exc.DBAPIError, match="refused"), record.write() as connection:
        connection.execute(
            sa.update(operation_item).values({value: 7 if value == "version_before" else "x"})
        )


def test_an_approval_forged_by_sql_approves_nothing(record: Record, clock: FakeClock) -> None:
    """Abuse: an approval row put in by hand is not in the sealed trail."""
    from clinic.record.schema.govern import approval

    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1])
    reviewed(record, clock, operation_id)
    with record.write() as connection:
        connection.execute(
            sa.update(approval).values(state="approved", decided_by="mia", decided_at=clock.now())
        )
    with pytest.raises(NotAllowed, match="approval-forged"):
        begin(record, clock, operation_id)


def test_rejection_and_expiry_end_the_operation(record: Record, clock: FakeClock) -> None:
    """ALC-45."""
    practice(record)
    rejected = asked(record, clock, "status", {"to": "on_hold"}, [1])
    number = reviewed(record, clock, rejected)
    assert answer(record, clock, rejected) == "waiting"
    decide(record, clock, number, operator=MANAGER, decision="rejected", note="no")
    assert answer(record, clock, rejected) == "rejected"
    late = asked(record, clock, "status", {"to": "on_hold"}, [2])
    reviewed(record, clock, late)
    clock.sleep(timedelta(hours=73).total_seconds())
    assert answer(record, clock, late) == "expired"
    states = [get_operation(record, key).state for key in (rejected, late)]
    assert states == ["rejected", "expired"]


def test_who_may_not_ask_does_not_get_an_approval_asked(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-44: somebody who is no operator."""
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    stranger = Request(
        kind="status", parameters={"to": "on_hold"},
        selection_id=get_operation(sqlite_record, operation_id).selection_id,
        requested_by="stranger", reason="none", request_key="stranger",
    )  # fmt: skip
    theirs = request_operation(sqlite_record, clock, SETTINGS, stranger)
    make_plan(sqlite_record, clock, SETTINGS, theirs)
    with pytest.raises(OperationRefused, match="requester-may"):
        require_ready(sqlite_record, clock, SETTINGS, theirs)
    assert get_operation(sqlite_record, theirs).state == "failed"


def test_a_second_operation_is_told_who_holds_the_patients(
    record: Record, clock: FakeClock
) -> None:
    """Two operations on the same patients never mix."""
    practice(record)
    first = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3])
    approved(record, clock, first)
    early = asked(record, clock, "tag", {"add": ["a"]}, [2, 3, 4])
    approved(record, clock, early)  # planned and approved while nobody holds anything
    begin(record, clock, first)
    assert locks(record) == {1: first, 2: first, 3: first}
    late = asked(record, clock, "tag", {"add": ["b"]}, [3, 4])
    make_plan(record, clock, SETTINGS, late)
    assert outcomes(record, late) == {3: "locked", 4: "will_change"}
    summary = applied(record, clock, early)
    assert outcomes(record, early) == {2: "locked", 3: "locked", 4: "will_change"}
    assert (summary.state, summary.applied, summary.conflicts) == ("done_with_conflicts", 1, 2)
    with record.read() as connection:
        said = connection.execute(
            sa.select(operation_item.c.detail).where(operation_item.c.outcome == "locked")
        ).scalars()
        assert set(said) == {str(first)}
    applied(record, clock, first)
    assert locks(record) == {}


def test_of_operations_that_begin_at_once_each_patient_has_one(
    record: Record, clock: FakeClock
) -> None:
    """Whoever comes second waits until the first has begun, and then sees whom it holds."""
    practice(record)
    kinds = (("tag", {"add": ["a"]}), ("tag", {"add": ["b"]}), ("status", {"to": "on_hold"}))
    several = [asked(record, clock, *kind, [1, 2, 3, 4]) for kind in kinds]
    for operation_id in several:
        approved(record, clock, operation_id)
    with ThreadPoolExecutor(len(several)) as pool:
        list(pool.map(lambda operation_id: begin(record, clock, operation_id), several))
    (first,) = set(locks(record).values())
    for operation_id in several:
        expected = "will_change" if operation_id == first else "locked"
        assert set(outcomes(record, operation_id).values()) == {expected}


def test_edits_between_review_and_apply_are_kept_and_listed(
    record: Record, clock: FakeClock
) -> None:
    """Version check: reported, not forced; also an edit without a version. Another field's is no conflict."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(record, clock, operation_id)
    update(record, 2, status="discharged")
    with record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 4).values(status="discharged"))
    update(record, 5, postcode="EF1 2GH", facility_id=2, mobile="07700 900001")
    summary = applied(record, clock, operation_id)
    assert column(record, "status") == {
        1: "on_hold", 2: "discharged", 3: "on_hold", 4: "discharged", 5: "on_hold", 6: "on_hold",
    }  # fmt: skip
    assert column(record, "facility_id")[5] == 2
    assert (summary.applied, summary.conflicts, summary.state) == (4, 2, "done_with_conflicts")
    assert verify(record, None).holds


@pytest.mark.parametrize(
    ("kind", "parameters", "outcome"),
    [
        ("provider", {"to": ["P2"]}, "will_change"),
        # Made from the patient's facility: whatever was changed since, a person looks again
        ("provider", {"to": []}, "changed_since"),
        ("facility", {"to": "F2", "provider": "default"}, "will_change"),
        ("tag", {"add": ["a"]}, "will_change"),
        ("attribute", {"field": "title", "to": "Dr"}, "will_change"),
    ],
)
def test_only_what_an_operation_changes_or_decides_by_is_a_conflict(
    record: Record, clock: FakeClock, kind: str, parameters: dict[str, Any], outcome: str
) -> None:
    practice(record)
    with record.write() as connection:
        connection.execute(sa.update(patient).values(provider_id=None))
    operation_id = asked(record, clock, kind, parameters, [1, 2, 3])
    approved(record, clock, operation_id)
    update(record, 2, mobile="07700 900002", status="on_hold")
    applied(record, clock, operation_id)
    assert outcomes(record, operation_id) == {1: "will_change", 2: outcome, 3: "will_change"}
    back = undo_of(record, clock, operation_id)
    assert done(record, clock, back).state == "done"
    assert verify(record, None).holds


@pytest.mark.parametrize("field", ["status", "several"])
def test_who_died_after_the_review_is_left_as_they_were(
    record: Record, clock: FakeClock, field: str
) -> None:
    """Whoever noted the death raised no version."""
    practice(record)
    visits(record, [(1, 2, 1, 1, 7)])
    what = {"status": ("status", {"to": "on_hold"}), "several": ("facility", {"to": "F2"})}
    kind, parameters = what[field]
    operation_id = asked(record, clock, kind, parameters, [1, 2, 3])
    approved(record, clock, operation_id)
    with record.write() as connection:
        dead = sa.update(patient).where(patient.c.id == 2)
        connection.execute(dead.values(death_date=date(2026, 3, 1)))
    summary = applied(record, clock, operation_id)
    assert outcomes(record, operation_id) == {1: "will_change", 2: "deceased", 3: "will_change"}
    assert column(record, "version") == {1: 2, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1}
    assert visit_column(record, "facility_id") == {1: 1}
    assert (summary.applied, summary.conflicts, summary.remaining) == (2, 1, 0)
    assert verify(record, None).holds


def test_only_the_failed_subset_is_run_again(record: Record, clock: FakeClock) -> None:
    """ALC-36."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(record, clock, operation_id)
    update(record, 5, status="discharged")
    applied(record, clock, operation_id)
    update(record, 5, status="active")
    again = request_rerun(
        record, clock, SETTINGS, of=operation_id, requested_by="ann", request_key="again"
    )
    done(record, clock, again)
    assert outcomes(record, again) == {5: "will_change"}
    assert set(column(record, "status").values()) == {"on_hold"}
    assert get_operation(record, again).rerun_of == operation_id
    with pytest.raises(OperationRefused, match="rerun-nothing"):
        request_rerun(record, clock, SETTINGS, of=again, requested_by="ann", request_key="more")


@pytest.mark.parametrize("field", ["insurance_plan", "several"])
def test_what_the_database_refuses_fails_alone(
    record: Record, clock: FakeClock, field: str
) -> None:
    """ALC-36: one patient's failure is theirs; the others of the chunk are changed."""
    practice(record)
    _refuse_patient(record, 3)
    kind, parameters = (
        ("attribute", {"field": "insurance_plan", "to": "New"})
        if field == "insurance_plan"
        else ("facility", {"to": "F2", "provider": "default"})
    )
    operation_id = asked(record, clock, kind, parameters, range(1, 7))
    summary = done(record, clock, operation_id)
    assert (summary.applied, summary.failed, summary.state) == (5, 1, "done_with_conflicts")
    assert outcomes(record, operation_id)[3] == "failed"
    assert column(record, "version") == {1: 2, 2: 2, 3: 1, 4: 2, 5: 2, 6: 2}
    assert verify(record, None).holds


def _refuse_patient(record: Record, patient_id: int) -> None:
    """A rule of this database that our code does not know."""
    with record.write() as connection:
        if record.dialect == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER rule BEFORE UPDATE ON patient "
                f"WHEN NEW.id = {patient_id} BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE FUNCTION rule() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no'; END $$"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER rule BEFORE UPDATE ON patient FOR EACH ROW "
                f"WHEN (NEW.id = {patient_id}) EXECUTE FUNCTION rule()"
            )


def test_an_operation_of_which_nothing_was_applied_has_failed_and_frees_its_patients(
    record: Record, clock: FakeClock
) -> None:
    """ALC-37."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3])
    approved(record, clock, operation_id)
    begin(record, clock, operation_id)
    assert finish(record, clock, SETTINGS, operation_id).state == "failed"
    assert locks(record) == {}


def test_a_run_that_stopped_half_way_goes_on_where_it_was(record: Record, clock: FakeClock) -> None:
    """ALC-35, ALC-42: processed and remaining are facts of the database."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(record, clock, operation_id)
    begin(record, clock, operation_id)
    apply_chunk(record, clock, operation_id, chunks_left(record, operation_id)[0])
    half = finish(record, clock, SETTINGS, operation_id)
    assert (half.state, half.processed, half.remaining) == ("running", 2, 4)
    assert set(locks(record)) == set(range(1, 7))
    assert applied(record, clock, operation_id).applied == 6


def test_chunks_applied_by_many_at_once_are_applied_once(record: Record, clock: FakeClock) -> None:
    """Prefect may start a task twice: the chunk's own row says who was first."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
    approved(record, clock, operation_id)
    begin(record, clock, operation_id)
    workers = [
        threading.Thread(target=apply_chunk, args=(record, clock, operation_id, number))
        for number in (1, 2, 3)
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    finish(record, clock, SETTINGS, operation_id)
    assert set(column(record, "version").values()) == {2}
    assert verify(record, None).holds


def test_the_same_request_twice_is_one_operation(sqlite_record: Record, clock: FakeClock) -> None:
    practice(sqlite_record)
    first = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1], key="k")
    request = Request(
        kind="status", parameters={"to": "on_hold"},
        selection_id=get_operation(sqlite_record, first).selection_id,
        requested_by="ann", reason="the tests need it", request_key="k",
    )  # fmt: skip
    assert request_operation(sqlite_record, clock, SETTINGS, request) == first
    with pytest.raises(OperationRefused, match="request-differs"):
        asked(sqlite_record, clock, "status", {"to": "discharged"}, [1], key="k")


def test_an_operation_that_changes_nobody_is_refused_before_anybody_is_asked(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-34: not empty."""
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "active"}, [1])
    with pytest.raises(OperationRefused, match="nothing-to-change"):
        reviewed(sqlite_record, clock, operation_id)
    assert summarize(sqlite_record, operation_id).state == "failed"


def test_without_a_reason_nothing_is_asked_for(sqlite_record: Record, clock: FakeClock) -> None:
    """ALC-33: business justification."""
    practice(sqlite_record)
    request = Request(
        kind="status", parameters={"to": "on_hold"}, selection_id=1,
        requested_by="ann", reason=" ", request_key="k",
    )  # fmt: skip
    with pytest.raises(OperationRefused, match="reason-missing"):
        request_operation(sqlite_record, clock, SETTINGS, request)


def test_an_approval_of_another_subject_is_no_approval(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """Replay: an approval of operation 1 does not open operation 2, even with the same digest."""
    practice(sqlite_record)
    one = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    two = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [2])
    for key in (one, two):
        make_plan(sqlite_record, clock, SETTINGS, key)
    with sqlite_record.write() as connection:
        number = request_approval(
            connection, clock, subject="operation", subject_id=one, kind="status",
            digest=get_operation(sqlite_record, two).digest or "", requested_by="ann",
            summary={}, reason="r", flow_run_id=None, expires_in=timedelta(hours=1),
        )  # fmt: skip
    decide(sqlite_record, clock, number, operator=MANAGER, decision="approved", note="")
    for key, code in ((one, "approval-void"), (two, "approval-none")):
        with pytest.raises(NotAllowed, match=code):
            begin(sqlite_record, clock, key)
