"""Undo: what is in the record now decides, field by field (reliability notes, section 3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from clinic.change.operations import get_operation
from clinic.change.review.approve import ask
from clinic.change.review.checklist import checklist, require_ready
from clinic.change.review.deciding import decide
from clinic.change.review.review import count_outcomes, read_lines
from clinic.change.run.apply import begin
from clinic.change.run.plan import make_plan
from clinic.change.run.undo import request_undo
from clinic.errors import NotAllowed, OperationRefused
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.people import patient
from tests.clinic.change.practice import (
    ASKER,
    MANAGER,
    SETTINGS,
    applied,
    approved,
    asked,
    column,
    die,
    done,
    outcomes,
    practice,
    reviewed,
    tags_of,
    update,
    visit_column,
    visits,
)
from tests.fakes import FakeClock
from tests.selections import select_ids


def changed(record: Record, clock: FakeClock, count: int = 4, to: str = "on_hold") -> int:
    """An operation on patients 1 to `count` that is through."""
    operation_id = asked(record, clock, "status", {"to": to}, range(1, count + 1))
    done(record, clock, operation_id)
    return operation_id


def undo_of(
    record: Record, clock: FakeClock, operation_id: int, *, key: str = "undo", partly: bool = False
) -> int:
    """Ann asks for it to be undone."""
    return request_undo(
        record, clock, SETTINGS, of=operation_id, requested_by="ann", reason="it was wrong",
        request_key=f"{key}-{operation_id}", partly=partly,
    )  # fmt: skip


def test_undo_of_an_untouched_operation_restores_every_value(
    record: Record, clock: FakeClock
) -> None:
    """NEW-2, ALC-38, ALC-39."""
    practice(record)
    update(record, 2, status="on_hold")
    before = column(record, "status")
    operation_id = changed(record, clock, 6, to="discharged")
    summary = done(record, clock, undo_of(record, clock, operation_id))
    assert column(record, "status") == before
    assert (summary.state, summary.applied) == ("done", 6)
    assert verify(record, None).holds


def _nothing(_record: Record) -> None:
    pass


def _other_field(record: Record) -> None:
    update(record, 1, postcode="EF1 2GH")


def _same_field(record: Record) -> None:
    update(record, 1, status="discharged")


def _there_and_back(record: Record) -> None:
    update(record, 1, status="discharged")
    update(record, 1, status="on_hold")


def _there_and_back_without_versions(record: Record) -> None:
    for status in ("discharged", "on_hold"):
        with record.write() as connection:
            connection.execute(sa.update(patient).where(patient.c.id == 1).values(status=status))


def _back_by_hand(record: Record) -> None:
    update(record, 1, status="active")


def _dies(record: Record) -> None:
    die(record, 1)


def _is_removed(record: Record) -> None:
    with record.write() as connection:
        connection.execute(sa.delete(patient).where(patient.c.id == 1))


# What happened to patient 1 since, the outcome of the undo, and the status they have then
SINCE = [
    (_nothing, "will_change", "active"),
    (_other_field, "will_change", "active"),
    (_same_field, "changed_since", "discharged"),
    (_there_and_back, "changed_back", "on_hold"),
    (_there_and_back_without_versions, "changed_back", "on_hold"),
    (_back_by_hand, "already_so", "active"),
    (_dies, "deceased", "on_hold"),
    (_is_removed, "patient_gone", None),
]


@pytest.mark.parametrize(("happened", "outcome", "status"), SINCE)
def test_what_was_done_since_decides(
    record: Record,
    clock: FakeClock,
    happened: Callable[[Record], None],
    outcome: str,
    status: str | None,
) -> None:
    """NEW-2: patients changed since are skipped and listed; other people's edits stay."""
    practice(record)
    operation_id = changed(record, clock)
    happened(record)
    undo_id = undo_of(record, clock, operation_id)
    done(record, clock, undo_id)
    assert outcomes(record, undo_id) == {
        1: outcome,
        2: "will_change",
        3: "will_change",
        4: "will_change",
    }
    assert column(record, "status").get(1) == status
    assert {column(record, "status")[n] for n in (2, 3, 4)} == {"active"}
    if happened is _other_field:
        assert column(record, "postcode")[1] == "EF1 2GH"


