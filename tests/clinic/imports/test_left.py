"""
NEW-14, NEW-15: a row that the other system has taken out (Deleted, RemovedData) adds nothing and lifts nothing.

Extracts send it again with a mark, so that what it says must not be taken for what is so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.people import consent, group_member
from clinic.settings import ImportKind
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

# Of each kind: headings, and a row without its mark
TABLES: dict[ImportKind, tuple[str, str]] = {
    "diagnoses": ("NHS Number,Term,Effective Date", f"{nhs(1)},Asthma,2020-03-01"),
    "medications": ("NHS Number,Drug,Issue Date", f"{nhs(1)},Zinc,2020-03-01"),
    "allergies": ("NHS Number,Allergen,Date Started", f"{nhs(1)},Cats,2020-03-01"),
}


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, kind: ImportKind, heading: str, *rows: str) -> Imported:
    path = practice.file(*rows, heading=heading, name="rows.csv")
    options = Options(by="nia", source="tpp")
    return run_import(
        practice.record, practice.clock, kind, open_file(kind, path, options.how), options
    )


def rows_of(practice: Practice, *tables: sa.Table) -> list[tuple[Any, ...]]:
    with practice.record.read() as connection:
        return [tuple(row) for table in tables for row in connection.execute(sa.select(table))]


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("mark", ["", "0", "FALSE", "N", "-", "null", "N/A"])
def test_a_row_that_is_marked_by_no_word_is_taken(
    practice: Practice, kind: ImportKind, mark: str
) -> None:
    heading, row = TABLES[kind]
    assert run(practice, kind, f"{heading},Deleted", f"{row},{mark}").counts == {"added": 1}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("mark", ["1", "TRUE", "Y", "D"])
def test_what_was_taken_out_is_not_added_and_what_is_here_stays_and_is_listed(
    practice: Practice, kind: ImportKind, mark: str
) -> None:
    heading, row = TABLES[kind]
    tables = (diagnosis, medication, allergy)
    gone = run(practice, kind, f"{heading},Deleted", f"{row},{mark}", f",,,{mark}")
    assert gone.counts == {"left_source": 2}
    assert gone.problems == [(2, "left_source"), (3, "left_source")]
    assert rows_of(practice, *tables) == []
    assert run(practice, kind, f"{heading},Removed Data", f"{row},0").counts == {"added": 1}
    before = rows_of(practice, *tables)
    again = run(practice, kind, f"{heading},Removed Data", f"{row},{mark}")
    assert (again.counts, rows_of(practice, *tables)) == ({"left_source": 1}, before)


def test_a_membership_that_was_taken_out_puts_nobody_into_the_group(practice: Practice) -> None:
    heading = "NHS Number,Group Name,RemovedData"
    rows = (f"{nhs(1)},Flu,1", f"{nhs(2)},Flu,0")
    assert run(practice, "groups", heading, *rows).counts == {"unchanged": 1, "added": 1}
    assert run(practice, "groups", heading, f"{nhs(2)},Flu,1").counts == {"removed": 1}
    assert rows_of(practice, group_member) == []


def test_a_consent_that_was_taken_out_lifts_nothing_and_is_taken_back(practice: Practice) -> None:
    heading = "NHS Number,SmsConsent,DateEvent,RemovedData"
    out, agreed = f"{nhs(1)},FALSE,01 Feb 2026 10:00:00,0", f"{nhs(1)},TRUE,02 Feb 2026 10:00:00,"
    assert run(practice, "consents", heading, out, f"{agreed}1").counts == {
        "noted": 1,
        "consent_ended": 1,
    }
    assert run(practice, "consents", heading, f"{agreed}0").counts == {"noted": 1}
    taken = run(practice, "consents", heading, f"{agreed}1")
    assert (taken.counts, taken.also["taken_back"]) == ({"consent_ended": 1}, 1)
    assert [row.decision for row in _decisions(practice)] == ["opt_out"]


def test_an_opt_out_that_was_taken_out_is_an_opt_out_still(practice: Practice) -> None:
    """Nothing lifts one but a later consent."""
    heading = "NHS Number,Decision,Date,Deleted"
    run(practice, "consents", heading, f"{nhs(1)},opted out,2026-02-01,TRUE")
    assert [row.decision for row in _decisions(practice)] == ["opt_out"]


def _decisions(practice: Practice) -> list[Any]:
    with practice.record.read() as connection:
        return list(connection.execute(sa.select(consent)))
