"""Rows of facts for the screening: all well, but for what a test says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

WELL: dict[str, Any] = {
    "unreadable": False,
    "nhs_number_fault": "",
    "has_other_id": False,
    "patient_id": 1,
    "ids_contradict": False,
    "register_optional": False,
    "birth_date_fault": "",
    "birth_date_differs": False,
    "list_says": "",
    "outside": "",
    "needs": "",
    "name_differs": False,
    "number_of_another": False,
    "dead": False,
    "fictitious": False,
    "deregistered": False,
    "restricted": False,
    "no_contact": False,
    "status_allowed": True,
    "opted_out": False,
    "no_consent": False,
    "other_organisation": False,
    "other_facility": False,
    "held": False,
    "address_fault": "",
    "duplicate_of": None,
    "variable_missing": "",
    "value_too_long": "",
    "date_gone_by": "",
    "had_this_lately": False,
    "recently_contacted": False,
    "likely_to_fail": False,
}
TEXTS = (
    "nhs_number_fault",
    "birth_date_fault",
    "list_says",
    "outside",
    "needs",
    "address_fault",
    "variable_missing",
    "value_too_long",
    "date_gone_by",
)
NUMBERS = ("patient_id", "duplicate_of")


def facts(*rows: dict[str, Any]) -> pd.DataFrame:
    """A row for each dict of what is not well with it; the first row's number is 2."""
    index = pd.RangeIndex(2, 2 + len(rows), name="row_number")
    frame = pd.DataFrame([WELL | row for row in rows], index=index, columns=list(WELL))
    types = dict.fromkeys(WELL, "bool")
    types |= dict.fromkeys(TEXTS, "str") | dict.fromkeys(NUMBERS, "Int64")
    return frame.astype(types)


def flags(rows: int, **broken: int) -> pd.DataFrame:
    """Flags of so many rows, of which the first `broken` break each rule named; all others pass."""
    from data_checks.eligibility.dummies import ADDRESS_FLAGS
    from data_checks.eligibility.rules import rules_for

    codes = [rule.code for rule in rules_for("sms")] + [
        flag for flag in broken if flag in ADDRESS_FLAGS
    ]
    return pd.DataFrame({code: np.arange(rows) >= broken.get(code, 0) for code in codes})
