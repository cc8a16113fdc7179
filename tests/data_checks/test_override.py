"""The gate stops only wrong lists, and a named person who knows better may let one pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from clinic.errors import CohortError, CohortRefused, NotAllowed
from clinic.govern.people.operators import add_operator
from clinic.message.campaign.override import Override
from clinic.message.outcomes.report import show_campaign
from clinic.message.prepare.review import review_campaign
from clinic.message.safety.accepted import require_given
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import gate_override
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs, tally

REASON = "Mrs Pugh's list of the closed branch"
STRANGERS = [nhs(n) for n in range(101, 131)]


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(record, clock, tmp_path, address_from="list")


def acts(practice: Practice) -> list[sa.Row[tuple[str, int, str]]]:
    with practice.record.read() as connection:
        return list(
            connection.execute(
                sa.select(audit_act.c.operator, audit_act.c.subject_id, audit_act.c.new_values).where(
                    audit_act.c.operation_type == "gate.overridden"
                )
            )
        )  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "cell", "outcome"),
    [
        ("Clinic", "", "variable_missing"),
        ("Mobile Number", "020 7946 0018", "phone_not_mobile"),
        ("Mobile Number", "not given", "phone_invalid"),
    ],
)
def test_the_good_rows_go_whatever_the_others_lack(
    practice: Practice, heading: str, cell: str, outcome: str
) -> None:
    """ARC-9, ACX-26: 24 of 32 without the template's variable or a number: the other 8 are messaged."""
    practice.patients(32)
    if heading == "Clinic":
        practice.template("Come to {{ list.Clinic }}.")
    good = "Nia's" if heading == "Clinic" else "07700 900123"
    rows = [f"{nhs(n)},Family,{good if n <= 8 else cell}" for n in range(1, 33)]
    number = practice.begin(practice.file(*rows, heading=f"NHS Number,Surname,{heading}"))
    assert practice.check(number).outcome == "warn"
    found = {code.split(" (")[0]: n for code, n in tally(practice.outcomes()).items()}
    assert found == {"accepted": 8, outcome: 24}


def test_a_named_person_lets_a_stopped_list_pass_and_the_trail_has_it(practice: Practice) -> None:
    """Rows in error stay left out. The trail has checks, counts and digests, and none of the words."""
    practice.patients(5)
    rows = [nhs(n) for n in range(1, 6)]
    path = practice.file(*rows, *STRANGERS)
    with pytest.raises(CohortRefused, match="--override-gate"):
        practice.check(practice.begin(path))
    assert acts(practice) == []
    number = practice.begin(
        path, request_key="again", override_gate=REASON, requested_by="nia"
    )  # fmt: skip
    for _ in range(2):
        assert practice.check(number).outcome == "stop"
    assert tally(practice.outcomes(number)) == {"accepted": 5, "patient_not_found": 30}
    ((who, campaign, values),) = acts(practice)
    assert (who, campaign) == ("nia", number)
    assert json.loads(values)["checks"] == {"unidentified": 30, "not_found": 30}
    answers = Override("nia", REASON, applied=True)
    assert show_campaign(practice.record, number).override == answers
    assert review_campaign(practice.record, number, segment_cost=0).override == answers
    assert "Pugh" not in str(values)
    assert practice.stage(number) == 1


def test_without_the_layouts_columns_it_may_pass_too(practice: Practice) -> None:
    """Killed after the act and judged again, there is one act."""
    practice.patients(3)
    number = practice.begin(practice.everybody(3), override_gate=REASON, requested_by="nia")
    own = practice.settings.organisation.model_copy(update={"id_scheme": "emis"})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    assert practice.check(number).outcome == "pass"
    assert tally(practice.outcomes(number)) == {"accepted": 3}
    assert len(acts(practice)) == 1


def test_of_a_list_that_nothing_stops_there_is_nothing_on_the_trail(practice: Practice) -> None:
    practice.patients(2)
    practice.judge(practice.everybody(2), override_gate=REASON, requested_by="nia")
    assert acts(practice) == []
    assert practice.count(gate_override) == 1


@pytest.mark.parametrize("who", ["", "   ", "mallory"])
def test_nobody_without_a_name_overrides(practice: Practice, who: str) -> None:
    """Where the practice has operators, a name that is none of theirs is none."""
    practice.patients(2)
    add_operator(
        practice.record,
        practice.clock,
        name="nia",
        role="admin",
        secret="long-enough-secret",
        by="nia",
    )
    practice.settings = practice.settings.model_copy(update={"operator": who})
    with pytest.raises(CohortError, match="override"):
        practice.begin(practice.everybody(2), override_gate=REASON, requested_by=who or None)
    assert practice.count(gate_override) == 0


def test_a_run_overrides_only_what_was_overridden_in_the_terminal(practice: Practice) -> None:
    """Its requester's name is a parameter: whoever reaches Prefect could write anybody's there."""
    practice.patients(2)
    with pytest.raises(NotAllowed, match="override-unproven"):  # also before anybody was added
        require_given(practice.record, "run-7", {}, REASON)
    for name, role in (("ada", "admin"), ("nia", "manager")):
        add_operator(
            practice.record, practice.clock, name=name, role=role, secret="long-enough-secret", by="ada"
        )  # fmt: skip
    path = practice.everybody(2)
    practice.begin(path, request_key="cli-1", override_gate=REASON, requested_by="nia")
    practice.begin(path, request_key="cli-2", again=True)
    require_given(practice.record, "cli-1", {}, REASON)
    require_given(practice.record, "run-8", {}, None)
    for key in ("cli-2", "run-8"):
        with pytest.raises(NotAllowed, match="override-unproven"):
            require_given(practice.record, key, {}, REASON)


@pytest.mark.parametrize("reason", ["", " ", "x"])
def test_a_reason_is_more_than_a_letter(practice: Practice, reason: str) -> None:
    with pytest.raises((ValidationError, CohortRefused)):
        practice.begin(practice.everybody(1), override_gate=reason, requested_by="nia")
