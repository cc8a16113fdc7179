"""ARC-11: a consent whose end stands in another row of the file lifts nothing, also after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.cohort.files import ListFile
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import consent, patient
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "NHS Number,Local ID,Decision,Channel,Date"
GIVEN = f"{nhs(1)},,consented,sms,2026-01-05"
OVER = f"{nhs(1)},,consent ended,sms,2026-02-01"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(3)
    return made


def run(practice: Practice, *rows: str, **more: Any) -> Imported:
    path = practice.file(*rows, heading=HEADING, name="consents.csv")
    options = Options(by="nia", source="emis", **more)
    file = open_file("consents", path)
    return run_import(practice.record, practice.clock, "consents", file, options)


def said(practice: Practice) -> list[tuple[int, str]]:
    with practice.record.read() as connection:
        rows = connection.execute(sa.select(consent.c.patient_id, consent.c.decision))
        return sorted(tuple(row) for row in rows)


@pytest.mark.parametrize("rows", [(GIVEN, OVER), (OVER, GIVEN)])
def test_it_is_not_noted_and_the_same_file_again_changes_nothing(
    practice: Practice, rows: tuple[str, str]
) -> None:
    assert run(practice, *rows, check=True).counts == {"consent_ended": 2}
    for _ in range(2):
        result = run(practice, *rows)
        assert (result.counts, result.also["taken_back"]) == ({"consent_ended": 2}, 0)
        assert not result.changed
        assert said(practice) == []


def test_who_consented_after_it_has_consented(practice: Practice) -> None:
    later = f"{nhs(1)},,consented,sms,2026-02-02"
    other = f"{nhs(1)},,consented,email,2026-01-05"
    result = run(practice, GIVEN, OVER, later, other)
    assert result.counts == {"consent_ended": 2, "noted": 2}
    assert said(practice) == [(1, "opt_in"), (1, "opt_in")]


def test_an_import_that_is_killed_after_any_block_has_noted_none(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = ListFile.blocks
    monkeypatch.setattr(ListFile, "blocks", lambda file: blocks(file, 1))
    notes: Iterator[int] = iter(range(1))
    original = Imported.note

    def killed(self: Imported, *given: Any) -> None:
        original(self, *given)
        if next(notes, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(Imported, "note", killed)
    with pytest.raises(KeyboardInterrupt):
        run(practice, GIVEN, f"{nhs(2)},,opted out,sms,2026-01-05", OVER)
    assert said(practice) == [(2, "opt_out")]


@pytest.mark.parametrize("ids", [f"{nhs(1)},x", f"{nhs(1)},b"])
def test_an_end_whose_ids_disagree_counts_for_everybody_whom_it_may_be_of(
    practice: Practice, ids: str
) -> None:
    with practice.record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 2).values(local_id="b"))
    for n in (1, 2, 3):
        run(practice, f"{nhs(n)},,consented,sms,2026-01-05")
    result = run(practice, f"{ids},consent ended,sms,2026-02-01")
    two = ids.endswith("b")
    assert (result.counts, result.also["taken_back"]) == ({"ids_differ": 1}, 1 + two)
    assert [n for n, _ in said(practice)] == ([3] if two else [2, 3])
