"""
The gate: is this list, as a whole, fit to act on?

`judge_intake` asks it of the file, before a row is judged; `judge_list` of the flags that
data_checks/eligibility/eligibility.py made, after. A verdict of `stop` ends a campaign before anything is
staged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set

import numpy as np
import pandas as pd

from clinic.cohort.outcomes import BEFORE
from clinic.message.audience.outside import CODES as OUTSIDE
from clinic.settings import Gate, Layout
from data_checks.eligibility.dummies import ADDRESS_FLAGS, REMARK_FLAGS
from data_checks.eligibility.rules import IDENTITY, Mask, truth
from data_checks.gate import checks
from data_checks.gate.expectations import validate
from data_checks.gate.suites import (
    CEILINGS,
    ID_FIELDS,
    Ceiling,
    intake_suite,
    needed_columns,
    screening_suite,
)
from data_checks.gate.verdict import Check, Verdict

__all__ = ["Check", "Verdict", "judge_intake", "judge_list"]

_ERRORS = frozenset(code for code, outcome in BEFORE.items() if outcome.kind == "error")

# A heading that looks like this is the first patient's cell: an id or phone, a date, an e-mail address
_VALUE = re.compile(r"(?:[\s+()-]*\d){9,}[\s)]*|\d{1,4}([/.-])\d{1,2}\1\d{1,4}|\S+@\S+\.\S+")


def judge_list(
    flags: pd.DataFrame, *, gate: Gate, ceilings: tuple[Ceiling, ...] = CEILINGS
) -> Verdict:
    """
    Judge the whole list by how many of its rows broke which rule.

    `flags`: those of a `Screening`, of all rows of the list (concatenated over its blocks), with those of
    data_checks/eligibility/dummies.py where addresses were looked at. Only a wrong list is stopped: rows
    without a number, an address or a variable are left out one by one, and the others go (ARC-9, ACX-26).
    Shares are not held against their ceilings below 20 rows. An expectation that could not run stops the
    list.
    `ceilings`: fewer than all where the record was not asked.

    Raises:
        TypeError: a column is not bool: values are kept from Great Expectations
    """
    counted = _tally(flags, ceilings)
    rows = len(flags)
    allowed = {c.name: _allowed(c, gate, rows) for c in ceilings}
    found = validate(counted, screening_suite(ceilings, allowed))
    shares = [checks.share(c, found, rows=rows, allowed=allowed[c.name]) for c in ceilings]
    return Verdict.of((checks.rows(found, rows), *shares, checks.somebody(found)))


def _allowed(ceiling: Ceiling, gate: Gate, rows: int) -> float:
    """The share that may break it, in millionths, as the suite holds it."""
    if rows < ceiling.fewest:
        return 1.0
    return max(ceiling.allowed(gate), math.ceil(1e6 * ceiling.spared / rows) / 1e6)


def judge_intake(
    columns: Sequence[str], fields: Mapping[str, str], rows: int, *, scheme: Layout
) -> Verdict:
    """
    Judge a list as it came, before its rows are: the layout's columns, rows in bounds, some id.

    `columns`: the file's headings; `fields`: our field name → its heading. Only whether and how many
    goes on from here: where a file has no heading row, its "headings" are the first patient.

    Proves ACX-18 to ACX-20.
    """
    headings = set(columns)
    present = {field for field, heading in fields.items() if heading in headings}
    counts = {
        "rows": rows,
        "ids": len(present & ID_FIELDS),
        "values": sum(bool(_VALUE.fullmatch(heading.strip())) for heading in columns),
    }
    needed = needed_columns(scheme, present)
    there = {field: True for field in needed if field in present}
    found = validate(pd.DataFrame({**there, **counts}, index=[0]), intake_suite(scheme, needed))
    columns_found = [checks.column(field, found) for field in needed]
    return Verdict.of(
        (checks.rows(found, rows), checks.ids(found), checks.headings(found), *columns_found)
    )


def _tally(flags: pd.DataFrame, ceilings: tuple[Ceiling, ...]) -> pd.DataFrame:
    """The few columns that the suite counts; a flag that is missing is left for it to find missing."""
    broken = {str(code): ~truth(flags, str(code)) for code in flags.columns}
    nothing = np.zeros(len(flags), dtype=bool)
    remarks = {name: broken.pop(name, nothing) for name in REMARK_FLAGS}
    of_addresses = {name: broken.pop(name, nothing) for name in ADDRESS_FLAGS}
    counted = {c.flag: ~broken[c.flag] for c in ceilings if c.flag in broken}
    if flags.empty:  # no block, so no columns either: it is the row count that should stop it
        counted |= {c.flag: nothing for c in ceilings}
    counted |= {name: ~mask for name, mask in (of_addresses | remarks).items()}
    counted["no_dummy"] = ~np.logical_or.reduce([nothing, *of_addresses.values()])
    counted["accepted"] = ~np.logical_or.reduce([nothing, *broken.values()])
    counted["no_error"] = ~_first(broken, nothing, _ERRORS)
    counted["inside_template"] = ~_first(broken, nothing, frozenset(OUTSIDE))
    counted["identified"] = ~_first(broken, nothing, IDENTITY)
    return pd.DataFrame(counted, copy=False)


def _first(broken: dict[str, Mask], nothing: Mask, codes: Set[str]) -> Mask:
    """Rows whose outcome, the first rule they broke, is one of these: what a person sees counted."""
    found = nothing.copy()
    for code in reversed(broken):
        found[broken[code]] = code in codes
    return found
