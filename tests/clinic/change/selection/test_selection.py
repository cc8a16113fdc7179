"""Selections: every input row has one outcome, and what is selected stays so."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from clinic.cohort.filters import PatientFilter
from clinic.errors import NotFound, OperationRefused
from clinic.record.database import Record
from clinic.record.schema.change import selection_row
from clinic.settings import Operations, Settings
from tests.clinic.change.practice import SETTINGS, patients, practice, update
from tests.fakes import FakeClock
from tests.selections import select_by_filter, select_ids

# The filter, and whom it describes among patients 1 to 6
FILTERS = [
    (PatientFilter(status="on_hold"), {2, 3}),
    (PatientFilter(facility="F2"), {3, 4}),
    (PatientFilter(provider="P2"), {5}),
    (PatientFilter(registered_from=date(2020, 1, 1), registered_to=date(2020, 12, 31)), {6}),
    (PatientFilter(status="on_hold", facility="F2"), {3}),
    (PatientFilter(status=["On Hold"], facility=["f1", "South"]), {3}),
    (PatientFilter(provider=["P2"], without=("provider",)), {2, 5}),
    (PatientFilter(without=("provider", "facility")), {2}),
    (PatientFilter(without=("facility",)), {2, 6}),
    (PatientFilter(insurance_plan=["gold plus", "Silver"]), {4, 6}),
]


@pytest.mark.parametrize(("wanted", "found"), FILTERS)
def test_a_filter_selects_whom_it_describes(
    record: Record, clock: FakeClock, wanted: PatientFilter, found: set[int]
) -> None:
    """ALC-10: status, facility, provider, date range."""
    practice(record)
    update(record, 2, status="on_hold", facility_id=None, provider_id=None)
    update(record, 3, status="on_hold", facility_id=2)
    update(record, 4, facility_id=2, insurance_plan="Gold-Plus")
    update(record, 5, provider_id=2)
    update(record, 6, registered_on=date(2020, 6, 1), facility_id=None, insurance_plan="Silver")
    taken = select_by_filter(record, clock, SETTINGS, wanted, taken_by="ann")
    with record.read() as connection:
        rows = connection.execute(
            sa.select(selection_row.c.patient_id).where(selection_row.c.selection_id == taken.id)
        )
        assert set(rows.scalars()) == found


def test_every_id_has_one_outcome(record: Record, clock: FakeClock) -> None:
    """ALC-11, ALC-12, NEW-6: ids that do not exist, repeated and empty ones."""
    practice(record)
    update(record, 2, nhs_number="9990000018")
    ids = ["L1", "999 000 0018", "L2", "L99", "", "=cmd()", " L3 "]
    taken = select_ids(record, clock, SETTINGS, ids, source="ids", taken_by="ann", first_row=2)
    with record.read() as connection:
        rows = connection.execute(
            sa.select(
                selection_row.c.row_number, selection_row.c.patient_id, selection_row.c.outcome
            ).order_by(selection_row.c.row_number)
        )
        assert [tuple(row) for row in rows] == [
            (2, 1, "selected"),
            (3, 2, "selected"),
            (4, 2, "duplicate"),
            (5, None, "patient_not_found"),
            (6, None, "id_missing"),
            (7, None, "patient_not_found"),
            (8, 3, "selected"),
        ]
    assert taken.outcomes["selected"] == 3


def test_more_ids_than_the_cap_are_refused_before_one_is_looked_up(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """Abuse: 1,000,001 pasted ids."""
    practice(sqlite_record)
    with pytest.raises(OperationRefused, match="selection-too-large"):
        select_ids(sqlite_record, clock, SETTINGS, ["L1"] * 1_000_001, source="ids", taken_by="ann")


def test_a_filter_that_finds_nobody_or_too_many_is_refused(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ALC-34: not empty, and under the cap."""
    patients(sqlite_record, 6, facility_id=None, provider_id=None)
    small = Settings(operations=Operations(cap=5))
    for settings, status, code in (
        (SETTINGS, "discharged", "selection-empty"),
        (small, "active", "selection-too-large"),
    ):
        with pytest.raises(OperationRefused, match=code):
            select_by_filter(
                sqlite_record, clock, settings, PatientFilter(status=status), taken_by="ann"
            )
    for wanted, unknown in (
        (PatientFilter(facility="F9"), "facility-unknown"),
        (PatientFilter(status=["active", "actve"]), "status-unknown"),
        (PatientFilter(insurance_plan="Gold"), "no patient has the insurance plan Gold"),
    ):
        with pytest.raises(NotFound, match=unknown):
            select_by_filter(sqlite_record, clock, SETTINGS, wanted, taken_by="ann")


def test_a_selection_stays_as_it_was_taken(record: Record, clock: FakeClock) -> None:
    practice(record)
    select_ids(record, clock, SETTINGS, ["L1", "L2"], source="ids", taken_by="ann")
    for change in (
        sa.update(selection_row).values(patient_id=3),
        sa.delete(selection_row),
    ):
        with pytest.raises(sa.exc.DBAPIError, match="refused"), record.write() as connection:
            connection.execute(change)
