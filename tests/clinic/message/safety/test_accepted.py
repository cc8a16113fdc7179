"""What a safety check finds a named person may accept, for a reason: once, sealed, found afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import add_operator
from clinic.message.safety.accepted import (
    Acceptance,
    acceptance_of,
    acceptances_of,
    apply_acceptance,
    keep_acceptances,
    need_second,
    note_second,
    require_given,
)
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from tests.fakes import FakeClock
from tests.main_job import Practice

CODE, WHY = "name_differs", "Mrs Pugh wrote the names in Arabic"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(2)
    return made


def applied(practice: Practice, number: int, *, two_persons: bool = False) -> bool:
    with practice.record.write() as connection:
        return apply_acceptance(
            connection, practice.clock, number, CODE, found={"patients": 2}, rows=2,
            two_persons=two_persons,
        )  # fmt: skip


def test_it_counts_for_the_campaign_it_was_given_for_and_is_one_act(practice: Practice) -> None:
    number = practice.begin(practice.everybody(2), accept={CODE: WHY}, requested_by="nia")
    other = practice.begin(practice.everybody(2), request_key="other", again=True)
    assert [applied(practice, number), applied(practice, number), applied(practice, other)] == [
        True, True, False,
    ]  # fmt: skip
    with practice.record.read() as connection:
        own = acceptance_of(connection, number, CODE)
        acts = connection.execute(
            sa.select(audit_act.c.operator, audit_act.c.new_values).where(
                audit_act.c.operation_type == "safety.accepted"
            )
        ).all()
    assert own == Acceptance(CODE, "nia", WHY, applied=True, two_persons=False, second_by=None)
    assert [act.operator for act in acts] == ["nia"]
    assert "Pugh" not in acts[0].new_values


def test_what_takes_two_persons_has_the_name_of_both_and_its_seal_holds(
    practice: Practice,
) -> None:
    number = practice.begin(practice.everybody(2), accept={CODE: WHY}, requested_by="nia")
    assert applied(practice, number, two_persons=True)
    with practice.record.write() as connection:
        assert need_second(connection, number)
        note_second(connection, practice.clock, number, "bram")
        note_second(connection, practice.clock, number, "somebody else")
    with practice.record.read() as connection:
        assert [one.second_by for one in acceptances_of(connection, number)] == ["bram"]
    assert verify(practice.record, None).first_fault is None


@pytest.mark.parametrize(
    ("accept", "by", "code"),
    [
        ({"no_such_check": WHY}, "nia", "acceptance-unknown"),
        ({CODE: "x"}, "nia", "override-unnamed"),
        ({CODE: WHY}, " ", "override-unnamed"),
    ],
)
def test_nobody_accepts_without_a_name_a_reason_and_a_check(
    practice: Practice, accept: dict[str, str], by: str, code: str
) -> None:
    number = practice.begin(practice.everybody(2))
    with pytest.raises(CohortRefused) as told:
        keep_acceptances(practice.record, practice.clock, number, accept, by=by)
    assert told.value.code == code
    assert not applied(practice, number)


def test_a_run_accepts_only_what_was_accepted_in_the_terminal(practice: Practice) -> None:
    """Its requester's name is a parameter: whoever reaches Prefect could write anybody's there."""
    with pytest.raises(NotAllowed, match="override-unproven"):  # also before anybody was added
        require_given(practice.record, "run-7", {CODE: WHY}, None)
    for name, role in (("ada", "admin"), ("nia", "manager")):
        add_operator(
            practice.record, practice.clock, name=name, role=role, secret="long-enough-secret", by="ada"
        )  # fmt: skip
    practice.begin(
        practice.everybody(2), request_key="cli-1", accept={CODE: WHY}, requested_by="nia"
    )
    require_given(practice.record, "cli-1", {CODE: WHY}, None)
    require_given(practice.record, "run-8", {}, None)
    with pytest.raises(NotAllowed, match="override-unproven"):
        require_given(practice.record, "run-8", {CODE: WHY}, None)
