"""
The rules that each row is judged by, in the order in which they count.

A row may break several rules; its one outcome is the first it breaks, so the order is itself a rule:

    is it a row?  who is it?  may they be messaged at all?  is it for them?  are they asked twice?
                                                            can they be reached?
                                                            is there something to say?  is it too often?

Safety comes first: a dead patient on two rows is `patient_dead` on both, never `duplicate`, and a
number is not looked at before it is certain whose it is. docs/rules.md is made from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd

from clinic.message.audience.outside import CODES as OUTSIDE
from clinic.message.intake.says_no import CODES as SAYS_NO
from clinic.message.needs.judge import CODES as NEEDS

if TYPE_CHECKING:
    import numpy.typing as npt

Channel = Literal["sms", "email", "voice"]
Mask: TypeAlias = "npt.NDArray[np.bool_]"
EVERY_CHANNEL: frozenset[Channel] = frozenset({"sms", "email", "voice"})


@dataclass(frozen=True)
class Rule:
    """`breaks` takes the rows and returns True where the row breaks it; `code` is its outcome."""

    code: str
    breaks: Callable[[pd.DataFrame], Mask]
    channels: frozenset[Channel] = EVERY_CHANNEL


def yes(column: str) -> Callable[[pd.DataFrame], Mask]:
    """Broken where the column is True."""
    return lambda rows: truth(rows, column)


def no(column: str) -> Callable[[pd.DataFrame], Mask]:
    """Broken where the column is False."""
    return lambda rows: ~truth(rows, column)


def fault(column: str, code: str) -> Callable[[pd.DataFrame], Mask]:
    """Broken where the column holds this fault's code."""
    return lambda rows: rows[column].eq(code).to_numpy(dtype=bool)


def truth(rows: pd.DataFrame, column: str) -> Mask:
    """
    A column of yes and no, as numpy has it.

    Raises:
        TypeError: it is of another type. An `object` column's None would read as False, and a
            patient who opted out would be messaged: a join gone wrong must not pass for consent
    """
    if not pd.api.types.is_bool_dtype(rows[column].dtype):
        raise TypeError(f"column {column} must be bool, not {rows[column].dtype}")
    return rows[column].to_numpy(dtype=bool)


def _no_id(rows: pd.DataFrame) -> Mask:
    return fault("nhs_number_fault", "nhs_number_missing")(rows) & ~truth(rows, "has_other_id")


def _not_found(rows: pd.DataFrame) -> Mask:
    return rows["patient_id"].isna().to_numpy(dtype=bool) & ~truth(rows, "register_optional")


def _filled(column: str) -> Callable[[pd.DataFrame], Mask]:
    return lambda rows: rows[column].notna().to_numpy(dtype=bool)


def _named(column: str) -> Callable[[pd.DataFrame], Mask]:
    return lambda rows: rows[column].ne("").to_numpy(dtype=bool)


_SMS: frozenset[Channel] = frozenset({"sms"})
_PHONE: frozenset[Channel] = frozenset({"sms", "voice"})
_EMAIL: frozenset[Channel] = frozenset({"email"})

RULES: tuple[Rule, ...] = (
    # is it a row, and who is it?
    Rule("unreadable_row", yes("unreadable")),
    Rule("other_organisation", yes("other_organisation")),
    Rule("nhs_number_missing", _no_id),
    Rule("nhs_number_invalid", fault("nhs_number_fault", "nhs_number_invalid")),
    Rule("ids_contradict", yes("ids_contradict")),
    Rule("patient_not_found", _not_found),
    Rule("other_facility", yes("other_facility")),
    Rule("birth_date_missing", fault("birth_date_fault", "birth_date_missing")),
    Rule("birth_date_invalid", fault("birth_date_fault", "birth_date_invalid")),
    Rule("birth_date_differs", yes("birth_date_differs")),
    Rule("name_differs", yes("name_differs")),
    Rule("number_of_another", yes("number_of_another")),
    # may they be messaged at all?
    Rule("patient_dead", yes("dead")),
    Rule("patient_fictitious", yes("fictitious")),
    Rule("patient_deregistered", yes("deregistered")),
    Rule("status_not_messaged", no("status_allowed")),
    Rule("restricted", yes("restricted")),
    Rule("no_contact", yes("no_contact")),
    Rule("opted_out", yes("opted_out")),
    Rule("no_consent", yes("no_consent")),
    Rule("held_by_reply", yes("held")),
    *(Rule(code, fault("list_says", code)) for code in SAYS_NO),
    # is the template for them?
    *(Rule(code, fault("outside", code)) for code in OUTSIDE),
    *(Rule(code, fault("needs", code)) for code in NEEDS),
    # are they asked twice? Asked of rows that nothing else speaks against (data_checks/cohort.py)
    Rule("duplicate", _filled("duplicate_of")),
    # can they be reached? A landline rings, so a voice call does not mind one
    Rule("phone_missing", fault("address_fault", "phone_missing"), _PHONE),
    Rule("phone_invalid", fault("address_fault", "phone_invalid"), _PHONE),
    Rule("phone_not_mobile", fault("address_fault", "phone_not_mobile"), _SMS),
    Rule("phone_not_allowed", fault("address_fault", "phone_not_allowed"), _PHONE),
    Rule("email_missing", fault("address_fault", "email_missing"), _EMAIL),
    Rule("email_invalid", fault("address_fault", "email_invalid"), _EMAIL),
    # is there something to say, and is it too often?
    Rule("variable_missing", _named("variable_missing")),
    Rule("value_too_long", _named("value_too_long")),
    Rule("date_gone_by", _named("date_gone_by")),
    Rule("had_this_lately", yes("had_this_lately")),
    Rule("recently_contacted", yes("recently_contacted")),
    Rule("likely_to_fail", yes("likely_to_fail")),
)

# By these nobody knows for certain whom a row means: a list that is full of them is the wrong list
IDENTITY: frozenset[str] = frozenset(
    {"unreadable_row", "nhs_number_missing", "nhs_number_invalid", "ids_contradict"}
    | {"patient_not_found"}
    | {"birth_date_missing", "birth_date_invalid", "birth_date_differs"}
    | {"name_differs", "number_of_another"}
)


def rules_for(channel: Channel) -> tuple[Rule, ...]:
    """The rules of a channel, in their order."""
    return tuple(rule for rule in RULES if channel in rule.channels)
