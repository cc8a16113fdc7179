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
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from clinic.message.sharing.holders import DRAMA, Holders, elsewhere, facts_of, find_holders
from clinic.message.sharing.looked_into import Question, nobody
from clinic.values.phone import judge_for

if TYPE_CHECKING:
    import numpy.typing as npt

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
    also: pd.DataFrame | None = None,
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
    flags = np.zeros((len(rows), len(_FLAGS)), dtype=bool)
    names = np.full(len(rows), "", dtype=object)
    patients = rows["patient_id"].to_numpy(dtype="int64", na_value=0)
    at = facts.index.get_indexer(pd.Index(patients))
    which = np.flatnonzero(at >= 0)
    if len(which):
        own = facts.take(at[which])
        few = rows[["patient_id", "address"]].take(which)
        flags[which] = _judge(
            connection, few, own, facts, question, nobody() if also is None else also
        )
        names[which] = own["given_name"].to_numpy(dtype=object)
    known: dict[str, Any] = dict(zip(_FLAGS, flags.T, strict=True))
    return pd.DataFrame(known | {"given_name": pd.Series(names, rows.index, dtype=object)})


def _judge(
    connection: Connection, rows: pd.DataFrame, own: pd.DataFrame, facts: pd.DataFrame,
    question: Question, also: pd.DataFrame,
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """The flags of those messages that are looked into; own: of the facts, those of each one's patient."""
    shared = rows.assign(place=range(len(rows)))[own["others"].to_numpy(dtype=bool)]
    found = find_holders(connection, question.channel, shared, question.phones, also)
    if len(found.pairs):
        others = facts_of(connection, set(found.pairs["other"]) - set(facts.index))
        facts = pd.concat([facts, others])
    born, sharing = own["birth_date"], question.sharing
    child = _under(born, sharing.child_under, question.today).to_numpy(dtype=bool)
    grown = min(sharing.confirm_at, default=0)
    young = child & _under(born, grown, question.today).to_numpy(dtype=bool)
    pairs = _others(found, facts, question)
    theirs, adults = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    theirs[[*pairs["place"], *found.crowded]] = True
    adults[[*pairs.loc[~pairs["child"], "place"], *found.crowded]] = True
    unconfirmed = _unconfirmed(own, question).to_numpy(dtype=bool)
    proxy = _by_proxy(own, rows, question).to_numpy(dtype=bool)
    # In the order of _FLAGS
    return np.column_stack(
        [child, young, child & theirs, ~child & adults & ~proxy, unconfirmed & ~proxy, proxy]
    )


def _by_proxy(own: pd.DataFrame, rows: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Whose address is their proxy's, who may read what is written to them."""
    result = pd.Series(False, rows.index)
    has_one = (own["proxy_consent"].eq(True) & own["proxy"].notna()).set_axis(rows.index)
    if has_one.any():
        own = own.set_axis(rows.index)
        given = own.loc[has_one, "proxy"].astype("str")
        judged = judge_for(question.channel, given, question.phones)
        result[has_one] = judged["address"] == rows.loc[has_one, "address"]
    return result


def _others(found: Holders, facts: pd.DataFrame, question: Question) -> pd.DataFrame:
    """The pairs that count: whoever has a number besides, and whether they are a child."""
    pairs = found.pairs.reset_index(drop=True)
    if pairs.empty:
        return pairs.assign(child=pd.Series(dtype=bool))
    own, other = (facts.reindex(pairs[name]).reset_index(drop=True) for name in ("own", "other"))
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
    flags = standing[[*_FLAGS]].to_numpy(dtype=bool)
    which = np.flatnonzero(flags.any(axis=1))
    result = pd.Series("", standing.index, dtype="str")
    if not len(which):
        return result
    is_any = dict(zip(_FLAGS, flags[which].T, strict=True))
    delicate = sensitive.to_numpy(dtype=bool)[which]
    how = greeting.to_numpy(dtype=object)[which]
    parents = is_any["shared"] & (delicate | (how != GUARDIAN))
    child = (parents | (is_any["young"] & delicate)) & ~is_any["proxy"]
    broken = {
        CHILD_CONTACT: child,
        SHARED: is_any["adults"] & (delicate | (how == NAME) | (how == NAMED)),
        UNCONFIRMED: is_any["unconfirmed"] & delicate & ~child,
    }
    for code in reversed(CODES):
        if code not in accepted and broken[code].any():
            result.iloc[which[broken[code]]] = code
    return result
