"""Status change, from the request to the audit trail."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from clinic.change.run.plan import make_plan
from clinic.errors import OperationRefused
from clinic.govern.audit.rows import audit_item
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.settings import Operations, Settings
from tests.clinic.change.practice import (
    applied,
    approved,
    asked,
    column,
    die,
    done,
    outcomes,
    patients,
    places,
    practice,
    staff,
    update,
)
from tests.fakes import FakeClock

# ALC-16: what the practice calls it, the status before, the status after
SCENARIOS = [
    ("a facility closes", "active", "discharged"),
    ("care is taken up again", "on_hold", "active"),
    ("a contract ends", "active", "discharged"),
    ("insurance ends", "active", "on_hold"),
]


@pytest.mark.parametrize(("scenario", "before", "after"), SCENARIOS)
def test_each_scenario_changes_every_selected_patient_and_nobody_else(
    record: Record, clock: FakeClock, scenario: str, before: str, after: str
) -> None:
    """ALC-2, ALC-14, ALC-16."""
    staff(record)
    places(record)
    patients(record, 5, status=before)
    summary = done(record, clock, asked(record, clock, "status", {"to": after}, [1, 2, 3, 5]))
    assert (summary.state, summary.applied) == ("done", 4)
    assert column(record, "status") == {1: after, 2: after, 3: after, 4: before, 5: after}
    assert column(record, "version") == {1: 2, 2: 2, 3: 2, 4: 1, 5: 2}


def test_each_patient_who_cannot_be_changed_has_a_reason(record: Record, clock: FakeClock) -> None:
    """ALC-15, ALC-43."""
    practice(record)
    update(record, 2, status="on_hold")
    update(record, 3, status="discharged")
    update(record, 4, status="a status of old")
    die(record, 5)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, range(1, 7))
    summary = done(record, clock, operation_id)
    assert outcomes(record, operation_id) == {
        1: "will_change",
        2: "already_so",
        3: "transition_not_allowed",
        4: "transition_not_allowed",
        5: "deceased",
        6: "will_change",
    }
    assert (summary.applied, summary.left_out, summary.state) == (2, 4, "done")


def test_the_settings_say_which_status_may_follow_which(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-14: "others" too: an organisation has its own statuses."""
    practice(sqlite_record, 2)
    own = Settings(
        organisation={"statuses": ("active", "travelling")},
        operations=Operations(transitions={"active": ("travelling",)}, chunk_size=1),
    )
    operation_id = asked(sqlite_record, clock, "status", {"to": "travelling"}, [1, 2], settings=own)
    done(sqlite_record, clock, operation_id, settings=own)
    assert set(column(sqlite_record, "status").values()) == {"travelling"}


def test_a_status_that_the_practice_does_not_have_is_refused(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-14."""
    practice(sqlite_record)
    with pytest.raises(OperationRefused, match="status-unknown"):
        asked(sqlite_record, clock, "status", {"to": "vanished"}, [1])


def test_old_and_new_value_of_every_patient_are_in_the_sealed_trail(
    record: Record, clock: FakeClock
) -> None:
    """ALC-40: timestamp, operator, approver, type, patients, old values, new values, reason."""
    practice(record, 3)
    operation_id = asked(record, clock, "status", {"to": "discharged"}, [1, 2, 3])
    done(record, clock, operation_id)
    stream = f"operation-{operation_id}"
    with record.read() as connection:
        items = connection.execute(
            sa.select(audit_item).where(audit_item.c.stream == stream).order_by(audit_item.c.chunk)
        ).all()
        act = connection.execute(
            sa.select(audit_act).where(
                audit_act.c.stream == stream, audit_act.c.operation_type == "status"
            )
        ).one()
    assert [item.patient_id for item in items] == [1, 2, 3]
    assert {"active" in item.old_values and "discharged" in item.new_values for item in items} == {
        True
    }
    assert (act.operator, act.approver, act.operation_type) == ("ann", "mia", "status")
    assert (act.patients_affected, act.reason) == (3, "the tests need it")
    assert verify(record, None).holds


def test_planning_and_applying_again_changes_nothing_more(record: Record, clock: FakeClock) -> None:
    """Every step may be run twice."""
    practice(record, 4)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3, 4])
    approved(record, clock, operation_id)
    make_plan(record, clock, Settings(), operation_id)
    first, second = (applied(record, clock, operation_id) for _ in range(2))
    assert first == second
    assert set(column(record, "version").values()) == {2}
