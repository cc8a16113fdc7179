"""
Judges what a source gave before anything of it is imported: how old, how many rows, whose, how much changes.

A dry run of the import gives the counts; the figures are made of them here, and the suite holds them against
the settings (`[sync]`). What fails stops the import of that kind, and of no other.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pandas as pd

from clinic.record.systems.sync_runs import AT_WORK, QUIET
from clinic.settings.sync import SyncChecks
from data_checks.gate.expectations import Finding, validate
from data_checks.gate.verdict import Check, Verdict
from data_checks.sync.suite import FEWEST_FOR_SHARES, RUNS_COMPARED, Limit, limits_of, suite_of

# Outcomes of rows, of every kind, that change something which the record had
CHANGES: Final = frozenset(
    "moved changed cancelled replaced corrected closed withdrawn ended".split()
)
_GONE: Final = "no_longer_there"
_UNKNOWN: Final = "patient_not_found"
_NOTHING_CAME_BACK: Final = Finding(passed=False, broken=None, errored=True)


def figures_of(
    counts: Mapping[str, int], *, now: datetime, as_of: datetime | None, before: Sequence[int],
    whole: bool, no_number: float | None, most_before: int = 0, changed: datetime | None = None,
    closed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """
    The figures that are judged.

    Args:
        counts: rows by outcome of a dry run, and `no_longer_there`
        before: rows of the last imports of the same source and kind, the newest first
        whole: it is all that the source has, not changes alone, which are as many as they are
        no_number: share of patients without a number; None: it is not of patients
        changed: when anything of it was changed there last; None: nobody can tell
        closed: days since then on which nobody was at work
        most_before: rows of the largest import before: of that, changes alone are a share
    """
    rows = sum(counts.values()) - counts.get(_GONE, 0)
    figures = {"rows": float(rows)}
    if as_of is not None:
        figures["hours_old"] = (now - as_of).total_seconds() / 3600
    if changed is not None:
        figures[QUIET] = max(0.0, (now - changed).total_seconds() / 3600)
        figures[AT_WORK] = max(0.0, figures[QUIET] - 24 * closed)
    usual = statistics.median(before[:RUNS_COMPARED]) if before else 0
    if whole and usual >= FEWEST_FOR_SHARES:
        figures |= {"rows_before": float(usual), "rows_of_last": rows / usual}
        figures |= {"rows_most": float(max(before)), "rows_of_most": rows / max(before)}
    if rows >= FEWEST_FOR_SHARES:
        figures["unknown"] = counts.get(_UNKNOWN, 0) / rows
        if no_number is not None:
            figures["no_number"] = no_number
    other = sum(counts.get(code, 0) for code in (*CHANGES, _GONE))
    known = other + counts.get("unchanged", 0)
    known = known if whole else max(known, most_before)
    if known >= FEWEST_FOR_SHARES:
        figures["changed"] = other / known
    return {name: round(value, 6) for name, value in figures.items()}


def judge_source(figures: Mapping[str, float], checks: SyncChecks) -> Verdict:
    """Whether it may be imported."""
    limits = limits_of(figures, checks)
    found = validate(pd.DataFrame([dict(figures)]), suite_of(limits))
    return Verdict.of(
        tuple(_check(limit, figures, found.get(limit.name, _NOTHING_CAME_BACK)) for limit in limits)
    )


def _check(limit: Limit, figures: Mapping[str, float], finding: Finding) -> Check:
    if finding.errored:
        says = (
            f"The check '{limit.name}' could not be carried out: report it as an error of Cohort."
        )
        return Check(limit.name, says, "critical", passed=False, errored=True)
    says = f"{limit.says.format(**figures)}."
    return Check(
        limit.name, says if finding.passed else f"{says} {limit.do}", "critical", finding.passed
    )
