"""NEW-3 to NEW-12, ARC-15, ACX-34: a simulated year holds every promise, and the judge sees a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.settings import Receipts
from tests.simulation.hours import LONDON
from tests.simulation.naive import count_every_word, let_the_last_word_win
from tests.simulation.settler import Apply
from tests.simulation.year import Year


def test_a_year_of_faults_breaks_no_promise(sqlite_record: Record, tmp_path: Path) -> None:
    """
    NEW-3, NEW-4, NEW-7, NEW-8, NEW-9, NEW-12, ARC-15: never a message in closed hours, after an opt-out
    or a death, twice, or over a pace or the cap; every row has an outcome; counts add up.

    COM-6, COM-9, ACX-34: each message ends as its receipts told, in whatever order, late, twice, or with
    the process that settles killed; nothing is Pending for longer than 72 hours, nothing goes back.
    """
    year = Year(sqlite_record, tmp_path, seed=13, campaigns=8, people=40)
    result = year.run()
    assert result.faults == []
    assert sum(result.outcomes.values()) == result.messages
    # It was a year worth judging
    assert year.kills > 5
    assert year.settler.kills > 5
    assert result.outcomes["delivered"] > 50
    assert result.outcomes["undelivered"] > 50
    assert result.inbox["unmatched"] > 0
    assert len({at.astimezone(LONDON).utcoffset() for at in year.judge.arrived}) == 2


def kinds(year: Year) -> set[str]:
    return {fault.split(":")[0] for fault in year.run().faults}


def test_the_judge_sees_what_a_ledger_does_that_asks_nobody(
    sqlite_record: Record, tmp_path: Path
) -> None:
    """The negative control: without calendar, pace and cap the year is full of faults."""
    year = Year(sqlite_record, tmp_path, seed=1, campaigns=8, people=60, days=20, timing=Timing())
    assert {"closed hours", "over the cap", "over 15 in 1 s"} <= kinds(year)


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        (let_the_last_word_win, {"not what was told", "moved back", "item disagrees"}),
        (count_every_word, {"counters", "applied again"}),
    ],
)
def test_the_judge_sees_an_applier_that_minds_neither_order_nor_repetition(
    sqlite_record: Record, tmp_path: Path, apply: Apply, expected: set[str]
) -> None:
    """The negative control of the receipts."""
    year = Year(sqlite_record, tmp_path, seed=1, campaigns=3, people=30, days=20, apply=apply)
    assert expected <= kinds(year)


def test_the_judge_sees_a_settler_that_waits_too_long(
    sqlite_record: Record, tmp_path: Path
) -> None:
    """The negative control of the 72 hours."""
    slow = Receipts(no_receipt_hours=80)
    year = Year(sqlite_record, tmp_path, seed=3, campaigns=2, people=30, days=20, receipts=slow)
    assert "waits for more than 72 hours" in kinds(year)


def test_the_same_seed_is_the_same_year(tmp_path: Path) -> None:
    """A fault is reproduced from its seed."""
    results = []
    for name in ("one", "two"):
        record = Record.open(f"sqlite:///{tmp_path / name}.db")
        migrate(record)
        results.append(Year(record, tmp_path, seed=3, campaigns=2, people=20, days=18).run())
        record.close()
    assert results[0] == results[1]
