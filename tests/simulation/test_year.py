"""NEW-3 to NEW-12, ARC-15: a simulated year holds every promise; the harness sees it when one is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.message.timing import Timing
from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.simulation.year import Year


@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_of_faults_breaks_no_promise(
    sqlite_record: Record, tmp_path: Path, seed: int
) -> None:
    """
    NEW-3, NEW-4, NEW-7, NEW-8, NEW-9, NEW-12, ARC-15: never a message in closed hours, after an opt-out
    or a death, twice, or over a pace or the cap; every row has an outcome; counts add up.
    """
    result = Year(sqlite_record, tmp_path, seed=seed, campaigns=16, people=60).run()
    assert result.faults == []
    assert result.kills > 5
    assert result.outcomes["sent"] > 100
    assert sum(result.outcomes.values()) == result.messages


def test_the_judge_sees_what_a_ledger_does_that_asks_nobody(
    sqlite_record: Record, tmp_path: Path
) -> None:
    """The negative control: without calendar, pace and cap the year is full of faults."""
    year = Year(sqlite_record, tmp_path, seed=1, campaigns=12, people=60, days=30, timing=Timing())
    kinds = {fault.split(":")[0] for fault in year.run().faults}
    assert {"closed hours", "over the cap", "over 15 in 1 s"} <= kinds


def test_the_same_seed_is_the_same_year(tmp_path: Path) -> None:
    """A fault is reproduced from its seed."""
    results = []
    for name in ("one", "two"):
        record = Record.open(f"sqlite:///{tmp_path / name}.db")
        migrate(record)
        results.append(Year(record, tmp_path, seed=3, campaigns=4, people=30, days=40).run())
        record.close()
    assert results[0] == results[1]
