"""
Is the list fresh enough to act on? (NEW-29)

Between an export and a message patients get what they are told of, move away and die. What the record knows of
that is asked again when the message is sent; what it does not know, only a new list tells.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from clinic.cohort.as_of import AsOf
from clinic.cohort.rows import FALLBACK
from data_checks.gate.verdict import Check

CODE: Final = "stale_list"


# What brings it up to date, by where its patients come from
_NEWER: Final = {
    "file": "export it again. If its day is another: --as-of DAY",
    "kept": "send a new export, and not the list by its number",
    "group": "bring its members up to date: cohort groups add and cohort groups remove",
    "filter": "ask for it again by its filter, and not by the number of the list",
    "ids": "make the list again",
    FALLBACK: "ring them, or send a new list of them as a campaign of its own",
    "resend": "ring them, or send a new list of them as a campaign of its own",
}


def fresh(as_of: AsOf, *, begins: date, most: int, source: str = "file") -> Check:
    """
    Whether a list is at most so many days old when its messages begin to be sent.

    Args:
        most: days; 0: any age will do
        source: where the list came from (clinic/cohort/rows.py); "kept": from a file of another request
    """
    age = as_of.age(begins)
    says = f"The list is as of {as_of.says}: {age:,} days old when it begins to be sent"
    if not most or age <= most:
        return Check(CODE, f"{says}.", "critical", True)
    return Check(
        CODE,
        f"{says}, and {most:,} may be (freshness.days). Since then patients may have had what they are told "
        f"of, moved or be deceased: {_NEWER.get(source, _NEWER['ids'])}.",
        "critical",
        False,
    )


def ages(as_of: AsOf, *, ends: date, most: int) -> Check | None:
    """A remark on a list that is fresh now and will not be when the last of it is sent; None: it will be."""
    age = as_of.age(ends)
    if not most or age <= most:
        return None
    return Check(
        "list_ages",
        f"Its last messages are sent when the list is {age:,} days old ({most:,} may be at the start). Who is "
        "deceased, deregistered or opted out by then gets none; who has had what they are told of still does.",
        "warning",
        False,
    )
