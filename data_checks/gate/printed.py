"""
Whether a list that is printed from can be held against the record (NEW-24).

A column that a template prints and that was sorted by itself sends a patient to another's clinic, on another's
day. Nobody sees that from ids alone: beside them a date of birth or a name shows whether the rows still hold
together.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from data_checks.gate.verdict import Check

CODE: Final = "printed_unproven"
_PROVES: Final = frozenset({"birth_date", "given_name", "family_name", "full_name"})


def printed(fields: Set[str], *, rows: int) -> Check:
    """Of a list whose columns the template prints: our fields that it has. One row cannot slip."""
    if rows < 2 or fields & _PROVES:
        return Check(
            CODE, "What is printed stands beside a date of birth or a name.", "critical", True
        )
    return Check(
        CODE,
        "The template prints columns of this list, and the list has neither dates of birth nor names: a "
        "column that was sorted by itself would not be seen. Add Date of Birth, or the names, to the export.",
        "critical",
        False,
    )
