"""Facility transfer: the patients, their provider, their visits, and what people must still do."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from clinic.cohort.filters import PatientFilter
from clinic.errors import NotFound, OperationRefused
from clinic.record.database import Record
from clinic.record.schema.change import follow_up
from tests.clinic.change.practice import (
    SETTINGS,
    asked,
    asked_for,
    column,
    done,
    outcomes,
    practice,
    update,
    visit_column,
    visits,
)
from tests.fakes import FakeClock
from tests.selections import select_by_filter, select_ids

# What becomes of the provider, who is P1 now; F2's default is P3
PROVIDERS = [("keep", 1), ("default", 3), ("later", None)]


@pytest.mark.parametrize(("how", "provider"), PROVIDERS)
def test_the_provider_stays_changes_or_is_left_for_later(
    record: Record, clock: FakeClock, how: str, provider: int | None
) -> None:
    """ALC-4, ALC-22."""
    practice(record)
    done(record, clock, asked(record, clock, "facility", {"to": "F2", "provider": how}, [1, 2, 3]))
    assert column(record, "facility_id") == {1: 2, 2: 2, 3: 2, 4: 1, 5: 1, 6: 1}
    assert [column(record, "provider_id")[n] for n in (1, 2, 3)] == [provider] * 3
    assert set(column(record, "version").values()) == {1, 2}


@pytest.mark.parametrize(
    ("wanted", "moved"),
    [
        (PatientFilter(facility="F1"), {1, 2, 3, 4, 5}),
        (PatientFilter(facility="F1", status="on_hold"), {2, 3}),
        (["L1", "L4"], {1, 4}),
    ],
)
def test_all_of_a_facility_move_or_some_or_those_of_a_filter(
    sqlite_record: Record,
    clock: FakeClock,
    wanted: PatientFilter | list[str],
    moved: set[int],
) -> None:
    """ALC-21."""
    practice(sqlite_record)
    update(sqlite_record, 2, status="on_hold")
    update(sqlite_record, 3, status="on_hold")
    update(sqlite_record, 6, facility_id=3)
    if isinstance(wanted, list):
        taken = select_ids(sqlite_record, clock, SETTINGS, wanted, source="ids", taken_by="ann")
    else:
        taken = select_by_filter(sqlite_record, clock, SETTINGS, wanted, taken_by="ann")
    done(sqlite_record, clock, asked_for(sqlite_record, clock, "facility", {"to": "F2"}, taken.id))
    there = {who for who, at in column(sqlite_record, "facility_id").items() if at == 2}
    assert there == moved


def test_who_is_there_already_is_left_alone(record: Record, clock: FakeClock) -> None:
    """ALC-15: also their provider, which a transfer would have changed."""
    practice(record)
    update(record, 1, facility_id=2)
    operation_id = asked(record, clock, "facility", {"to": "F2", "provider": "default"}, [1, 2])
    done(record, clock, operation_id)
    assert outcomes(record, operation_id) == {1: "already_so", 2: "will_change"}
    assert [column(record, "provider_id")[n] for n in (1, 2)] == [1, 3]


def test_the_checklist_says_whom_to_tell_and_what_to_look_at(
    record: Record, clock: FakeClock
) -> None:
    """ALC-23: destination, new providers, visits that could not move, patients with nobody."""
    practice(record)
    # With P3, who works at the destination; with P1, who does not; with nobody in particular
    visits(record, [(1, 1, 3, 1, 7), (2, 1, 1, 1, 7), (3, 2, None, 1, 7), (4, 2, 3, 1, -7)])
    done(record, clock, asked(record, clock, "facility", {"to": "F2", "provider": "later"}, [1, 2]))
    assert visit_column(record, "facility_id") == {1: 2, 2: 1, 3: 2, 4: 1}
    with record.read() as connection:
        found = connection.execute(
            sa.select(follow_up.c.code, follow_up.c.subject, follow_up.c.count)
        )
        assert set(found.tuples().all()) == {
            ("notify_facility", "F2", 2),
            ("review_visits", "", 1),
            ("assign_provider", "", 2),
        }


def test_a_destination_without_default_provider_is_refused_at_once(
    sqlite_record: Record, clock: FakeClock
) -> None:
    practice(sqlite_record)
    with pytest.raises(OperationRefused, match="default provider"):
        asked(sqlite_record, clock, "facility", {"to": "F3", "provider": "default"}, [1])
    with pytest.raises(NotFound, match="facility-unknown"):
        asked(sqlite_record, clock, "facility", {"to": "F9"}, [1])
