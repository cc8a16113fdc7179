"""Values of imports end 24 months after it, when two people decide it; then it is not put back (NEW-39)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.govern.approvals.deciding import Judged, decide
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import Role
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.undo.runs import get_run
from clinic.imports.undo.undo import Undone, undo_import
from clinic.record.database import Record
from clinic.record.schema.systems.imports import import_added, import_change
from clinic.retention import import_values
from clinic.retention.decided import ask, carry_out
from clinic.retention.holds import lift_hold, place_hold
from clinic.retention.night import plan
from clinic.retention.stubs import list_stubs
from clinic.settings import ImportKind
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.staff import add_staff

MIA, MAX = (Operator(name, "manager", active=True) for name in ("mia", "max"))
WHAT = import_values.WHAT


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Three patients, whose names an import changed (1); a place that one added (2) and one renamed (3)."""
    made = Practice(record, clock, tmp_path)
    staff: dict[str, Role] = {"root": "admin", "mia": "manager", "max": "manager"}
    add_staff(record, clock, staff, secret="nobody knows this")
    made.patients(3)
    names = (f"{nhs(n)},Prosser,{day}/04/1961" for n, day in ((1, "02"), (2, "13"), (3, "24")))
    run(made, "patients", "NHS Number,Surname,Date of Birth", *names)
    run(made, "facilities", "Code,Name", "M7,Quay")
    run(made, "facilities", "Code,Name", "M7,Quayside")
    return made


def run(practice: Practice, kind: ImportKind, heading: str, *rows: str) -> int | None:
    options = Options(by="nia")
    file = open_file(kind, practice.file(*rows, heading=heading), options.how)
    return run_import(practice.record, practice.clock, kind, file, options).number


def later(practice: Practice, **by: float) -> None:
    assert isinstance(practice.clock, FakeClock)
    practice.clock.time += timedelta(**by)


def due(practice: Practice) -> tuple[int, int, int]:
    """Imports, values in them, imports of which something is held."""
    found = plan(practice.record, practice.settings, practice.clock.now())
    (own,) = (one for one in found if one.what == WHAT)
    return own.things, own.rows, own.held


def let_go(practice: Practice) -> int:
    record, clock, settings = practice.record, practice.clock, practice.settings
    number = ask(record, clock, settings, WHAT, by=MIA, reason="24 months")
    decide(
        record, clock, number, operator=MAX, decision="approved", note="",
        checklist=lambda *_: Judged(),
    )  # fmt: skip
    return carry_out(record, clock, settings, WHAT)


def left(practice: Practice) -> list[tuple[int, int | None]]:
    """Import and patient of each value that is kept."""
    c = import_change.c
    query = sa.select(c.import_id, c.patient_id).order_by(c.import_id, c.patient_id, c.field)
    with practice.record.read() as connection:
        return list(connection.execute(query).tuples())


def undo(practice: Practice, number: int, *, check: bool = False) -> Undone:
    return undo_import(practice.record, practice.clock, number, by="mia", check=check)


def refused(practice: Practice, number: int, *, check: bool = False) -> str:
    with pytest.raises(NotAllowed) as found:
        undo(practice, number, check=check)
    return found.value.code


def test_values_go_after_24_months_and_those_of_a_held_patient_when_the_hold_is_lifted(
    practice: Practice,
) -> None:
    """NEW-39: names and dates of birth of three, and the name of a place; that the imports were made stays."""
    later(practice, days=23 * 30)
    assert due(practice) == (0, 0, 0)
    with pytest.raises(NotAllowed, match="retention-nothing"):
        let_go(practice)
    later(practice, days=2 * 31)
    assert due(practice) == (2, 7, 0)
    hold = place_hold(practice.record, practice.clock, "patient", 2, reason="claim", by="mia")
    assert due(practice) == (2, 5, 1)
    assert let_go(practice) == 2
    assert left(practice) == [(1, 2), (1, 2)]
    assert due(practice) == (0, 0, 1)
    lift_hold(practice.record, practice.clock, hold, by="mia")
    assert due(practice) == (1, 2, 0)
    assert let_go(practice) == 1
    assert left(practice) == []
    stubs = [(one.subject_id, one.count) for one in list_stubs(practice.record, limit=9)]
    assert stubs == [(1, 2), (3, 1), (1, 4)]
    runs = [get_run(practice.record, number) for number in (1, 2, 3)]
    assert [(run.changed, run.values_gone_at is not None) for run in runs] == [
        (True, True), (True, False), (True, True),
    ]  # fmt: skip
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(import_added)) == 1
    assert verify(practice.record, None).first_fault is None


def test_an_import_whose_values_are_gone_is_not_put_back_nor_what_is_older_of_its_kind(
    practice: Practice,
) -> None:
    """NEW-39: also where only a held patient's are left; one that came later is put back as before."""
    later(practice, days=25 * 31)
    place_hold(practice.record, practice.clock, "patient", 3, reason="claim", by="mia")
    new = run(practice, "patients", "NHS Number,Surname", f"{nhs(1)},Pugh") or 0
    let_go(practice)
    assert refused(practice, 1) == "import-not-newest"
    assert undo(practice, new).counts == {"put_back": 1}
    for number in (1, 2, 3):
        assert refused(practice, number, check=number == 3) == "import-values-gone"
    assert [key for _, key in left(practice) if key != 1] == [3, 3]


def test_nothing_goes_that_is_younger_or_that_nobody_decided(practice: Practice) -> None:
    """NEW-39: past the program as well; another period is the practice's own."""
    later(practice, days=25 * 31)
    run(practice, "patients", "NHS Number,Surname", f"{nhs(1)},Pugh")
    with (
        pytest.raises(sa.exc.DatabaseError, match="delete refused"),
        practice.record.write() as one,
    ):
        one.execute(sa.delete(import_change))
    let_go(practice)
    assert left(practice) == [(4, 1)]
    longer = practice.settings.retention.model_copy(update={"import_months": 3})
    with practice.record.read() as connection:
        later(practice, days=93)
        assert import_values.due(connection, practice.clock.now(), longer) == [4]
