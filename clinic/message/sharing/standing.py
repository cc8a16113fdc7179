"""
What a number is to its patient: their own, a parent's, another adult's too, or not confirmed (NEW-27).

    child        under 16; a parent's: another patient has it too, or they are under 13
    adult        another adult has it too; a child who has it says nothing: it is the parent's own
    unconfirmed  recorded before the 13th or 16th birthday, and not confirmed since

A proxy with consent, whose address it is, may read all that is written to the patient.
Who is deceased, or a test patient, has no number any more. Who has no date of birth is taken for an adult.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from clinic.message.sharing.holders import DRAMA, Holders, elsewhere, facts_of, find_holders
from clinic.message.sharing.looked_into import NOBODY, Question
from clinic.values.email import judge_emails
from clinic.values.phone import judge_mobiles

CHILD_CONTACT: Final = "child_contact"
SHARED: Final = "shared_number"
UNCONFIRMED: Final = "number_unconfirmed"
CODES: Final = (CHILD_CONTACT, SHARED, UNCONFIRMED)
# How a text speaks; "": it names nobody, and its number is its patient's
NAME, GUARDIAN, NEUTRAL = "name", "guardian", "neutral"
# To a number that others have too, as it is written: only where somebody accepted that
CHILD, NAMED = "child", "named"

_FLAGS: Final = ("child", "young", "shared", "adults", "unconfirmed", "proxy")


def standing_of(
    connection: Connection, rows: pd.DataFrame, facts: pd.DataFrame, question: Question,
    also: pd.DataFrame = NOBODY,
) -> pd.DataFrame:  # fmt: skip
    """
    What the address of each message is to its patient.

    Args:
        rows: `patient_id` and `address`
        facts: as `look_into` gives them
        also: who has an address by the list itself: `address` and `other`

    Returns:
        same index, bool: `child`, `young` (a child too young to have a number of their own), `shared` (of a
        child: others have it too), `adults` (of an adult: another adult has it too), `unconfirmed`, `proxy`
        (the address is that of somebody who is written to in the patient's place, with consent); and
        `given_name` as the record has it, of those whose number others have too
    """
    which = rows["patient_id"].isin(facts.index).to_numpy(dtype=bool)
    flags = np.zeros((len(rows), len(_FLAGS)), dtype=bool)
    names = np.full(len(rows), "", dtype=object)
    if which.any():
        few = rows.loc[which, ["patient_id", "address"]]
        found = _judge(connection, few, facts, question, also)
        flags[which] = found[[*_FLAGS]]
        names[which] = found["given_name"]
    return pd.DataFrame(flags, rows.index, columns=[*_FLAGS]).assign(given_name=names)


def _judge(
    connection: Connection, rows: pd.DataFrame, facts: pd.DataFrame, question: Question,
    also: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """What `standing_of` gives, of those messages that are looked into; facts: of their patients."""
    own = facts.loc[rows["patient_id"].tolist()].set_axis(rows.index)
    rows = rows.assign(place=range(len(rows)))
    shared = rows[own["others"]]
    found = find_holders(connection, question.channel, shared, question.phones, also)
    if len(found.pairs):
        others = facts_of(connection, set(found.pairs["other"]) - set(facts.index))
        facts = pd.concat([facts, others])
    result = pd.DataFrame(index=rows.index)
    result["child"] = _under(own["birth_date"], question.sharing.child_under, question.today)
    result["young"] = result["child"] & _under(
        own["birth_date"], min(question.sharing.confirm_at, default=0), question.today
    )
    others = _others(found, facts, question)
    places = rows["place"]
    crowded = places.isin(found.crowded)
    adult = others.loc[~others["child"], "place"]
    result["shared"] = result["child"] & (places.isin(others["place"]) | crowded)
    result["adults"] = ~result["child"] & (places.isin(adult) | crowded)
    result["unconfirmed"] = _unconfirmed(own, question)
    result["proxy"] = _by_proxy(own, rows, question)
    result.loc[result["proxy"], ["adults", "unconfirmed"]] = False
    result["given_name"] = own["given_name"]
    return result


def _by_proxy(own: pd.DataFrame, rows: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Whose address is their proxy's, who may read what is written to them."""
    has_one = own["proxy_consent"].eq(True) & own["proxy"].notna()
    result = pd.Series(False, rows.index)
    if has_one.any():
        given = own.loc[has_one, "proxy"].astype("str")
        email = question.channel == "email"
        judged = judge_emails(given) if email else judge_mobiles(given, question.phones)
        result[has_one] = judged["address"] == rows.loc[has_one, "address"]
    return result


def _others(found: Holders, facts: pd.DataFrame, question: Question) -> pd.DataFrame:
    """The pairs that count: whoever has a number besides, and whether they are a child."""
    pairs = found.pairs.reset_index(drop=True)
    if pairs.empty:
        return pairs.assign(child=pd.Series(dtype=bool))
    own, other = (
        facts.reindex(pairs[name].astype(object)).reset_index(drop=True)
        for name in ("own", "other")
    )
    gone = other["death_date"].notna() | other["fictitious"].eq(True)
    synthetic = pairs["address"].str.startswith(DRAMA) & elsewhere(
        own[["address", "postcode"]], other[["address", "postcode"]]
    )
    pairs["child"] = _under(other["birth_date"], question.sharing.child_under, question.today)
    return pairs[~gone & ~synthetic]


def _under(born: pd.Series[pd.Timestamp], years: int, today: date) -> pd.Series[bool]:
    """Whether they are younger; somebody without a date of birth is not."""
    return born > pd.Timestamp(today) - pd.DateOffset(years=years)


def _unconfirmed(own: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Whether a birthday by which a number is asked for again went by since it was recorded or confirmed."""
    sharing, today = question.sharing, question.today
    result = pd.Series(False, own.index)
    if question.channel == "email":
        return result
    born = own["birth_date"]
    for years in sharing.confirm_at:
        birthday = born + pd.DateOffset(years=years)
        since = own["mobile_confirmed_on"].fillna(
            # They came as a patient after it, and their number with them
            own["registered_on"].where(own["registered_on"] >= birthday)
        )
        not_known = since.isna() & _under(born, sharing.unknown_until, today)
        result |= (birthday <= pd.Timestamp(today)) & ((since < birthday) | not_known)
    return result


def left_out(
    standing: pd.DataFrame,
    sensitive: pd.Series[bool],
    greeting: pd.Series[str],
    accepted: Collection[str] = (),
) -> pd.Series[str]:
    """
    Why each message may not go to its number, of CODES; "" where it may.

    Args:
        greeting: how the text speaks: with the patient's name, to the guardian, neutral; "": it names nobody
        accepted: codes for which a named person answers
    """
    is_any = {name: standing[name].to_numpy() for name in _FLAGS}
    delicate, how = sensitive.to_numpy(dtype=bool), greeting.to_numpy(dtype=object)
    parents = is_any["shared"] & (delicate | (how != GUARDIAN))
    child = (parents | (is_any["young"] & delicate)) & ~is_any["proxy"]
    broken = {
        CHILD_CONTACT: child,
        SHARED: is_any["adults"] & (delicate | (how == NAME) | (how == NAMED)),
        UNCONFIRMED: is_any["unconfirmed"] & delicate & ~child,
    }
    result = np.full(len(standing), "", dtype=object)
    for code in reversed(CODES):
        if code not in accepted:
            result[broken[code]] = code
    return pd.Series(result, standing.index, dtype="str")
