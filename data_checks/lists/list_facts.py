"""
The facts of a block of rows as far as the list knows them; what only the record knows is taken as good.

The counterpart, with the record asked, is clinic/message/eligibility/facts.py: both feed the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from clinic.settings import Organisation, Phones
from clinic.values.dates import Order, read_dates
from clinic.values.email import judge_emails
from clinic.values.nhs_number import judge_nhs_numbers
from clinic.values.phone import judge_for
from data_checks.eligibility.rules import Channel
from data_checks.eligibility.seen import NOBODY, Keys

if TYPE_CHECKING:
    from clinic.cohort.files import Block

_TAKEN_AS_GOOD: Final[Mapping[str, bool | int | str]] = {
    "patient_id": 1,
    "ids_contradict": False,
    "register_optional": False,
    "birth_date_fault": "",
    "birth_date_differs": False,
    "list_says": "",
    "outside": "",
    "needs": "",
    "name_differs": False,
    "other_organisation": False,
    "other_facility": False,
    "number_of_another": False,
    "dead": False,
    "fictitious": False,
    "deregistered": False,
    "restricted": False,
    "no_contact": False,
    "status_allowed": True,
    "opted_out": False,
    "no_consent": False,
    "held": False,
    "address_fault": "",
    "variable_missing": "",
    "value_too_long": "",
    "date_gone_by": "",
    "had_this_lately": False,
    "recently_contacted": False,
    "likely_to_fail": False,
}


class Cells:
    """A block's cells by our field names; every row "" where the list has no such column."""

    def __init__(self, block: Block, fields: Mapping[str, str]) -> None:
        self._frame, self._fields = block.frame, fields
        self.unreadable = block.unreadable
        self.index = block.frame.index
        self.nhs = judge_nhs_numbers(self["nhs_number"])

    def __contains__(self, field: str) -> bool:
        return field in self._fields

    def __getitem__(self, field: str) -> pd.Series[str]:
        if field not in self._fields:
            return pd.Series("", index=self.index, dtype="str")
        texts: pd.Series[str] = self._frame[self._fields[field]]
        return texts.str.strip()


def list_facts(
    cells: Cells, *, organisation: Organisation, today: date, date_order: Order
) -> pd.DataFrame:
    """
    All the columns that `screen` asks for, but for `duplicate_of` and with every address good.

    date_order: of days and months, as the list's whole column shows it
    """
    facts = pd.DataFrame(_TAKEN_AS_GOOD, index=cells.index)
    facts["unreadable"] = cells.unreadable
    facts["nhs_number_fault"] = cells.nhs["fault"]
    # An organisation with a layout wants NHS numbers (ACX-25); a generic list may go by its own ids
    own_ids = organisation.id_scheme == "generic"
    facts["has_other_id"] = (cells["local_id"] != "").to_numpy(dtype=bool) & own_ids
    if "birth_date" in cells:
        dates = read_dates(cells["birth_date"], today=today, order=date_order, settled=True)
        facts["birth_date_fault"] = dates["fault"]
    return facts


def judge_addresses(cells: Cells, *, phones: Phones, channel: Channel) -> pd.DataFrame | None:
    """
    What the list's own mobiles or e-mail addresses are; nothing if it has no column of them.

    Returns:
        fault: a code of clinic.cohort.outcomes, "" where there is none; kind: a word for what exactly
        is wrong (clinic.values.phone_kinds, or the fault's own code), "" where nothing is
    """
    field = "email" if channel == "email" else "mobile"
    if field not in cells:
        return None
    if channel == "email":
        judged = judge_emails(cells[field])
        return judged.assign(kind=judged["fault"])
    return judge_for(channel, cells[field], phones)


def who_is_meant(cells: Cells) -> Keys:
    """A number for each row's patient: the NHS number, else one made of the practice's own id."""
    numbers, local = cells.nhs["nhs_number"], cells["local_id"]
    keys = np.full(len(numbers), NOBODY, dtype=np.int64)
    by_nhs = (numbers != "").to_numpy(dtype=bool)
    keys[by_nhs] = numbers[by_nhs].astype("int64").to_numpy()
    by_local = ~by_nhs & (local != "").to_numpy(dtype=bool)
    if by_local.any():
        hashed = pd.util.hash_array(local[by_local].to_numpy(dtype=object))
        keys[by_local] = -(hashed >> np.uint64(1)).astype(np.int64) - 1  # negative: no NHS number
    return keys
