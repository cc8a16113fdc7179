"""Every command × somebody who is tied to another facility: made from the program's own definition (NEW-38)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import Result

from cli.acting import ACTING, UPKEEP, leaves, need_of
from cli.door.reach import REACHES, Reach
from cli.program import COMMANDS
from clinic.clock import SystemClock
from clinic.govern.people.facilities import set_facilities
from clinic.govern.people.refused import REFUSED as REFUSAL
from clinic.record.schema.base import METADATA
from clinic.record.schema.govern import audit_act, operator
from clinic.record.schema.messages import recipient
from clinic.record.schema.people import facility, patient
from tests.campaigns import put_patient
from tests.cli.looks.conftest import NUMBER
from tests.cli.looks.test_every_look import OF_THE_PATIENT, written
from tests.cli.looks.test_every_look import WORDS as OF_LOOKS
from tests.cli.office import SECRET, Office
from tests.cli.test_acting import WORDS as OF_ACTING
from tests.fakes import quick_hash

GUARDED = sorted(path for path in REACHES if need_of(path) is not None)


@pytest.fixture
def two(office: Office) -> Office:
    """The patients of `office` are of North; tia is a manager of South alone."""
    record = office.open()
    with record.write() as connection:
        rows = [
            {"id": 1, "code": "North", "name": "North"},
            {"id": 2, "code": "South", "name": "S"},
        ]
        connection.execute(facility.insert(), rows)
        connection.execute(patient.update().values(facility_id=1))
        values = {"name": "tia", "role": "manager", "created_by": "root", "active": True}
        hashed = quick_hash(SECRET)
        connection.execute(
            operator.insert().values(**values, secret_hash=hashed, created_at=SystemClock().now())
        )
    set_facilities(record, SystemClock(), name="tia", codes=["south"], by="root")
    record.close()
    held = office.run("retention", "hold", "patient", NUMBER, "--reason", "inquiry", me="mia")
    assert held.exit_code == 0, held.output
    office.environment["COHORT_OPERATOR"] = "tia"
    return office


def words_of(path: str) -> list[str]:
    typed = (
        OF_LOOKS.get(path)
        or OF_ACTING.get(path, "").replace("77", "1").replace("7.2", "1.2").split()
    )
    return [*path.split(), *typed]


def contents(office: Office) -> dict[str, list[Any]]:
    record = office.open()
    with record.read() as connection:
        found = {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in METADATA.sorted_tables
            if not table.name.startswith(("access_", "audit_", "operator", "sign_in"))
        }
    record.close()
    return found


def refusals(office: Office) -> int:
    record = office.open()
    with record.read() as connection:
        c = audit_act.c
        count = sa.select(sa.func.count()).where(
            c.operation_type == REFUSAL,
            c.operator == "tia",
            c.new_values.contains("other-facility"),
        )
        number = int(connection.scalar(count) or 0)
    record.close()
    return number


def typed(office: Office, path: str) -> Result:
    return office.run(*words_of(path), me="tia" if path in ACTING else None, typed="all\n")


def seen(result: Result) -> list[str]:
    """What of the patient is on the screen, or in a file that was written."""
    texts = [result.output, *written()]
    return [one for one in OF_THE_PATIENT if any(one in text for text in texts)]


def of(*reaches: Reach) -> list[str]:
    return [path for path in GUARDED if REACHES[path] in reaches]


def test_every_command_says_whose_patients_it_reaches() -> None:
    """NEW-38: a new command is refused until it does; nothing is declared that is not there."""
    every = {path for name, each in COMMANDS.items() for path, _ in leaves(name, each.load(name))}
    assert sorted(REACHES) == sorted(every - UPKEEP.keys())
    assert len(of(Reach.REFUSED, Reach.WHOLE)) > 50


def test_what_is_of_another_facility_is_refused_and_on_the_trail(two: Office) -> None:
    """NEW-38: every command that is about a patient, or about work or replies with one: each refused."""
    before = contents(two)
    for path in of(Reach.REFUSED, Reach.WHOLE):
        number = refusals(two)
        result = typed(two, path)
        assert (result.exit_code, result.stdout) == (3, ""), (path, result.output)
        assert "other-facility" in result.output, (path, result.output)
        assert refusals(two) == number + 1, path
        assert not seen(result), (path, result.output)
    assert contents(two) == before


def test_a_look_at_another_facility_s_patient_is_in_the_access_log_as_refused(two: Office) -> None:
    """NEW-37: found by the patient whom it was at, with who tried."""
    for path in ("patient", "subject-access", "audit who-saw"):
        typed(two, path)
    told = two.rows("audit", "who-saw", NUMBER, "--reason", "audit", me="mia")
    tries = {one["command"]: one["refused"] for one in told if one["person"] == "tia"}
    assert tries == dict.fromkeys(("patient", "subject-access", "audit who-saw"), "other-facility")


def test_of_many_those_of_another_facility_are_left_out(two: Office) -> None:
    """NEW-38: no value of theirs is shown, and nothing of theirs changes."""
    before = contents(two)
    for path in of(Reach.LEFT_OUT):
        result = typed(two, path)
        assert result.exit_code in (0, 2), (path, result.output)
        assert not seen(result), (path, result.output)
        if path not in ("message", "remind", "operations select"):
            assert "not shown: 1" in result.output, (path, result.output)
    after = contents(two)
    patients = ("patient", "message", "clinical_item", "operation_item", "consent", "contact_hold")
    assert [after[name] for name in patients] == [before[name] for name in patients]


def test_what_is_said_to_reach_nobody_shows_nobody(two: Office) -> None:
    """NEW-38: a command cannot be declared past the wall."""
    for path in of(Reach.NOBODY):
        if not path.startswith(("server", "health")):
            result = typed(two, path)
            assert not seen(result), (path, result.output)


def test_whoever_is_tied_to_nothing_or_to_that_facility_works_as_before(two: Office) -> None:
    """NEW-38: and an admin changes it."""
    words = ("patient", NUMBER, "--reason", "care")
    assert two.run(*words).exit_code == 3
    tied = two.run("operators", "facilities", "tia", "--facility", "north", me="root")
    assert "the patients of North" in tied.output, tied.output
    assert two.run(*words).exit_code == 0
    both = two.run("operators", "facilities", "tia", "--all", me="root")
    assert "all facilities" in both.output, both.output
    assert two.run("report").exit_code == 0
    assert two.run("audit", "verify").exit_code == 0


def test_a_campaign_and_an_operation_leave_the_others_out_and_count_them(two: Office) -> None:
    """NEW-38, NEW-6: each row with the outcome `other_facility`; the rest as everybody's."""
    record = two.open()
    put_patient(record, 7, nhs_number="9990000034", local_id="L7", mobile="07700900777")
    with record.write() as connection:
        connection.execute(patient.update().where(patient.c.id == 7).values(facility_id=2))
    record.close()
    ids = f"{NUMBER}\n9990000034\n"
    selected = two.rows("operations", "select", "--ids-from", "-", me="tia", typed=ids)
    assert selected["outcomes"] == {"other_facility": 1, "selected": 1}
    filtered = two.rows("operations", "select", "--status", "active", me="tia")
    assert filtered["outcomes"] == {"selected": 1}  # by a question they are not even counted
    told = two.run(
        "message", "--ids-from", "-", "--name", "N", "--text", "Come", "--purpose", "care", "--yes",
        "--dry-run", me="tia", typed=ids,
    )  # fmt: skip
    [left_out] = two.home.glob("not-accepted/*")
    text = left_out.read_text("utf-8-sig")
    assert text.count("other_facility") == 1
    assert "other_facility" in told.output, told.output
    campaign = two.rows("campaigns")[0]["id"]
    record = two.open()
    with record.read() as connection:
        c = recipient.c
        rows = connection.execute(
            sa.select(c.outcome, c.patient_id).where(c.campaign_id == campaign)
        )
        found = sorted((row.outcome, row.patient_id) for row in rows)
    record.close()
    assert found == [("accepted", 7), ("other_facility", None)], found
