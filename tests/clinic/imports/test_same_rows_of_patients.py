"""
Issue 16: opt-outs and clinical rows that came before are not read again, until what they rest on is otherwise.

Whether rows were read is seen by `patient_digest`, and by what a hand did to the record, which reading mends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Complete, Options
from clinic.imports.result import Imported
from clinic.imports.undo.undo import undo_import
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.people import consent, patient
from clinic.record.schema.systems.imports import patient_digest
from clinic.settings import ImportKind, SourceFormat
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADINGS: dict[ImportKind, str] = {
    "consents": "NHS Number,EMIS Number,Decision,Channel,Date",
    "diagnoses": "NHS Number,EMIS Number,SNOMED Code,Term,Start Date,Status",
}


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(4)
    return made


def run(practice: Practice, kind: ImportKind, *rows: str, **more: Any) -> Imported:
    path = practice.file(*rows, heading=HEADINGS[kind], name=f"{kind}.csv")
    options = Options(**({"by": "nia", "source": "emis"} | more))
    return run_import(practice.record, practice.clock, kind, open_file(kind, path), options)


def ill(n: int, status: str = "active", code: str = "38341003", who: str = "") -> str:
    return f"{who or nhs(n) + ','},{code},Words,2020-03-01,{status}"


def out(n: int, said: str = "opted out", day: str = "2025-03-01") -> str:
    return f"{nhs(n)},,{said},sms,{day}"


def kept(practice: Practice) -> list[tuple[int, str]]:
    """Whose rows are passed over if they come again, and of what."""
    d = patient_digest.c
    with practice.record.read() as connection:
        rows = connection.execute(
            sa.select(d.patient_id, d.source).order_by(d.patient_id, d.source)
        )
        return [(row[0], row[1]) for row in rows]


def states(practice: Practice) -> list[str]:
    with practice.record.read() as connection:
        return list(connection.scalars(sa.select(diagnosis.c.status).order_by(diagnosis.c.id)))


@pytest.mark.parametrize(
    ("kind", "rows", "first"),
    [("consents", (out(1), out(2)), "noted"), ("diagnoses", (ill(1), ill(2)), "added")],
)
def test_what_was_said_before_is_passed_over(
    practice: Practice, kind: ImportKind, rows: tuple[str, ...], first: str
) -> None:
    assert run(practice, kind, *rows, check=True).counts == {first: 2}
    assert kept(practice) == []  # a dry run notes nothing
    assert run(practice, kind, *rows).counts == {first: 2}
    assert kept(practice) == [(1, f"{kind}/emis"), (2, f"{kind}/emis")]
    for check in (True, False):
        assert run(practice, kind, *reversed(rows), check=check).counts == {"unchanged": 2}


def test_one_row_more_of_a_patient_and_all_of_theirs_are_read(practice: Practice) -> None:
    """What a row comes to may rest on their other rows: the first of one diagnosis counts."""
    run(practice, "diagnoses", ill(1), ill(2))
    again = run(practice, "diagnoses", ill(1), ill(1, "past"), ill(2))
    assert again.counts == {"unchanged": 2, "repeated": 1}
    assert states(practice) == ["active", "active"]
    assert kept(practice) == [(2, "diagnoses/emis")]


def test_a_row_that_names_them_by_another_id_is_theirs_too(practice: Practice) -> None:
    with practice.record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 1).values(local_id="E1"))
    run(practice, "diagnoses", ill(1))
    again = run(practice, "diagnoses", ill(1), ill(1, "past", who=",E1"))
    assert again.counts == {"unchanged": 1, "repeated": 1}
    assert states(practice) == ["active"]


def test_what_another_source_changed_is_as_this_one_says_again(practice: Practice) -> None:
    run(practice, "diagnoses", ill(1), ill(2))
    assert run(practice, "diagnoses", ill(1, "past"), source="tpp").counts == {"changed": 1}
    assert run(practice, "diagnoses", ill(1), ill(2)).counts == {"changed": 1, "unchanged": 1}
    assert states(practice) == ["active", "active"]


def test_an_id_that_is_another_patient_s_by_now_is_theirs(practice: Practice) -> None:
    run(practice, "consents", out(1))
    with practice.record.write() as connection:
        for n, number in ((1, nhs(9)), (2, nhs(1))):
            connection.execute(
                sa.update(patient)
                .where(patient.c.id == n)
                .values(nhs_number=number, version=patient.c.version + 1)
            )
    assert run(practice, "consents", out(1)).counts == {"noted": 1}


def test_after_an_undoing_and_after_a_withdrawal_it_is_done_again(practice: Practice) -> None:
    number = run(practice, "diagnoses", ill(1)).number
    assert number is not None
    undo_import(practice.record, practice.clock, number, by="nia", check=False)
    assert run(practice, "diagnoses", ill(1)).counts == {"added": 1}
    run(practice, "consents", out(1), out(2))
    gone = run(practice, "consents", out(2), complete=Complete(most=0.9))
    assert gone.also["withdrawn"] == 1
    assert run(practice, "consents", out(1), out(2)).counts == {"noted": 1, "unchanged": 1}
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(consent)) == 2


def test_another_way_of_reading_reads_them_again(practice: Practice) -> None:
    run(practice, "diagnoses", f"{nhs(1)},,38341003,Words,03/04/2020,active",
        how=SourceFormat(date_order="day_first"))  # fmt: skip
    again = run(practice, "diagnoses", f"{nhs(1)},,38341003,Words,03/04/2020,active",
                how=SourceFormat(date_order="month_first"))  # fmt: skip
    assert again.counts == {"added": 1}


def test_what_is_listed_once_is_listed_each_time(practice: Practice) -> None:
    """Only an opt-out that counts for more than it says is known once it is noted."""
    rows = (f"{nhs(1)},,opted out,pigeon,2025-03-01", out(2, "perhaps"), out(3, "consented", ""))
    assert run(practice, "consents", *rows).counts == {
        "widened": 1, "decision_unclear": 1, "consent_undated": 1
    }  # fmt: skip
    assert run(practice, "consents", *rows).counts == {
        "unchanged": 1, "decision_unclear": 1, "consent_undated": 1
    }  # fmt: skip
