"""NEW-14, NEW-16: what a source gave is judged before anything of it is imported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clinic.settings.sync import Sync, SyncChecks
from data_checks.sync.judge import figures_of, judge_source

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
GOOD = {"unchanged": 95, "added": 5}


def failed(counts: dict[str, int], checks: SyncChecks | None = None, **more: Any) -> list[str]:
    given: dict[str, Any] = {
        "now": NOW, "as_of": NOW - timedelta(hours=3), "before": (100, 98, 104), "whole": True,
        "no_number": None,
    }  # fmt: skip
    verdict = judge_source(figures_of(counts, **(given | more)), checks or SyncChecks())
    return [check.name for check in verdict.checks if check.stops]


@pytest.mark.parametrize(
    ("counts", "more", "fails"),
    [
        (GOOD, {}, []),
        (GOOD, {"as_of": NOW - timedelta(hours=35)}, []),
        (GOOD, {"as_of": NOW - timedelta(hours=37)}, ["fresh"]),
        (GOOD, {"as_of": NOW + timedelta(days=3)}, ["fresh"]),  # a clock that is wrong
        (GOOD, {"as_of": None}, []),  # nobody knows: the file's own age was asked for before
        (GOOD, {"before": ()}, []),  # the first import
        (GOOD, {"before": (300, 290)}, ["rows_like_last", "rows_like_most"]),
        (GOOD, {"before": (300, 290), "whole": False}, []),  # changes alone are as many as they are
        (GOOD, {"before": (20, 20)}, ["rows_like_last", "rows_like_most"]),
        (GOOD, {"before": (5, 7)}, []),
        (GOOD, {"before": (105, 110, 116, 122, 128, 198)}, []),
        (GOOD, {"before": (105, 110, 116, 122, 128, 201)}, ["rows_like_most"]),  # night by night
        ({"unchanged": 5_000_001}, {"before": ()}, ["rows_there"]),
        ({}, {}, ["rows_like_last", "rows_like_most"]),  # half a file is bad, an empty one is worse
        ({}, {"before": ()}, []),  # a heading alone is a source that has none
        ({"added": 60, "patient_not_found": 40}, {}, ["unknown"]),
        ({"added": 91, "patient_not_found": 9}, {}, []),
        ({"added": 3, "patient_not_found": 2}, {"before": ()}, []),  # too few to say
        ({"unchanged": 40, "cancelled": 60}, {}, ["changed"]),
        ({"unchanged": 40, "no_longer_there": 60}, {"before": (40,)}, ["changed"]),
        ({"unchanged": 60, "moved": 10, "added": 30}, {}, []),
        (GOOD, {"no_number": 0.51}, ["no_number"]),
        (GOOD, {"no_number": 0.4}, []),
    ],
)
def test_what_stops_an_import(
    counts: dict[str, int], more: dict[str, Any], fails: list[str]
) -> None:
    assert failed(counts, **more) == fails


def test_a_source_may_have_limits_of_its_own() -> None:
    """What is not named for it is as for all."""
    sync = Sync(unknown=0.2, only={"warehouse": SyncChecks(unknown=0.6)})
    counts = {"added": 60, "patient_not_found": 40}
    assert failed(counts, sync.of("emis")) == ["unknown"]
    assert failed(counts, sync.of("warehouse")) == []
    assert failed({"unchanged": 40, "cancelled": 60}, sync.of("warehouse")) == ["changed"]


def test_what_is_said_has_the_figure_the_limit_and_what_to_do() -> None:
    counts = {"added": 60, "patient_not_found": 40}
    figures = figures_of(counts, now=NOW, as_of=None, before=(), whole=True, no_number=None)
    [why] = judge_source(figures, SyncChecks()).stops
    assert why == (
        "40.0% of its rows are of nobody on the record; 10% may be. Import the patients first, and make sure "
        "that it is this practice's export."
    )


def test_a_source_that_loses_a_twentieth_each_night_is_stopped_at_half() -> None:
    """Each night alone is like the last."""
    rows = [10_000]
    while not failed({"unchanged": round(rows[0] * 0.95)}, before=tuple(rows[:30])):
        rows.insert(0, round(rows[0] * 0.95))
    assert 0.5 <= rows[0] / 10_000 < 0.53
    assert len(rows) == 14


@pytest.mark.parametrize(
    ("given", "off"),
    [
        ({}, 0),
        ({"oldest_hours": 0}, 1),
        ({"quiet_days": 0}, 1),
        ({"unknown": 1, "changed": 1, "no_number": 1, "fewest_rows": 0}, 4),
    ],
)
def test_what_is_switched_off_is_said(given: dict[str, float], off: int) -> None:
    said = SyncChecks(**given).switched_off()
    assert len(said) == off
    assert all(any(name in one for one in said) for name in given)
