"""The review in people's words: places, staff and tags by name, and what will become of each patient."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.core.naming import read_names
from clinic.change.review.review import count_outcomes, read_lines
from clinic.change.run.apply import begin
from clinic.record.database import Record
from clinic.record.schema.people import facility
from tests.clinic.change.practice import (
    applied,
    approved,
    asked,
    done,
    practice,
    reviewed,
    update,
)
from tests.fakes import FakeClock

# Kind, parameters; what patient 1's line says: field, old, new, and what will become of them
LINES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("provider", {"to": ["P2"]}, ("provider", "P1 Dr 1", "P2 Dr 2", "Will be changed.")),
    ("facility", {"to": "F2"}, ("facility", "F1 North", "F2 South", "Will be changed.")),
    ("tag", {"add": ["a"]}, ("tag a", "no", "yes", "Will be changed.")),
    ("status", {"to": "on_hold"}, ("status", "active", "on_hold", "Will be changed.")),
    (
        "export",
        {"what": "patients", "format": "csv"},
        ("export", "", "patients.csv", "Will be exported."),
    ),
]


@pytest.mark.parametrize(("kind", "parameters", "says"), LINES)
def test_a_review_names_places_staff_and_tags(
    sqlite_record: Record,
    clock: FakeClock,
    kind: str,
    parameters: dict[str, Any],
    says: tuple[str, ...],
) -> None:
    """ALC-15: a person cannot judge "3" to "7"."""
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, kind, parameters, [1])
    reviewed(sqlite_record, clock, operation_id)
    line = read_lines(sqlite_record, operation_id)[0]
    assert (line.field, line.old or "", line.new, line.says) == says


@pytest.mark.parametrize(
    ("kind", "parameters", "running", "through"),
    [
        ("status", {"to": "on_hold"}, "Changed, or about to be", "Changed."),
        (
            "visit",
            {"type": "wellness", "from": "2026-03-09", "to": "2026-03-13"},
            "Booked, or about to be",
            "Booked.",
        ),
    ],
)
def test_what_has_begun_is_told_as_it_is(
    sqlite_record: Record,
    clock: FakeClock,
    kind: str,
    parameters: dict[str, Any],
    running: str,
    through: str,
) -> None:
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, kind, parameters, [1, 2])
    approved(sqlite_record, clock, operation_id)
    begin(sqlite_record, clock, operation_id)
    assert count_outcomes(sqlite_record, operation_id)[0].says.startswith(running)
    applied(sqlite_record, clock, operation_id)
    assert count_outcomes(sqlite_record, operation_id)[0].says == through


def test_who_cannot_be_changed_comes_first_and_who_need_not_comes_last(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-15: a screen full of patients who are so already would hide the others."""
    practice(sqlite_record)
    update(sqlite_record, 1, status="on_hold")
    update(sqlite_record, 3, status="discharged")
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1, 2, 3])
    reviewed(sqlite_record, clock, operation_id)
    outcomes = [line.outcome for line in read_lines(sqlite_record, operation_id)]
    assert outcomes == ["transition_not_allowed", "will_change", "already_so"]


def test_who_is_locked_is_told_by_which_operation(sqlite_record: Record, clock: FakeClock) -> None:
    """ALC-43: the second of two operations on the same patients is told who holds the lock."""
    practice(sqlite_record)
    first = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    approved(sqlite_record, clock, first)
    begin(sqlite_record, clock, first)
    second = asked(sqlite_record, clock, "provider", {"to": ["P2"]}, [1, 2])
    reviewed(sqlite_record, clock, second)
    line = read_lines(sqlite_record, second)[0]
    assert (line.outcome, line.says.endswith(f"It is operation {first}.")) == ("locked", True)


def test_audit_items_are_read_by_name_and_keys_that_are_gone_as_they_are(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """NEW-10: what is stored stays the key, so a place may be renamed later."""
    practice(sqlite_record)
    done(sqlite_record, clock, asked(sqlite_record, clock, "facility", {"to": "F2"}, [1]))
    with sqlite_record.write() as connection:
        connection.execute(sa.update(facility).where(facility.c.id == 2).values(name="Southern"))
        names = read_names(connection)
    assert names.values('{"facility":"1","provider":null}') == "facility: F1 North; provider: none"
    assert names.values('{"tag:1":"0"}') == "tag a: no"
    assert names.values('{"facility":"2"}') == "facility: F2 Southern"
    assert (
        names.values('{"visit:99":"wellness","provider":"77"}') == "visit: wellness; provider: 77"
    )
    assert names.values(None) == ""
