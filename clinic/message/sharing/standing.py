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
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.sharing.holders import DRAMA, Holders, elsewhere, facts_of, find_holders
from clinic.record.bulk import is_any_of
from clinic.record.schema.clinical import patient_need
from clinic.settings import Phones, Sharing
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

_NOBODY = pd.DataFrame({"address": pd.Series(dtype="str"), "other": pd.Series(dtype="int64")})


@dataclass(frozen=True)
class Question:
    """How numbers are judged."""

    channel: str
    today: date
    sharing: Sharing
    phones: Phones


def standing_of(
    connection: Connection, rows: pd.DataFrame, question: Question, also: pd.DataFrame = _NOBODY
) -> pd.DataFrame:
    """
    What the address of each message is to its patient.

    Args:
        rows: `patient_id` and `address`
        also: who has an address by the list itself: `address` and `other`

    Returns:
        same index, bool: `child`, `young` (a child too young to have a number of their own), `shared` (of a
        child: others have it too), `adults` (of an adult: another adult has it too), `unconfirmed`, `proxy`
        (the address is that of somebody who is written to in the patient's place, with consent); and
        `given_name` as the record has it, of those whose number others have too
    """
    found = find_holders(connection, question.channel, rows, question.phones, also)
    facts = facts_of(
        connection,
        rows["patient_id"].tolist(),
        {*found.pairs["own"], *found.pairs["other"]},
        born_after=_youngest_adult(question),
    )
    own = facts.reindex(rows["patient_id"].astype(object)).set_axis(rows.index)
    result = pd.DataFrame(index=rows.index)
    result["child"] = _under(own["birth_date"], question.sharing.child_under, question.today)
    result["young"] = result["child"] & _under(
        own["birth_date"], min(question.sharing.confirm_at, default=0), question.today
    )
    others = _others(found, facts, question)
    places = pd.Series(range(len(rows)), rows.index)
    crowded = places.isin(found.crowded)
    adult = others.loc[~others["child"], "place"]
    result["shared"] = result["child"] & (places.isin(others["place"]) | crowded)
    result["adults"] = ~result["child"] & (places.isin(adult) | crowded)
    result["unconfirmed"] = _unconfirmed(own, question)
    result["proxy"] = _by_proxy(connection, rows, question)
    result.loc[result["proxy"], ["adults", "unconfirmed"]] = False
    result["given_name"] = own["given_name"].fillna("")
    return result


def _by_proxy(connection: Connection, rows: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Whose address is their proxy's, who may read what is written to them."""
    own = patient_need.c
    email = question.channel == "email"
    address = own.proxy_email if email else own.proxy_mobile
    ids = [key for key in rows["patient_id"].tolist() if key > 0]
    found = connection.execute(
        sa.select(own.patient_id, address).where(
            is_any_of(own.patient_id, ids), own.proxy_consent, address.is_not(None)
        )
    ).all()
    if not found:
        return pd.Series(False, rows.index)
    texts = pd.Series([row[1] for row in found], dtype="str")
    judged = judge_emails(texts) if email else judge_mobiles(texts, question.phones)
    theirs = dict(zip((row[0] for row in found), judged["address"].tolist(), strict=True))
    pairs = zip(rows["patient_id"].tolist(), rows["address"].tolist(), strict=True)
    return pd.Series([theirs.get(key) == to for key, to in pairs], rows.index, dtype=bool)


def _youngest_adult(question: Question) -> date:
    """Whoever was born before is no child, and their number is not asked for again for their age alone."""
    sharing = question.sharing
    years = max(sharing.child_under, sharing.unknown_until, *sharing.confirm_at, 0)
    return (pd.Timestamp(question.today) - pd.DateOffset(years=years + 1)).date()


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
    parents = standing["shared"] & (sensitive | (greeting != GUARDIAN))
    child = (parents | (standing["young"] & sensitive)) & ~standing["proxy"]
    broken = {
        CHILD_CONTACT: child,
        SHARED: standing["adults"] & (sensitive | greeting.isin([NAME, NAMED])),
        UNCONFIRMED: standing["unconfirmed"] & sensitive & ~child,
    }
    result = pd.Series("", standing.index, dtype="str")
    for code in reversed(CODES):
        if code not in accepted:
            result = result.mask(broken[code], code)
    return result
