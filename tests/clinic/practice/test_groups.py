"""Groups are made, filled by any id a person knows, and filled again without harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.errors import NotAllowed, NotFound
from clinic.message.audience.audience import Audience
from clinic.message.audience.bounds import Bounds
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.practice.groups import (
    Added,
    Group,
    Removed,
    add_to_group,
    delete_group,
    list_groups,
    members_of,
    remove_from_group,
)
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from tests.campaigns import put_patient

CLOCK = SystemClock()


@pytest.fixture
def patients(record: Record) -> Record:
    """Two patients."""
    put_patient(record, 5, nhs_number="9990000018", local_id="1001")
    put_patient(record, 6, nhs_number="9990000999", local_id="1002")
    return record


def test_members_are_known_by_nhs_number_or_the_practices_id(patients: Record) -> None:
    """COM-11: a specific group can be made and messaged."""
    added = add_to_group(
        patients, CLOCK, "carers", ["999 000 0018", "1002", "4444"], by="mia", name="Carers"
    )
    assert added == Added(new=2, already=0, unknown=1)
    assert list_groups(patients) == [Group("carers", "Carers", 2)]


def test_adding_again_changes_nothing(patients: Record) -> None:
    add_to_group(patients, CLOCK, "carers", ["1001"], by="mia", name="Carers")
    assert add_to_group(patients, CLOCK, "carers", ["1001", "9990000018"], by="mia") == Added(
        0, 1, 0
    )


def test_a_slip_in_the_code_makes_no_group(patients: Record) -> None:
    with pytest.raises(NotFound, match="group-unknown"):
        add_to_group(patients, CLOCK, "carres", ["1001"], by="mia")
    assert list_groups(patients) == []


def test_a_group_loses_members_by_any_id_and_again_nothing(patients: Record) -> None:
    add_to_group(patients, CLOCK, "carers", ["1001", "1002"], by="mia", name="Carers")
    assert remove_from_group(
        patients, CLOCK, "carers", ["999 000 0018", "77"], by="max"
    ) == Removed(1, 0, 1)
    assert remove_from_group(patients, CLOCK, "carers", ["1001"], by="max") == Removed(0, 1, 0)
    assert [member.local_id for member in members_of(patients, "carers")] == ["1002"]


def test_a_deleted_group_is_gone_and_its_patients_stay(patients: Record) -> None:
    add_to_group(patients, CLOCK, "carers", ["1001", "1002"], by="mia", name="Carers")
    add_to_group(patients, CLOCK, "walkers", ["1001"], by="mia", name="Walkers")
    assert delete_group(patients, CLOCK, "carers", by="max") == 2
    assert list_groups(patients) == [Group("walkers", "Walkers", 1)]
    assert [member.nhs_number for member in members_of(patients, "walkers")] == ["9990000018"]


@pytest.mark.parametrize(
    "act",
    [
        members_of,
        lambda r, c: delete_group(r, CLOCK, c, by="mia"),
        lambda r, c: remove_from_group(r, CLOCK, c, [], by="mia"),
    ],
)
def test_an_unknown_group_is_named_and_none_is_made(
    patients: Record, act: Callable[[Record, str], object]
) -> None:
    with pytest.raises(NotFound, match="group-unknown"):
        act(patients, "carres")
    assert list_groups(patients) == []


def test_who_made_filled_and_emptied_a_group_is_on_the_trail(patients: Record) -> None:
    """NEW-10: what changed nothing leaves no act."""
    add_to_group(patients, CLOCK, "carers", [], by="mia", name="Carers")
    add_to_group(patients, CLOCK, "carers", ["1001", "1002"], by="ann")
    add_to_group(patients, CLOCK, "carers", ["1001"], by="ann")
    remove_from_group(patients, CLOCK, "carers", ["1001"], by="max")
    delete_group(patients, CLOCK, "carers", by="root")
    c = audit_act.c
    with patients.read() as connection:
        acts = connection.execute(
            sa.select(c.operator, c.operation_type, c.patients_affected).order_by(c.number)
        )
        assert acts.all() == [
            ("mia", "group.made", 0),
            ("ann", "group.added", 2),
            ("max", "group.removed", 1),
            ("root", "group.deleted", 1),
        ]


def test_a_group_that_a_template_leaves_out_is_not_deleted(patients: Record) -> None:
    """NEW-28: a maternity text would go to its members; an older version of it does not count."""
    add_to_group(patients, CLOCK, "baby-loss", ["1001"], by="ann", name="Lost a baby")
    for groups in (("others", "baby-loss"), ()):
        audience = Audience((), Bounds(exclude_groups=groups))
        new = NewTemplate("baby-clinic", "Baby clinic", "invitation", "Come.", audience=audience)
        add_template(patients, CLOCK, new, by="ann")
        if groups:
            with pytest.raises(NotAllowed, match="baby-clinic would go to this group's members"):
                delete_group(patients, CLOCK, "baby-loss", by="ann")
    assert delete_group(patients, CLOCK, "baby-loss", by="ann") == 1
