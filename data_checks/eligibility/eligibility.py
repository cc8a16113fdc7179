"""
Who is left out, and why: every row gets one outcome.

    rows (facts of each row, no values) ─► a mask for each rule ─► the first broken one is the outcome
                                                  └─► flags: what the gate counts (data_checks/gate/gate.py)

Plain numpy on columns of facts: 1,000,000 rows cost less than a CPU second, where Great Expectations
on the same rows costs six to sixty times that, and would see what it must not (docs/decisions/0005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clinic.cohort.outcomes import BEFORE
from clinic.message.audience.outside import CODES as OUTSIDE
from clinic.message.intake.says_no import CODES as SAYS_NO
from clinic.message.needs.judge import CODES as NEEDS
from data_checks.eligibility.rules import Channel, Mask, Rule, rules_for

if TYPE_CHECKING:
    import numpy.typing as npt

CODES: tuple[str, ...] = tuple(BEFORE)
_ACCEPTED = CODES.index("accepted")
OTHER_FACILITY = "other_facility"

# What a column of faults may hold. Anything else is refused: an unknown fault must not pass for none
_FAULTS: dict[str, frozenset[str]] = {
    "nhs_number_fault": frozenset({"", "nhs_number_missing", "nhs_number_invalid"}),
    "birth_date_fault": frozenset({"", "birth_date_missing", "birth_date_invalid"}),
    "list_says": frozenset({"", *SAYS_NO}),
    "outside": frozenset({"", *OUTSIDE}),
    "needs": frozenset({"", *NEEDS}),
}
_PHONE_FAULTS = frozenset(
    {"", "phone_missing", "phone_invalid", "phone_not_mobile", "phone_not_allowed"}
)
_ADDRESS_FAULTS: dict[Channel, frozenset[str]] = {
    "sms": _PHONE_FAULTS,
    "voice": _PHONE_FAULTS - {"phone_not_mobile"},
    "email": frozenset({"", "email_missing", "email_invalid"}),
}


@dataclass(frozen=True)
class Screening:
    """
    What became of each row, before sending. All three have the index of the rows judged.

    outcome: categorical of the codes of clinic.cohort.outcomes.BEFORE; `accepted` where no rule breaks
    detail: which variable is missing, or which row is repeated ("row 12"); else ""
    flags: a bool column a rule of the channel, in order; True = passes. No patient's value is in it
    """

    outcome: pd.Series[str]
    detail: pd.Series[str]
    flags: pd.DataFrame


def screen(rows: pd.DataFrame, *, channel: Channel) -> Screening:
    """
    Judge every row: the first rule it breaks, in the order of data_checks/eligibility/rules.py, is its outcome.

    `rows` has the index `row_number` and all of these columns: bool `unreadable`, `has_other_id`,
    `other_organisation`, `other_facility`,
    `ids_contradict`, `register_optional`, `birth_date_differs`, `name_differs`, `number_of_another`, `dead`,
    `fictitious`, `deregistered`, `restricted`, `no_contact`, `status_allowed`, `opted_out`,
    `no_consent`, `held`, `had_this_lately`, `recently_contacted`, `likely_to_fail`; text `nhs_number_fault`,
    `birth_date_fault`, `list_says`, `outside`, `needs`, `address_fault`, `variable_missing`, `value_too_long`,
    `date_gone_by` ("" where nothing is wrong); Int64 `patient_id` (empty: no match) and `duplicate_of` (the
    earlier row's number).

    Proves ARC-9 to ARC-13, ACX-25, ACX-26, COM-12 and NEW-6.

    Raises:
        KeyError: a column is missing
        TypeError: a column of yes and no holds something else
        ValueError: a column of errors holds something that is no error of this channel
    """
    for column, known in (_FAULTS | {"address_fault": _ADDRESS_FAULTS[channel]}).items():
        _require_known(rows[column], known)
    rules = rules_for(channel)
    broken = [rule.breaks(rows) for rule in rules]
    winner = _first_broken(rules, broken, len(rows))
    of_others = winner == CODES.index(OTHER_FACILITY)
    if of_others.any():  # what else is wrong with them would say something of them, row by row
        broken = [
            mask if rule.code == OTHER_FACILITY else mask & ~of_others
            for rule, mask in zip(rules, broken, strict=True)
        ]
    outcome = pd.Categorical.from_codes(winner, categories=pd.Index(CODES))
    return Screening(
        outcome=pd.Series(outcome, index=rows.index, name="outcome"),
        detail=_details(rows, winner),
        flags=_flags(rules, broken, rows.index),
    )


def _require_known(faults: pd.Series[str], known: frozenset[str]) -> None:
    """The message names the column only: what stands in it might be a patient's."""
    kinds = pd.unique(faults)
    if not all(isinstance(kind, str) and kind in known for kind in kinds):
        raise ValueError(f"column {faults.name} holds something other than {sorted(known)}")


def _first_broken(rules: tuple[Rule, ...], broken: list[Mask], count: int) -> npt.NDArray[np.int8]:
    """Written from the last rule to the first, so that the first one stands."""
    winner = np.full(count, _ACCEPTED, dtype=np.int8)
    for rule, mask in zip(reversed(rules), reversed(broken), strict=True):
        winner[mask] = CODES.index(rule.code)
    return winner


def _details(rows: pd.DataFrame, winner: npt.NDArray[np.int8]) -> pd.Series[str]:
    """Positions and names of variables: never a patient's value."""
    detail = np.full(len(rows), "", dtype=object)
    lacking = winner == CODES.index("variable_missing")
    detail[lacking] = rows["variable_missing"].to_numpy(dtype=object)[lacking]
    for code in ("value_too_long", "date_gone_by"):
        its = winner == CODES.index(code)
        detail[its] = rows[code].to_numpy(dtype=object)[its]
    repeated = winner == CODES.index("duplicate")
    earlier = rows["duplicate_of"].to_numpy(dtype=object)[repeated]
    detail[repeated] = [f"row {number}" for number in earlier]
    return pd.Series(detail, index=rows.index, name="detail", dtype="str")


def _flags(rules: tuple[Rule, ...], broken: list[Mask], index: pd.Index) -> pd.DataFrame:
    passes = {rule.code: ~mask for rule, mask in zip(rules, broken, strict=True)}
    return pd.DataFrame(passes, index=index, copy=False)
