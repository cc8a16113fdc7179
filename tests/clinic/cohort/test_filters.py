"""Whom a group or a filter means."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.cohort.filters import PatientFilter, filter_query, group_query
from clinic.errors import NotFound
from clinic.record.database import Record
from clinic.record.schema.people import facility, group_member, patient_group, provider
from tests.fakes import FakeClock
from tests.main_job import Practice


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Four patients, two facilities, two providers, one group of patients 1 and 3."""
    practice = Practice(record, clock, tmp_path)
    with record.write() as connection:
        connection.execute(
            sa.insert(facility), [{"id": n, "code": f"F{n}", "name": "Surgery"} for n in (1, 2)]
        )
        connection.execute(
            sa.insert(provider), [{"id": n, "code": f"P{n}", "name": "Dr"} for n in (1, 2)]
        )
    for n, status, facility_id, provider_id, day in (
        (1, "active", 1, 1, date(2024, 1, 1)),
        (2, "active", 2, 1, date(2024, 6, 1)),
        (3, "on_hold", 1, 2, date(2025, 1, 1)),
        (4, "active", 1, 2, None),
    ):
        practice.patient(
            n, status=status, facility_id=facility_id, provider_id=provider_id, registered_on=day
        )
    with record.write() as connection:
        connection.execute(
            sa.insert(patient_group).values(id=1, code="young-mothers", name="Young Mothers")
        )
        connection.execute(
            sa.insert(group_member), [{"group_id": 1, "patient_id": n} for n in (1, 3)]
        )
    return practice


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (PatientFilter(status="active"), {1, 2, 4}),
        (PatientFilter(facility="F1"), {1, 3, 4}),
        (PatientFilter(provider="P2"), {3, 4}),
        (PatientFilter(registered_from=date(2024, 6, 1)), {2, 3}),
        (PatientFilter(registered_to=date(2024, 6, 1)), {1, 2}),
        (PatientFilter(registered_from=date(2024, 1, 1), registered_to=date(2024, 1, 1)), {1}),
        (PatientFilter(status="active", facility="F1", provider="P2"), {4}),
        (PatientFilter(status="discharged"), set()),
        (PatientFilter(status="Active"), {1, 2, 4}),
        (PatientFilter(status=["On Hold", "active"]), {1, 2, 3, 4}),
        (PatientFilter(facility=["f1"], provider=["P1", "p2"]), {1, 3, 4}),
    ],
)
def test_a_filter_means_those_whom_all_of_its_parts_describe(
    practice: Practice, wanted: PatientFilter, expected: set[int]
) -> None:
    """ALC-10, ARC-4: all patients of that report; both days of a range are included."""
    with practice.record.read() as connection:
        query = filter_query(connection, wanted, statuses=["active", "discharged"])
        assert set(connection.scalars(query)) == expected


def test_a_group_means_its_members(practice: Practice) -> None:
    """COM-11."""
    with practice.record.read() as connection:
        assert set(connection.scalars(group_query(connection, "young-mothers"))) == {1, 3}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (PatientFilter(facility="F9"), "there is no facility F9; there are: F1, F2"),
        (
            PatientFilter(facility="surgery"),
            "surgery may be F1 or F2: name the facility by its code",
        ),
        (PatientFilter(provider="P9"), "there is no provider P9; there are: P1, P2"),
        (PatientFilter(status="actve"), "no status actve; there are: gone, active, on_hold"),
    ],
)
def test_a_code_that_nobody_has_is_refused_rather_than_meaning_nobody(
    practice: Practice, wanted: PatientFilter, code: str
) -> None:
    """The sentence names those that there are; a status counts that only the settings know."""
    with practice.record.read() as connection, pytest.raises(NotFound, match=code):
        filter_query(connection, wanted, statuses=["gone", "active"])


def test_an_unknown_group_is_refused(practice: Practice) -> None:
    with practice.record.read() as connection, pytest.raises(NotFound, match="group-unknown"):
        group_query(connection, "none")


def test_what_was_asked_for_is_kept_in_codes() -> None:
    wanted = PatientFilter(facility="F1", registered_from=date(2024, 6, 1))
    assert wanted.criteria() == {"facility": "F1", "registered_from": "2024-06-01"}