def test_a_later_operation_is_to_be_undone_first(record: Record, clock: FakeClock) -> None:
    """LIFO: the refusal names the operation that is on top."""
    practice(record)
    first = changed(record, clock)
    second = asked(record, clock, "status", {"to": "discharged"}, [2])
    done(record, clock, second)
    undo_id = undo_of(record, clock, first)
    make_plan(record, clock, SETTINGS, undo_id)
    assert outcomes(record, undo_id)[2] == "later_operation"
    with pytest.raises(OperationRefused, match=f"undo operation {second} first"):
        reviewed(record, clock, undo_id)


def test_the_part_that_no_later_operation_touched_can_be_undone_alone(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    first = changed(record, clock)
    done(record, clock, asked(record, clock, "status", {"to": "discharged"}, [2]))
    done(record, clock, undo_of(record, clock, first, partly=True))
    assert [column(record, "status")[n] for n in (1, 2, 3, 4)] == [
        "active",
        "discharged",
        "active",
        "active",
    ]


def test_after_the_later_one_is_undone_the_earlier_one_can_be(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    first = changed(record, clock)
    second = asked(record, clock, "status", {"to": "discharged"}, [1, 2, 3, 4])
    done(record, clock, second)
    done(record, clock, undo_of(record, clock, second))
    done(record, clock, undo_of(record, clock, first))
    assert set(column(record, "status").values()) == {"active"}


def test_an_undo_can_be_undone_and_that_too(record: Record, clock: FakeClock) -> None:
    """NEW-2: the undo is itself undoable."""
    practice(record)
    operation_id, status = changed(record, clock), []
    for _ in range(3):
        operation_id = undo_of(record, clock, operation_id)
        done(record, clock, operation_id)
        status.append(column(record, "status")[1])
    assert status == ["active", "on_hold", "active"]


def test_a_subset_can_be_undone_and_the_rest_later(record: Record, clock: FakeClock) -> None:
    """NEW-2: whole or for a subset."""
    practice(record)
    operation_id = changed(record, clock)
    some = select_ids(record, clock, SETTINGS, ["L2", "L3"], source="ids", taken_by="ann")
    part = request_undo(
        record, clock, SETTINGS, of=operation_id, requested_by="ann", reason="these alone",
        request_key="some", selection_id=some.id,
    )  # fmt: skip
    done(record, clock, part)
    assert [column(record, "status")[n] for n in (1, 2, 3, 4)] == [
        "on_hold",
        "active",
        "active",
        "on_hold",
    ]
    rest = undo_of(record, clock, operation_id)
    done(record, clock, rest)
    assert outcomes(record, rest) == {
        1: "will_change",
        2: "already_so",
        3: "already_so",
        4: "will_change",
    }
    assert set(column(record, "status").values()) == {"active"}


@pytest.mark.parametrize("ids", [["L1", "L2", "L5", "L6", "X9"], ["L6", "L2"]])
def test_whoever_of_a_subset_was_not_changed_is_listed_and_never_dropped(
    record: Record, clock: FakeClock, ids: list[str]
) -> None:
    """NEW-2, NEW-6: who was left as they were, and who was never in it; alone they change nothing."""
    practice(record)
    update(record, 2, status="on_hold")
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3, 5])
    done(record, clock, operation_id)
    taken = select_ids(record, clock, SETTINGS, ids, source="ids", taken_by="ann")
    part = request_undo(
        record, clock, SETTINGS, of=operation_id, requested_by="ann", reason="these alone",
        request_key="some", selection_id=taken.id,
    )  # fmt: skip
    make_plan(record, clock, SETTINGS, part)
    told = {1: "will_change", 2: "not_changed_by_it", 5: "will_change", 6: "not_in_operation"}
    wanted = {n: outcome for n, outcome in told.items() if f"L{n}" in ids}
    assert outcomes(record, part) == wanted
    counts = {each.outcome: each.patients for each in count_outcomes(record, part)}
    assert sum(counts.values()) == len(wanted) == get_operation(record, part).selected
    lines = read_lines(record, part, outcomes=["not_in_operation"])
    assert [(line.own_id, line.old, line.new) for line in lines] == [("L6", None, None)]
    if "L1" in ids:
        ask(record, clock, SETTINGS, part, flow_run_id=None)
        number = get_operation(record, part).approval_id or 0
        decide(record, clock, number, operator=MANAGER, decision="approved", note="")
        assert applied(record, clock, part).applied == 2
        assert verify(record, None).holds
    else:
        with pytest.raises(OperationRefused, match="nothing-to-change"):
            require_ready(record, clock, SETTINGS, part)


