"""What the approver is told, what is judged again when they decide, and what people must still do then."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.operations import get_operation, set_state
from clinic.change.review.checklist import checklist
from clinic.change.review.deciding import decide
from clinic.change.review.follow_up import count_open, list_follow_ups, tick
from clinic.change.review.impact import impact_of
from clinic.change.review.review import counts_sentence
from clinic.change.review.wording import what_of
from clinic.change.selection.given import given_sentence
from clinic.errors import CohortError, NotAllowed, NotFound, OperationRefused
from clinic.govern.approvals.approvals import Approval
from clinic.govern.audit.verify import verify
from clinic.govern.people.operators import Operator
from clinic.govern.rules.governed import take_first_values
from clinic.record.database import Record
from clinic.record.schema.change import operation
from clinic.record.schema.govern import audit_act, operator
from clinic.record.schema.people import facility, patient
from clinic.record.schema.settings import governed_setting
from tests.clinic.change.practice import (
    ASKER,
    MANAGER,
    SETTINGS,
    asked,
    asked_for,
    column,
    done,
    practice,
    reviewed,
    update,
    visits,
)
from tests.fakes import FakeClock
from tests.selections import select_ids

HOLD = {"to": "on_hold"}


def approve(
    record: Record, clock: FakeClock, number: int, *, note: str = "", override: str = ""
) -> Approval:
    """Mia approves, by the one function that every way of approving ends in."""
    return decide(
        record, clock, number, operator=MANAGER, decision="approved", note=note, override=override
    )


def decisions(record: Record) -> list[tuple[Any, ...]]:
    """What the trail says of approvals that were tried: step, who, approver, outcome, reason."""
    c = audit_act.c
    tried = c.operation_type.in_(("approval.refused", "approval.approved"))
    with record.read() as connection:
        rows = connection.execute(
            sa.select(c.operation_type, c.operator, c.approver, c.outcome, c.reason)
            .where(tried)
            .order_by(c.number)
        )
        return list(rows.tuples())


def effects(record: Record, clock: FakeClock, operation_id: int) -> dict[str, int]:
    with record.read() as connection:
        found = get_operation(record, operation_id)
        impact = impact_of(connection, clock, SETTINGS, found)
    return {each.code: each.count for each in impact.effects if each.count}


@pytest.mark.parametrize(
    ("kind", "parameters", "follows"),
    [
        ("status", {"to": "discharged"}, {"ahead": 3, "excluded": 3}),
        (
            "provider",
            {"to": ["P2"], "visits": "cancel"},
            {"cancelled": 2, "reschedule_visits": 2, "notify_provider": 3},
        ),
        (
            "provider",
            {"to": ["P2"], "visits": "keep"},
            {"ahead": 3, "notify_provider": 3},
        ),
        (
            "facility",
            {"to": "F2", "provider": "later"},
            # The visit with P3, who works at F2, moves along
            {
                "visit_facility": 1,
                "stay": 2,
                "review_visits": 2,
                "notify_facility": 3,
                "assign_provider": 3,
            },
        ),
    ],
)
def test_what_follows_is_counted_before_the_decision_and_comes_so(
    record: Record, clock: FakeClock, kind: str, parameters: dict[str, Any], follows: dict[str, int]
) -> None:
    practice(record)
    visits(record, [(1, 1, 1, 1, 7), (2, 2, 1, 1, 8), (3, 3, 3, 1, 9), (4, 6, 1, 1, 9)])
    operation_id = asked(record, clock, kind, parameters, [1, 2, 3])
    number = reviewed(record, clock, operation_id)
    assert number
    assert effects(record, clock, operation_id) == follows
    decide(record, clock, number, operator=MANAGER, decision="approved", note="")
    from tests.clinic.change.practice import applied

    applied(record, clock, operation_id)
    made = {each.code: each.count for each in list_follow_ups(record, operation_id=operation_id)}
    visit_effects = {"ahead", "excluded", "cancelled", "visit_facility", "stay"}
    assert made == {code: n for code, n in follows.items() if code not in visit_effects}


def test_what_each_provider_gets_and_has_then_is_told_and_too_many_stop_the_approver(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    operation_id = asked(record, clock, "provider", {"to": ["P4", "P3"], "by": "even"}, range(1, 7))
    number = reviewed(record, clock, operation_id)
    with record.read() as connection:
        impact = impact_of(connection, clock, SETTINGS, get_operation(record, operation_id))
    assert [(x.provider, x.gets, x.loses, x.has_then, x.over) for x in impact.loads] == [
        ("P1 Dr 1", 0, 6, 0, 0), ("P3 Dr 3", 3, 0, 3, 0), ("P4 Dr 4", 3, 0, 3, 1),
    ]  # fmt: skip
    with pytest.raises(NotAllowed, match="P4 Dr 4 would have 3 patients, 1 more than 2"):
        approve(record, clock, number)
    given = approve(record, clock, number, note="seen", override=" P4 agreed ")
    assert given.note == "seen [overrides capacity: P4 agreed]"
    assert decisions(record) == [
        ("approval.refused", "mia", None, "checklist-failed", "[failed: capacity]"),
        ("approval.approved", "ann", "mia", "done", given.note),
    ]


def test_a_second_operation_on_the_same_patients_is_not_approved_unseen(
    record: Record, clock: FakeClock
) -> None:
    """Both were planned on the same patients; the first was applied."""
    practice(record)
    first = asked(record, clock, "status", HOLD, range(1, 7), key="first")
    second = asked(record, clock, "status", {"to": "discharged"}, range(1, 7), key="second")
    number = reviewed(record, clock, second)
    done(record, clock, first)
    points = {p.code: p.holds for p in checklist(record, SETTINGS, second)}
    assert points["changed-since-review"] is False
    with pytest.raises(NotAllowed, match="6 of 6 patients were changed since"):
        approve(record, clock, number, override="  ")


def test_who_died_since_is_told_and_another_fields_edit_is_not(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    first = reviewed(record, clock, asked(record, clock, "status", HOLD, [1, 2, 3], key="first"))
    number = reviewed(record, clock, asked(record, clock, "status", HOLD, [1, 2, 3], key="second"))
    update(record, 1, mobile="07700 900003")
    assert approve(record, clock, first).state == "approved"
    with record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 2).values(death_date=date(2026, 3, 1))
        )
    with pytest.raises(NotAllowed, match="1 patient is deceased since the review"):
        approve(record, clock, number)


@pytest.mark.parametrize(
    ("sql", "values", "says"),
    [
        (operation, {"digest": "0" * 64}, "Plan is as it was reviewed: no"),
        (operation, {"digest": None}, "Plan is as it was reviewed: no"),
        (governed_setting, {"value": "2"}, "3 are selected, at most 2 may be"),
    ],
)
def test_what_was_changed_behind_the_review_stops_whoever_decides(
    record: Record, clock: FakeClock, sql: sa.Table, values: dict[str, str | None], says: str
) -> None:
    """The plan itself is final; a cap that was lowered since, as the record has it, is overridden."""
    practice(record)
    take_first_values(record, clock, SETTINGS, by="tests")
    number = reviewed(record, clock, asked(record, clock, "status", HOLD, [1, 2, 3]))
    which = sql.c.name == "operations.cap" if sql is governed_setting else sql.c.id == 1
    with record.write() as connection:
        connection.execute(sa.update(sql).where(which).values(**values))
    with pytest.raises(NotAllowed, match=says):
        approve(record, clock, number)
    if sql is operation:
        with pytest.raises(NotAllowed, match="cohort operations rerun 1"):
            approve(record, clock, number, override="I know")
    else:
        assert approve(record, clock, number, override="I know").state == "approved"


def test_an_operation_that_ended_is_not_approved(record: Record, clock: FakeClock) -> None:
    practice(record)
    number = reviewed(record, clock, asked(record, clock, "status", HOLD, [1]))
    with record.write() as connection:
        set_state(connection, 1, "failed")
    with pytest.raises(NotAllowed, match="operation 1 is failed"):
        approve(record, clock, number, override="I know")


@pytest.mark.parametrize("left", [{"active": False}, {"role": "admin"}])
def test_what_somebody_asked_who_may_not_any_more_is_not_approved(
    record: Record, clock: FakeClock, left: dict[str, Any]
) -> None:
    practice(record)
    number = reviewed(record, clock, asked(record, clock, "status", HOLD, [1]))
    with record.write() as connection:
        connection.execute(sa.update(operator).where(operator.c.name == ASKER.name).values(**left))
    with pytest.raises(NotAllowed, match="requester-left"):
        approve(record, clock, number, override="let it pass")
    decide(record, clock, number, operator=MANAGER, decision="rejected", note="left")


def test_a_default_provider_of_another_facility_is_refused(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    with record.write() as connection:
        connection.execute(sa.update(facility).values(default_provider_id=2))  # of F1
    with pytest.raises(OperationRefused, match="default-elsewhere"):
        asked(record, clock, "facility", {"to": "F2", "provider": "default"}, [1], key="move")
    update(record, 3, facility_id=2)
    done(record, clock, asked(record, clock, "provider", {"to": []}, [1, 3], key="default"))
    assert [column(record, "provider_id")[n] for n in (1, 3)] == [2, 1]


@pytest.mark.parametrize(
    ("kind", "parameters", "says"),
    [
        ("status", HOLD, "Status: Active → On hold"),
        ("provider", {"to": ["P2", "P3"]}, "Provider: → P2 Dr 2, P3 Dr 3, evenly; future visits go along"),
        ("facility", {"to": "F2"}, "Facility: → F2 South; the provider stays"),
        ("tag", {"add": ["a"], "remove": ["b"]}, "Tags: give a; take away b"),
        ("attribute", {"field": "title", "to": None}, "Title: cleared"),
        ("attribute", {"field": "postcode", "tidy": True}, "Postcode: written the usual way"),
        (
            "export", {"what": "full", "format": "xlsx"},
            "Export: full record, as xlsx; to the ICB, for administration",
        ),
    ],
)  # fmt: skip
def test_what_it_does_is_told_in_words(
    sqlite_record: Record, clock: FakeClock, kind: str, parameters: dict[str, Any], says: str
) -> None:
    practice(sqlite_record)
    update(sqlite_record, 1, title="Mx")
    operation_id = asked(sqlite_record, clock, kind, parameters, [1, 2])
    reviewed(sqlite_record, clock, operation_id)
    with sqlite_record.read() as connection:
        assert what_of(connection, get_operation(sqlite_record, operation_id)) == says


def test_counts_add_up_and_ids_that_were_not_found_are_named(
    record: Record, clock: FakeClock
) -> None:
    practice(record)
    update(record, 2, status="on_hold")
    given = ["L1", "L2", "L3", "L3", "X9", "", "L77"]
    taken = select_ids(record, clock, SETTINGS, given, source="ids", taken_by="ann")
    operation_id = asked_for(record, clock, "status", HOLD, taken.id)
    reviewed(record, clock, operation_id)
    says = "3 selected: 2 will be changed, 1 already so"
    assert counts_sentence(record, operation_id) == says
    assert given_sentence(record, taken.id) == (
        "7 given, 3 found, 2 not found: X9, L77; 1 without an id; 1 selected already"
    )


def test_follow_ups_are_listed_by_team_ticked_and_unticked_on_the_trail(
    record: Record, clock: FakeClock
) -> None:
    """ALC-23."""
    practice(record)
    visits(record, [(1, 1, 1, 1, 7)])
    operation_id = asked(record, clock, "provider", {"to": ["P2"], "visits": "cancel"}, [1, 2])
    done(record, clock, operation_id)
    [visit] = list_follow_ups(record, team="scheduling")
    assert (visit.code, visit.count, count_open(record)) == ("reschedule_visits", 1, 2)
    for _ in range(2):  # again changes nothing
        ticked = tick(record, clock, visit.number, by=ASKER)
    assert (ticked.done_by, ticked.done_at) == ("ann", clock.now())
    assert (list_follow_ups(record, team="scheduling"), count_open(record)) == ([], 1)
    tick(record, clock, visit.number, by=MANAGER, done=False)
    assert count_open(record) == 2
    with record.read() as connection:
        acts = connection.execute(
            sa.select(audit_act.c.operation_type, audit_act.c.operator)
            .where(audit_act.c.operation_type.like("follow-up%"))
            .order_by(audit_act.c.number)
        ).tuples()
        assert acts.all() == [("follow-up.done", "ann"), ("follow-up.reopened", "mia")]
    assert verify(record, None).holds


@pytest.mark.parametrize(
    ("number", "who", "refusal"),
    [
        ("9.1", ASKER, NotFound),
        ("1.9", ASKER, NotFound),
        ("one", ASKER, NotFound),
        ("1.1", Operator("root", "admin", active=True), NotAllowed),
    ],
)
def test_a_follow_up_that_is_none_or_ones_role_touches_no_patient_is_refused(
    record: Record, clock: FakeClock, number: str, who: Operator, refusal: type[CohortError]
) -> None:
    practice(record)
    done(record, clock, asked(record, clock, "provider", {"to": ["P2"]}, [1]))
    with pytest.raises(refusal):
        tick(record, clock, number, by=who)
    with pytest.raises(NotFound, match="managers, reception, scheduling"):
        list_follow_ups(record, team="nobody")
    assert count_open(record) == 1
