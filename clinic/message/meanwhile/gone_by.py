"""
Dates that a message asks a patient to keep, and that have gone by on the day it is sent.

    words of the template ─► which columns are printed as a day to keep: "is on {{ list.Clinic_date }}"
    cells of these        ─► the day that each row is told; before the day it is sent: date_gone_by

A column of the past is none of these: its heading says so ("Last seen", "Date of birth"), or the words before
it do ("you were last seen on {{ list.Date }}"). Where neither says so and it is right all the same, a named
person accepts `date_gone_by`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import pandas as pd
import sqlalchemy as sa

from clinic.message.words.folding import fold_one
from clinic.record.schema.messages import recipient
from clinic.values.dates import Order, infer_order
from clinic.values.days import latest_day
from clinic.values.text import as_strings

CODE: Final = "date_gone_by"
_PRINTED: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAMES: Final = re.compile(r"\blist\.\w+")
# What ends a sentence, so that its words say nothing of what follows
_END: Final = re.compile(r"[.!?;](?:\s|$)|\n")
_OF_THE_PAST: Final = re.compile(
    r"\b(?:last|previous|prior|past|since|seen|born|birth|dob|diagnosed|diagnosis|issued|registered|"
    r"registration|joined|received|requested|referred|referral|sent|attended|missed|dna|completed|taken|given|"
    r"discharged|admitted|admission|overdue|recorded|entered|expired|created|updated|extracted|exported)\b"
)
# In the words before it, the nearest of these says what the date is
_SAID: Final = re.compile(
    r"(?P<past>\b(?:was|were|had|last|since|missed|attended|dated|previous|overdue|seen|wrote|sent|received|"
    r"taken|did not (?:attend|come)|didn t (?:attend|come)|letter of|thanks?(?: you)?|born|ago|"
    r"diwethaf|ers|oedd|roedd|cawsoch|colloch|welwyd)\b)"
    r"|(?P<ahead>\b(?:is|are|will|by|until|before|please|come|attend|book|booked|invited?|mae|bydd|erbyn|cyn)\b)"
)


def days_to_keep(text: str) -> tuple[str, ...]:
    """The list's columns, as the text names them, that it prints as a day to keep, or may."""
    found: dict[str, None] = {}
    for printed in _PRINTED.finditer(text):
        if not _speaks_of_the_past(text[: printed.start()]):
            found |= dict.fromkeys(_NAMES.findall(printed[1]))
    return tuple(name for name in found if not _OF_THE_PAST.search(_words(name)))


def days_told(
    values: pd.DataFrame, *, today: date, order: Order, otherwise: Order, since: date | None = None
) -> pd.DataFrame:
    """
    The earliest day that each row is to keep.

    Args:
        values: a column a variable of `days_to_keep`: the list's cells
        order: of days and months, as the list's own dates of birth prove it; else what the column proves
            counts, and then `otherwise`
        since: days before it are not told of

    Returns:
        same index; day: datetime64[s], NaT where a row names none; variable: whose it is
    """
    told = pd.DataFrame(
        {"day": pd.array([pd.NaT] * len(values), dtype="datetime64[s]"), "variable": ""},
        index=values.index,
    )
    for name in values.columns:
        texts = as_strings(values[name])
        distinct = [text for text in texts.unique().tolist() if text]
        known = order if order != "ambiguous" else infer_order(distinct, otherwise=otherwise)
        days = {text: latest_day(text, order=known, today=today) for text in distinct}
        if since is not None:
            days = {text: day for text, day in days.items() if day is not None and day >= since}
        own = texts.map(days).astype("datetime64[s]")
        sooner = own.notna() & ~(told["day"] <= own)
        told.loc[sooner, "day"] = own[sooner]
        told.loc[sooner, "variable"] = name
    return told


def gone_by(told: pd.DataFrame, sent: date) -> pd.Series[str]:
    """The variable whose day is over before the message is sent; "" where none is."""
    over = told["day"] < pd.Timestamp(sent)
    return told["variable"].where(over, "")


def told_of_a_day_before(
    today: date, campaign_id: int, members: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """Those of the members whose message asks them to keep a day that is over: kept with them at the check."""
    return sa.select(recipient.c.patient_id).where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.patient_id.in_(members),
        recipient.c.keep_day < today,
    )


def _words(name: str) -> str:
    """list.LastSeen, list.last_seen → last seen."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.removeprefix("list."))
    return fold_one(apart.replace("_", " "))


def _speaks_of_the_past(before: str) -> bool:
    """By the last word that says so, in the sentence that leads to it."""
    plain = _PRINTED.sub(" ", before)
    sentence = _END.split(plain)[-1]
    said = list(_SAID.finditer(" ".join(re.findall(r"\w+", fold_one(sentence)))))
    return bool(said) and said[-1]["past"] is not None