def test_only_what_was_applied_is_undone(record: Record, clock: FakeClock) -> None:
    """A patient who was left out or in conflict keeps what they have."""
    practice(record)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3])
    number = reviewed(record, clock, operation_id)
    update(record, 2, status="discharged")
    decide(record, clock, number, operator=MANAGER, decision="approved", note="", override="wanted")
    assert applied(record, clock, operation_id).state == "done_with_conflicts"
    undo_id = undo_of(record, clock, operation_id)
    done(record, clock, undo_id)
    assert set(outcomes(record, undo_id)) == {1, 3}
    assert column(record, "status")[2] == "discharged"


def test_tags_visits_and_several_fields_are_restored_together(
    record: Record, clock: FakeClock
) -> None:
    """ALC-39: provider and facility back to the original, tags to the previous set."""
    practice(record)
    visits(record, [(1, 1, 1, 1, 7), (2, 2, 3, 1, 7)])
    before = [column(record, n) for n in ("facility_id", "provider_id")]
    before += [visit_column(record, n) for n in ("facility_id", "provider_id")]
    move = asked(record, clock, "facility", {"to": "F2", "provider": "default"}, [1, 2, 3])
    done(record, clock, move)
    tagged = asked(record, clock, "tag", {"add": ["a", "b"]}, [1, 2])
    done(record, clock, tagged)
    assert column(record, "facility_id")[1] == 2
    assert tags_of(record) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    done(record, clock, undo_of(record, clock, tagged))
    done(record, clock, undo_of(record, clock, move))
    after = [column(record, n) for n in ("facility_id", "provider_id")]
    after += [visit_column(record, n) for n in ("facility_id", "provider_id")]
    assert after == before
    assert tags_of(record) == set()


def test_only_an_undo_that_runs_keeps_another_from_being_asked_for(
    record: Record, clock: FakeClock
) -> None:
    """One that was declined, or waits, blocks nothing."""
    practice(record)
    operation_id = changed(record, clock)
    first = undo_of(record, clock, operation_id)
    assert undo_of(record, clock, operation_id) == first
    second = undo_of(record, clock, operation_id, key="another")
    assert second != first
    approved(record, clock, second)
    begin(record, clock, second)
    with pytest.raises(OperationRefused, match="undo-open"):
        undo_of(record, clock, operation_id, key="a third")


def test_who_asked_for_the_undo_does_not_approve_it(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """Four eyes again (reliability notes, test 72)."""
    practice(sqlite_record)
    number = reviewed(
        sqlite_record, clock, undo_of(sqlite_record, clock, changed(sqlite_record, clock))
    )
    with pytest.raises(NotAllowed):
        decide(sqlite_record, clock, number, operator=ASKER, decision="approved", note="")


def test_the_checklist_says_that_it_can_be_undone(sqlite_record: Record, clock: FakeClock) -> None:
    """ALC-34: rollback possible, or stated as N/A."""
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    make_plan(sqlite_record, clock, SETTINGS, operation_id)
    points = {point.code: point.holds for point in checklist(sqlite_record, SETTINGS, operation_id)}
    assert points["undo"] is True
    assert points["undo-later-operation"] is None
