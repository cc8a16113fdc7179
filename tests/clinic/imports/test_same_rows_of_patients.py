"""
Issue 16: opt-outs and clinical rows that came before are not read again, until what they rest on is otherwise.

Whether rows were read is seen by `patient_digest`, and by what a hand did to the record, which reading mends.
"""

from __future__ import annotations

from datetime import timedelta
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


def rests(practice: Practice) -> list[tuple[str, str]]:
    c = consent.c
    with practice.record.read() as connection:
        rows = connection.execute(sa.select(c.decision, c.purpose).order_by(c.decided_at, c.id))
        return [(row[0], row[1]) for row in rows]


def test_an_opt_out_that_a_consent_from_elsewhere_overtook_is_read_again(
    practice: Practice,
) -> None:
    """ARC-11: of one day the opt-out counts, though it was read before that day was over."""
    today = f"{practice.clock.now():%Y-%m-%d}"
    row = out(1, day=today)
    assert run(practice, "consents", row).counts == {"noted": 1}
    practice.clock.sleep(86400)
    assert run(practice, "consents", row).counts == {"unchanged": 1}
    assert kept(practice) == [(1, "consents/emis")]

    said = out(1, "consented", f"{today} 20:00")
    assert run(practice, "consents", said, source="portal").counts == {"noted": 1}
    assert kept(practice) == [(1, "consents/portal")]
    assert run(practice, "consents", row).counts == {"noted": 1}
    assert [decision for decision, _ in rests(practice)] == ["opt_out", "opt_in", "opt_out"]
    assert run(practice, "consents", row).counts == {"unchanged": 1}


def test_a_consent_of_a_whole_source_overtakes_alike(practice: Practice) -> None:
    """ARC-11: a source that has all keeps no digests of its own, and is no less heard."""
    today = f"{practice.clock.now():%Y-%m-%d}"
    run(practice, "consents", out(1, day=today))
    practice.clock.sleep(86400)
    run(practice, "consents", out(1, day=today))
    said = out(1, "consented", f"{today} 20:00")
    run(practice, "consents", said, source="portal", complete=Complete(most=1))
    assert run(practice, "consents", out(1, day=today)).counts == {"noted": 1}


def test_an_opt_out_from_a_day_to_come_counts_when_that_day_is_there(practice: Practice) -> None:
    """ARC-11: though its row has not changed, and they consented meanwhile."""
    begins = practice.clock.now() + timedelta(days=5)
    row = out(1, day=f"{begins:%Y-%m-%d}")
    first = run(practice, "consents", row)
    assert (first.counts, first.also["opt_out"]) == ({"widened": 1}, 1), "in doubt from now on"
    assert first.again_at == begins.replace(hour=0, minute=0, second=0, microsecond=0)
    practice.clock.sleep(2 * 86400)
    assert run(practice, "consents", row).counts == {"unchanged": 1}
    run(
        practice,
        "consents",
        out(1, "consented", f"{practice.clock.now():%Y-%m-%d}"),
        source="portal",
    )
    assert run(practice, "consents", row).counts == {"unchanged": 1}

    practice.clock.sleep(3 * 86400)
    due = run(practice, "consents", row)
    assert due.counts == {"noted": 1}
    assert [decision for decision, _ in rests(practice)] == ["opt_out", "opt_in", "opt_out"]
    practice.clock.sleep(86400)
    over = run(practice, "consents", row)
    assert (over.counts, over.again_at) == ({"unchanged": 1}, None)
    assert (1, "consents/emis") in kept(practice)


def test_an_opt_out_of_an_hour_to_come_is_noted_once_until_then(practice: Practice) -> None:
    """ARC-11: the source's clock may be ahead, and the file comes each hour."""
    at = practice.clock.now() + timedelta(hours=3)
    row = out(1, day=f"{at:%Y-%m-%d %H:%M}")
    assert run(practice, "consents", row).counts == {"noted": 1}
    for _ in range(2):
        practice.clock.sleep(3600)
        assert run(practice, "consents", row).counts == {"unchanged": 1}
    practice.clock.sleep(2 * 3600)
    assert run(practice, "consents", row).counts == {"noted": 1}
    assert run(practice, "consents", row).counts == {"unchanged": 1}
