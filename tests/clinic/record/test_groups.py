"""Groups are made, filled by any id a person knows, and filled again without harm."""

from __future__ import annotations

import pytest

from clinic.errors import NotFound
from clinic.record.database import Record
from clinic.record.groups import Added, Group, add_to_group, list_groups
from tests.campaigns import put_patient


@pytest.fixture
def patients(record: Record) -> Record:
    """Two patients."""
    put_patient(record, 5, nhs_number="9990000018", local_id="1001")
    put_patient(record, 6, nhs_number="9990000999", local_id="1002")
    return record


def test_members_are_known_by_nhs_number_or_the_practices_id(patients: Record) -> None:
    """COM-11: a specific group can be made and messaged."""
    added = add_to_group(patients, "carers", ["999 000 0018", "1002", "4444"], name="Carers")
    assert added == Added(new=2, already=0, unknown=1)
    assert list_groups(patients) == [Group("carers", "Carers", 2)]


def test_adding_again_changes_nothing(patients: Record) -> None:
    add_to_group(patients, "carers", ["1001"], name="Carers")
    assert add_to_group(patients, "carers", ["1001", "9990000018"]) == Added(0, 1, 0)


def test_a_slip_in_the_code_makes_no_group(patients: Record) -> None:
    with pytest.raises(NotFound, match="group-unknown"):
        add_to_group(patients, "carres", ["1001"])
    assert list_groups(patients) == []
