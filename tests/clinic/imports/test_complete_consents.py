"""NEW-15, ARC-11: a source that has all opt-outs: what it has no more is withdrawn, of its own alone."""

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
from clinic.record.schema.people import consent
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "NHS Number,Decision,Channel,Date"
ALL = Complete(0.5)


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(6)
    rows = [out(n) for n in range(1, 5)]
    assert run(made, *rows).counts == {"noted": 4}
    return made


def out(n: int, word: str = "opted out", channel: str = "sms") -> str:
    return f"{nhs(n)},{word},{channel},2026-01-05"


def run(practice: Practice, *rows: str, **more: Any) -> Imported:
    path = practice.file(*rows, heading=HEADING, name="opt-outs.csv")
    options = Options(**({"by": "nia", "source": "notify"} | more))
    return run_import(
        practice.record, practice.clock, "consents", open_file("consents", path), options
    )


def noted(practice: Practice) -> list[int]:
    with practice.record.read() as connection:
        return sorted(connection.scalars(sa.select(consent.c.patient_id)))


def test_what_the_file_lacks_stays_unless_it_has_all(practice: Practice) -> None:
    result = run(practice, out(1))
    assert (result.counts, result.also["withdrawn"]) == ({"unchanged": 1}, 0)
    assert noted(practice) == [1, 2, 3, 4]


def test_what_a_whole_file_lacks_is_withdrawn_and_counted_and_may_be_put_back(
    practice: Practice,
) -> None:
    rows = (out(1), out(2), out(3), out(5))
    dry = run(practice, *rows, complete=ALL, check=True)
    assert noted(practice) == [1, 2, 3, 4]
    result = run(practice, *rows, complete=ALL)
    assert (dry.counts, dry.also) == (result.counts, result.also)
    assert (result.counts, result.also["withdrawn"]) == ({"unchanged": 3, "noted": 1}, 1)
    assert noted(practice) == [1, 2, 3, 5]
    assert result.number is not None
    undo_import(practice.record, practice.clock, result.number, by="nia", check=False)
    assert noted(practice) == [1, 2, 3, 4]


def test_what_others_said_stays(practice: Practice) -> None:
    """Another source's, and the patient's own: an opt-out in any source counts."""
    practice.decides(4, "opt_out", channel="any")
    run(practice, out(4), out(6), source="other")
    run(practice, out(1), out(2), out(3), complete=ALL)
    assert noted(practice) == [1, 2, 3, 4, 4, 6]  # of 4 the patient's own and the other source's


def test_a_file_that_is_much_smaller_withdraws_nothing(practice: Practice) -> None:
    result = run(practice, out(1), complete=ALL)
    assert "lacks 3 of the 4 opt-outs" in result.refused
    assert noted(practice) == [1, 2, 3, 4]
    assert run(practice, out(1), complete=Complete(1)).also["withdrawn"] == 3
    assert noted(practice) == [1]


@pytest.mark.parametrize(
    ("row", "why"),
    [("1234567890,opted out,sms,2026-01-05", "may be of anybody"), (out(4, "perhaps"), "")],
)
def test_a_row_that_is_not_understood_withdraws_nobody_s(
    practice: Practice, row: str, why: str
) -> None:
    result = run(practice, out(1), out(2), out(3), row, complete=ALL)
    assert why in result.refused
    assert noted(practice) == [1, 2, 3, 4]
