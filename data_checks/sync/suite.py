"""
The suite for what a source gave: one row of figures, a column each, and what each may be.

Great Expectations sees ages, counts and shares, never a heading or a cell of what came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clinic.record.systems.sync_runs import AT_WORK, QUIET
from clinic.settings.sync import SyncChecks
from data_checks.gate.expectations import load

FEWEST_FOR_SHARES: Final = 20  # below it one row is over 5%: a share says nothing
RUNS_COMPARED: Final = 5
RUNS_LOOKED_BACK: Final = (
    30  # a source that shrinks a little each night is not unlike its last nights
)


@dataclass(frozen=True)
class Limit:
    """
    What one figure may be.

    figure: a column of the frame; says: what it is, with room for the figure; do: what to do where it is not so
    """

    name: str
    figure: str
    least: float
    most: float
    says: str
    do: str


def limits_of(figures: Mapping[str, float], checks: SyncChecks) -> list[Limit]:
    """The limits of those figures that are known; a share of too few rows is no figure."""
    made = [
        Limit("rows_there", "rows", 0, 5_000_000, "It has {rows:,.0f} rows", "Split the export."),
    ]
    if checks.oldest_hours and "hours_old" in figures:
        made.append(
            Limit("fresh", "hours_old", -24, checks.oldest_hours,
                  f"The newest of it is {{hours_old:,.0f}} hours old; {checks.oldest_hours:g} may be",
                  "Does the other system still export, and is its clock right?"))  # fmt: skip
    if checks.quiet_days and AT_WORK in figures:
        made.append(
            Limit("still_written", AT_WORK, 0, checks.quiet_days * 24,
                  f"Nothing of it was changed there for {{{QUIET}:,.0f}} hours{_closed(figures)}; "
                  f"{checks.quiet_days:g} days may be",
                  "Is it a copy that nobody brings up to date any more, or was nobody at work?"))  # fmt: skip
    if "rows_of_last" in figures:
        made.append(
            Limit("rows_like_last", "rows_of_last", checks.fewest_rows, checks.most_rows,
                  "It has {rows:,.0f} rows, the last imports had {rows_before:,.0f}; from "
                  f"{checks.fewest_rows:.0%} to {checks.most_rows:.0%} of that may be",
                  "Is the export whole, and of this practice alone?"))  # fmt: skip
    if "rows_of_most" in figures:
        made.append(
            Limit("rows_like_most", "rows_of_most", checks.fewest_rows, checks.most_rows,
                  f"It has {{rows:,.0f}} rows, and had {{rows_most:,.0f}} within {RUNS_LOOKED_BACK} imports; "
                  f"{checks.fewest_rows:.0%} of that at least may be",
                  "It has shrunk night by night: is something missing in the export?"))  # fmt: skip
    for name, what, do in (
        ("unknown", "of its rows are of nobody on the record",
         "Import the patients first, and make sure that it is this practice's export."),
        ("changed", "of what the record has of it would be moved, cancelled or otherwise changed",
         "Look at what would change: cohort import KIND FILE --check. A mass cancellation may be right."),
        ("no_number", "of its patients have no mobile number",
         "The column of numbers may be missing or renamed in the export."),
    ):  # fmt: skip
        if name in figures:
            most = float(getattr(checks, name))
            made.append(Limit(name, name, 0, most, f"{{{name}:.1%}} {what}; {most:.0%} may be", do))
    return made


def _closed(figures: Mapping[str, float]) -> str:
    closed = figures[QUIET] - figures[AT_WORK]
    return f", {closed:,.0f} of them on days without an appointment" if closed else ""


def suite_of(limits: list[Limit]) -> Any:
    """The suite for a frame of one row, a column a figure."""
    load()
    import great_expectations as gx
    import great_expectations.expectations as gxe

    expected = [
        gxe.ExpectColumnValuesToBeBetween(
            column=limit.figure,
            min_value=limit.least,
            max_value=limit.most,
            severity="critical",
            meta={"check": limit.name},
        )
        for limit in limits
    ]
    return gx.ExpectationSuite(name="source", expectations=expected)
