"""NEW-15, ARC-11: an import takes out what imports noted, never what a patient, staff or others said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.journal import Journal
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Complete, Options
from clinic.imports.result import Imported
from clinic.imports.undo.undo import undo_import
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.schema.systems.imports import import_added
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "NHS Number,Decision,Channel,Date"
GIVEN, OVER = (f"{nhs(1)},{word},sms,2026-01-05" for word in ("consented", "consent ended"))
OUT = f"{nhs(1)},opted out,sms,2026-01-06"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, *rows: str, source: str = "emis", **more: Any) -> Imported:
    path = practice.file(*rows, heading=HEADING, name="consents.csv")
    options = Options(by="nia", source=source, **more)
    file = open_file("consents", path)
    return run_import(practice.record, practice.clock, "consents", file, options)


def undo(practice: Practice, result: Imported) -> None:
    undo_import(practice.record, practice.clock, result.number or 0, by="nia", check=False)


def said(practice: Practice) -> list[tuple[int, str, str]]:
    c = consent.c
    query = sa.select(c.patient_id, c.decision, c.source).order_by(c.id)
    with practice.record.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def taken_back(practice: Practice) -> tuple[Imported, Imported]:
    """A consent that was noted, and one that took it back."""
    return run(practice, GIVEN), run(practice, OVER)


def test_what_a_patient_said_after_a_consent_was_taken_back_stays_when_its_import_is_put_back(
    practice: Practice,
) -> None:
    first, second = taken_back(practice)
    practice.decides(2, "opt_out")
    own = said(practice)
    undo(practice, second)
    assert said(practice) == [(1, "opt_in", "import"), *own]
    undo(practice, first)
    undo(practice, first)
    assert said(practice) == own


def test_what_another_source_said_then_stays_too(practice: Practice) -> None:
    taken_back(practice)
    run(practice, OUT, source="other")
    whole = run(practice, f"{nhs(2)},opted out,sms,2026-01-06", complete=Complete(1))
    assert whole.also["withdrawn"] == 0
    assert (1, "opt_out", "import") in said(practice)


def test_what_a_patient_says_while_an_import_is_at_work_is_theirs(practice: Practice) -> None:
    number = run(practice, OUT, source="other").number
    with practice.record.write() as connection, Journal(number).watch(connection):
        row = {
            "patient_id": 1,
            "channel": "sms",
            "decision": "opt_out",
            "decided_at": practice.clock.now(),
        }
        connection.execute(sa.insert(consent).values(**row, source="reply"))
        mine = connection.execute(sa.insert(consent).values(**row, source="import"))
    with practice.record.read() as connection:
        query = sa.select(import_added.c.first_id, import_added.c.last_id)
        spans = connection.execute(query.order_by(import_added.c.first_id)).all()
    key = mine.inserted_primary_key[0]
    assert spans[1:] == [(key, key)]


DATED = f"{nhs(1)},opted out,sms,2026-01-05"
UNDATED = f"{nhs(1)},opted out,sms,"
OPEN = f"{nhs(1)},opted out,sms,2026-03-02"  # today, which is not over


@pytest.mark.parametrize("row", [DATED, UNDATED, OPEN])
def test_an_opt_out_in_two_sources_holds_when_one_has_it_no_more_or_is_put_back(
    practice: Practice, row: str
) -> None:
    first = run(practice, row, complete=Complete(1))
    dry = run(practice, row, source="other", check=True)
    again = [run(practice, row, source="other") for _ in range(2)]
    assert [each.counts for each in (dry, *again)] == [{"unchanged": 1}] * 3
    assert (again[0].also["opt_out"], again[1].changed) == (0, False)
    assert len(said(practice)) == 2
    whole = run(practice, f"{nhs(2)},opted out,sms,2026-01-05", complete=Complete(1))
    assert whole.also["withdrawn"] == 1
    assert said(practice) == [(1, "opt_out", "import"), (2, "opt_out", "import")]
    for result in (whole, again[0]):
        undo(practice, result)
    assert said(practice) == [(1, "opt_out", "import")]
    undo(practice, first)
    assert said(practice) == []


def test_what_another_source_says_again_lifts_nothing_that_the_patient_said_since(
    practice: Practice, clock: FakeClock
) -> None:
    run(practice, UNDATED)
    clock.sleep(60)
    practice.decides(1, "opt_in")
    clock.sleep(60)
    run(practice, UNDATED, source="other")
    c = consent.c
    with practice.record.read() as connection:
        last = connection.execute(sa.select(c.decision).order_by(c.decided_at.desc(), c.id.desc()))
        assert last.scalars().first() == "opt_in"


def test_an_opt_out_that_the_patients_file_says_too_holds_when_the_opt_outs_have_it_no_more(
    practice: Practice,
) -> None:
    run(practice, UNDATED, complete=Complete(1))
    row = f"{nhs(1)},Llwyd,yes,yes"
    heading = "NHS Number,Surname,Do not text,SMS declined"
    for expected in (2, 2):
        path = practice.file(row, heading=heading, name="patients.csv")
        options = Options(by="nia", source="emis")
        file = open_file("patients", path)
        result = run_import(practice.record, practice.clock, "patients", file, options)
        assert (result.also["opted_out"], len(said(practice))) == (0, expected)
    run(practice, f"{nhs(2)},opted out,sms,2026-01-05", complete=Complete(1))
    assert said(practice) == [(1, "opt_out", "import"), (2, "opt_out", "import")]
