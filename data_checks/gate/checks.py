"""From a bare finding to a check that a person can read: what was found, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Mapping

from clinic.cohort.columns import ALIASES
from data_checks.gate.expectations import Finding
from data_checks.gate.suites import FEWEST_FOR_SHARES, MOST_ROWS, Ceiling
from data_checks.gate.verdict import Check, Severity

Findings = Mapping[str, Finding]

_NOTHING_CAME_BACK = Finding(passed=False, broken=None, errored=True)


def share(ceiling: Ceiling, found: Findings, *, rows: int, allowed: float) -> Check:
    """How many rows broke a rule, held against the share that may."""
    finding = found.get(ceiling.name, _NOTHING_CAME_BACK)
    if finding.errored:
        return _errored(ceiling.name, ceiling.severity)
    broken = finding.broken or 0
    part = round(broken / rows, 6) if rows else 0.0
    says = f"{broken:,} of {rows:,} rows {ceiling.what} ({percent(part)}); {_limit(ceiling, rows, allowed)}."
    if not finding.passed:
        says = f"{says} {ceiling.do}"
    return Check(ceiling.name, says, ceiling.severity, finding.passed, broken, part, allowed)


def rows(found: Findings, count: int) -> Check:
    """The list is neither empty nor beyond what one campaign can be."""
    bounds = f"The list has {count:,} rows; from 1 to {MOST_ROWS:,} may."
    advice = "Choose a list with patients in it." if count == 0 else "Split the list."
    return _plain("rows", found, ok=bounds, otherwise=f"{bounds} {advice}")


def somebody(found: Findings) -> Check:
    """Not everybody is left out."""
    nobody = "Every row is left out or has an error: nobody can be messaged. See the outcomes."
    ok = "At least one row has nothing against it."
    return _plain("somebody", found, ok=ok, otherwise=nobody, severity="warning")


def ids(found: Findings) -> Check:
    """Some column says who is meant."""
    return _plain(
        "ids",
        found,
        ok="The list has a column of ids.",
        otherwise="No column is known to hold ids. Name the one that does NHS Number or EMIS Number.",
    )


def headings(found: Findings) -> Check:
    """A warning only: without headings `ids` stops the list; this says why."""
    return _plain(
        "values",
        found,
        ok="The first row is made of headings.",
        otherwise="The first row holds a number, a date or an address, as a patient's row would. "
        "Put a heading row above it, or that patient is lost.",
        severity="warning",
    )


def column(field: str, found: Findings) -> Check:
    """A column that the layout needs is there."""
    heading = ALIASES[field][0][0]
    return _plain(
        f"column_{field}",
        found,
        ok=f"The list has a column for {heading}.",
        otherwise=f"This layout needs a column for {heading}, and no heading is known as one. "
        "Add it to the export, or choose the layout that the list has.",
    )


def percent(part: float) -> str:
    """0.0991 as 9.91%: three digits, so that one row in 100,000 is not shown as none."""
    return f"{100 * part:.3g}%"


def _limit(ceiling: Ceiling, count: int, allowed: float) -> str:
    if count < ceiling.fewest:
        return f"shares are not judged below {FEWEST_FOR_SHARES} rows"
    return f"at most {percent(allowed)} may" if allowed else "none should"


def _plain(
    name: str, found: Findings, *, ok: str, otherwise: str, severity: Severity = "critical"
) -> Check:
    finding = found.get(name, _NOTHING_CAME_BACK)
    if finding.errored:
        return _errored(name, severity)
    return Check(name, ok if finding.passed else otherwise, severity, finding.passed)


def _errored(name: str, severity: Severity) -> Check:
    """The sentence is ours: the library's may quote values."""
    says = f"The check '{name}' could not be carried out. Nothing is sent: report it as an error of Cohort."
    return Check(name, says, severity, passed=False, errored=True)
