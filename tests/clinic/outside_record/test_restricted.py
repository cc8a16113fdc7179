"""NEW-36: of whoever is restricted or erased nothing more goes to the record outside; what is there is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clinic.personal_data.erase.outside import outside_of as count
from clinic.personal_data.erase.restrict import lift_restriction, set_restriction
from tests.clinic.outside_record.conftest import Outside
from tests.clinic.outside_record.test_save import told

pytestmark = pytest.mark.xdist_group("fhir")
PEOPLE = {"ground": "a court order", "asked_by": "mia", "approved_by": "max"}


def says(outside: Outside, patient: int) -> tuple[int, int, int]:
    with outside.practice.record.read() as connection:
        found = count(connection, [patient])
    assert len(found.says) == bool(found.saved or found.changes) + bool(found.waiting)
    return found.saved, found.changes, found.waiting


def statuses(outside: Outside) -> dict[str, str]:
    return {one["subject"]["reference"]: one["status"] for one in outside.there()}


def test_what_waits_of_a_restricted_patient_waits_until_the_restriction_ends(
    outside_of: Callable[..., Outside],
) -> None:
    """A message that is there keeps its old status; one that is not is not saved; everybody else's are."""
    outside = outside_of(3)
    record, clock = outside.practice.record, outside.practice.clock
    with record.write() as connection:
        set_restriction(connection, clock, 3, **PEOPLE)
    assert outside.save().saved == 2
    assert (says(outside, 1), says(outside, 3)) == ((1, 0, 0), (0, 0, 1))
    with record.write() as connection:
        set_restriction(connection, clock, 2, **PEOPLE)
    told(outside, "delivered", "delivered", "delivered")
    assert outside.save().saved == 1
    assert statuses(outside) == {"Patient/p1": "completed", "Patient/p2": "in-progress"}
    assert (says(outside, 2), says(outside, 3)) == ((1, 0, 0), (0, 0, 1))
    with record.write() as connection:
        for key in (2, 3):
            lift_restriction(connection, clock, key, **PEOPLE)
    assert outside.save().saved == 2
    assert set(statuses(outside).values()) == {"completed"}
    assert says(outside, 3) == (1, 0, 0)
