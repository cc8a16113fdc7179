"""
Dates that a message asks a patient to keep, and that have gone by on the day it is sent.

    words of the template ─► which columns are printed as a day to keep: "is on {{ list.Clinic_date }}"
    cells of these        ─► the day that each row is told; before the day it is sent: date_gone_by

A column of the past is none of these: its heading says so ("Last seen", "Date of birth"), or the words before
it do ("you were last seen on {{ list.Date }}"), or those after it ("was missed"). Where neither says so and it
is right all the same, a named person accepts `date_gone_by`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.message.words.folding import fold_one
from clinic.record.schema.messages import message, recipient
from clinic.values.dates import Order, infer_order
from clinic.values.days import latest_day
from clinic.values.text import as_strings

CODE: Final = "date_gone_by"
_PRINTED: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAMES: Final = re.compile(r"\blist\.\w+")
# What ends a sentence, so that its words say nothing of what follows; a title and a time do not
_END: Final = re.compile(
    r"(?<!\bdr)(?<!\bmr)(?<!\bms)(?<!\bst)(?<!\bmrs)(?<!\bprof)(?<![ap]\.m)[.!?;](?:\s|$)|\n",
    re.IGNORECASE,
)
# A heading of these is of the past whatever else it says
_OF_THE_PAST: Final = re.compile(
    r"\b(?:last\w*|prev(?:ious)?\w*|prior|past|since|\w*seen|\w*birth\w*|born|dob|diagnos\w+|attended|missed|dna|"
    r"discharged?|admitted|expired|extract\w*|export\w*|created|updated|diwethaf|geni|colli)\b"
)
# And of these where it does not speak of what is to come
_HAPPENED: Final = re.compile(
    r"\b(?:issued|registered|registration|joined|received|requested|referred|referral|sent|completed|taken|given|"
    r"admission|overdue|recorded|entered|letter)\b"
)
_TO_COME: Final = re.compile(
    r"\b(?:next|new|appointments?|appts?|clinics?|visits?|slots?|booked|booking|by|before|due|deadline|upcoming|"
    r"review|jab|vaccination|nesaf|newydd|apwyntiad|clinig)\b"
)
_BOOKED: Final = (
    r"(?:appointments?|appts?|visits?|clinics?|slots?|bookings?|invitations?|apwyntiad|clinig)"
)
# In the words before it, the nearest of these says what the date is. nothing: neither way; ahead: to keep;
# past: over; told: over, unless it was told of a visit ("we sent you a letter about your appointment on")
_NOTHING: Final = (
    r"(?:not|nt|n t|never|yet to)(?: yet)? (?:have )?(?:had|attended|received|seen)|at last"
    r"|last (?:chance|call|few|places?|dates?|days?|opportunity|reminder|minute)"
    r"|thanks?(?: you)? for (?:booking|registering|your (?:call|booking|interest|patience))"
)
_AHEAD: Final = (
    r"is|are|will|be (?:seen|sent|taken|given|received|attended)|by(?: the)?$|until|before|please|come|coming"
    r"|attend|book|booked|booking|invited?|another|new|next|instead(?! of)|offer(?:ed)?"
    r"|(?:moved|changed|rebooked|rearranged|rescheduled|postponed|delayed|forward|back)(?: \w+){0,2}"
    r" (?:to|for|until)"
    r"|mae|bydd|fydd|erbyn|cyn|dewch|nesaf|newydd|symud i"
)
_PAST: Final = (
    r"was|were|had|last|since|missed|attended|visited|came|saw|dated|previous|seen|issued|discharged|admitted"
    r"|could(?: not|n t) (?:come|attend|make it)|(?:not|instead of|rather than)$|ni ddaethoch"
    r"|for (?:coming|attending|visiting)"
    r"|(?:following|after) (?:your|our|the|an?|you)|did not (?:attend|come)|didn t (?:attend|come)"
    r"|results? (?:from|of)|tests? (?:from|of)|overdue (?:on|from)|letter of|born|ago"
    r"|diwethaf|ers|ar ol|oedd|roedd|cawsoch|colloch|welwyd"
)
_SAID: Final = re.compile(
    rf"(?P<nothing>\b(?:{_NOTHING})\b)|(?P<ahead>\b(?:{_AHEAD})(?:\b|$))|(?P<past>\b(?:{_PAST})\b)"
    rf"|(?P<told>\b(?:wrote|sent|received|taken|thanks?(?: you)?)\b)|(?P<booked>\b{_BOOKED}\b)"
)
# In the words after it: nobody came on that day, and nobody is asked to
_MISSED: Final = re.compile(
    r"^(?: \w+){0,4}? (?:(?:was|were|been) missed|(?:you|but|and|which you) (?:missed|did not|didn t)"
    r"|did not (?:attend|come)|and (?:were|was) not (?:there|seen))\b"
)


def days_to_keep(text: str) -> tuple[str, ...]:
    """The list's columns, as the text names them, that it prints as a day to keep, or may."""
    found: dict[str, None] = {}
    for printed in _PRINTED.finditer(text):
        before, after = text[: printed.start()], text[printed.end() :]
        if not (_speaks_of_the_past(before) or _was_missed(after)):
            found |= dict.fromkeys(_NAMES.findall(printed[1]))
    return tuple(name for name in found if not _is_of_the_past(_words(name)))


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


def told_of_a_day_before(today: date) -> ColumnElement[bool]:
    """
    Of a message: whether it asks its patient to keep a day that is over: kept with its row at the check.

    Looked up by the row's own key: a set of patients would be looked for in the whole campaign, for each batch.
    """
    day = (
        sa.select(recipient.c.keep_day)
        .where(
            recipient.c.campaign_id == message.c.campaign_id,
            recipient.c.row_number == message.c.row_number,
        )
        .scalar_subquery()
    )
    return day < today


def _words(name: str) -> str:
    """list.LastSeen, list.last_seen → last seen."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.removeprefix("list."))
    return fold_one(apart.replace("_", " "))


def _is_of_the_past(heading: str) -> bool:
    if _OF_THE_PAST.search(heading):
        return True
    return bool(_HAPPENED.search(heading)) and not _TO_COME.search(heading)


def _speaks_of_the_past(before: str) -> bool:
    """By the last words that say so, in the sentence that leads to it."""
    found = ""
    for said in _SAID.finditer(_plain(_END.split(_PRINTED.sub(" ", before))[-1])):
        if said["past"] or said["told"]:
            found = "past" if said["past"] else "told"
        elif said["ahead"] or (said["booked"] and found == "told"):
            found = ""
    return found != ""


def _was_missed(after: str) -> bool:
    sentence = _END.split(_PRINTED.sub(" ", after))[0]
    return _MISSED.search(f" {_plain(sentence)}") is not None


def _plain(sentence: str) -> str:
    return " ".join(re.findall(r"\w+", fold_one(sentence)))
