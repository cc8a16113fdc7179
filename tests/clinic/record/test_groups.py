"""Groups are made, filled by any id a person knows, and filled again without harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clinic.errors import NotFound
from clinic.record.database import Record
from clinic.record.groups import (
    Added,
    Group,
    Removed,
    add_to_group,
    delete_group,
    list_groups,
    members_of,
    remove_from_group,
)
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


def test_a_group_loses_members_by_any_id_and_again_nothing(patients: Record) -> None:
    add_to_group(patients, "carers", ["1001", "1002"], name="Carers")
    assert remove_from_group(patients, "carers", ["999 000 0018", "77"]) == Removed(1, 0, 1)
    assert remove_from_group(patients, "carers", ["1001"]) == Removed(0, 1, 0)
    assert [member.local_id for member in members_of(patients, "carers")] == ["1002"]


def test_a_deleted_group_is_gone_and_its_patients_stay(patients: Record) -> None:
    add_to_group(patients, "carers", ["1001", "1002"], name="Carers")
    add_to_group(patients, "walkers", ["1001"], name="Walkers")
    assert delete_group(patients, "carers") == 2
    assert list_groups(patients) == [Group("walkers", "Walkers", 1)]
    assert [member.nhs_number for member in members_of(patients, "walkers")] == ["9990000018"]


@pytest.mark.parametrize(
    "act", [members_of, delete_group, lambda r, c: remove_from_group(r, c, [])]
)
def test_an_unknown_group_is_named_and_none_is_made(
    patients: Record, act: Callable[[Record, str], object]
) -> None:
    with pytest.raises(NotFound, match="group-unknown"):
        act(patients, "carres")
    assert list_groups(patients) == []
