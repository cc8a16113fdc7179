"""
Which patients have a number or address, besides the one whom a message is for.

    addresses of a block ─► how many patients have each ─► those of the few that several have, as E.164

By index, of those messages of a block alone that are looked into (looked_into.py).
One that more than `MANY` have is not looked into: a care home's, say. Of Ofcom's numbers for drama, of which
practices that do not exist are made, only those count whom the record does not place at another address.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.record.bulk import is_any_of, plain_frame, plain_rows
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, TAIL_DIGITS, patient
from clinic.settings import Phones
from clinic.values.phone import judge_for

MANY: Final = 20
DRAMA: Final = "+447700900"
FACTS: Final = (
    "given_name", "birth_date", "death_date", "fictitious", "address", "postcode",
    "registered_on", "mobile_confirmed_on",
)  # fmt: skip


@functools.cache
def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "place": pd.Series(dtype="int64"),
            "own": pd.Series(dtype="int64"),
            "other": pd.Series(dtype="int64"),
            "address": pd.Series(dtype="str"),
        }
    )


@dataclass(frozen=True)
class Holders:
    """
    Who has the addresses of some messages.

    pairs: `place` (of a message among those asked about) and `other`: somebody else who has its address
    crowded: places of those whose address more than `MANY` patients have
    """

    pairs: pd.DataFrame
    crowded: frozenset[int]


def find_holders(
    connection: Connection, channel: str, rows: pd.DataFrame, phones: Phones, also: pd.DataFrame
) -> Holders:
    """
    Who else has the address of each of these messages.

    Args:
        rows: `place`, `patient_id` and `address`, E.164 or an e-mail address in lower case
        also: `address` and `other`: who has one of them by the list itself
    """
    if rows.empty:
        return Holders(_no_pairs(), frozenset())
    asked = pd.DataFrame(
        {
            "place": rows["place"].tolist(),
            "own": rows["patient_id"].tolist(),
            "address": rows["address"].tolist(),
        }
    )
    asked["key"] = keys_of(channel, rows)
    found = asked.merge(_count(connection, channel, asked), on="key")
    several = (found["count"] > 1) | (found["first"] != found["own"])
    crowded = found[several & (found["count"] > MANY)]
    few = found[several & (found["count"] <= MANY)]
    if few.empty and also.empty and crowded.empty:
        return Holders(_no_pairs(), frozenset())
    known = _read(connection, channel, few["key"].unique().tolist(), phones)
    pairs = pd.concat(
        [few.merge(known, on="address"), asked.merge(also, on="address")], ignore_index=True
    )
    pairs = pairs.loc[pairs["other"] != pairs["own"], ["place", "own", "other", "address"]]
    real = ~crowded["address"].str.startswith(DRAMA)
    return Holders(pairs.drop_duplicates(), frozenset(crowded.loc[real, "place"].tolist()))


def facts_of(connection: Connection, patients: Iterable[int]) -> pd.DataFrame:
    """What must be known of these patients, by id."""
    query = sa.select(patient.c.id, *(patient.c[name] for name in FACTS))
    return as_facts(
        plain_frame(connection.execute(query.where(is_any_of(patient.c.id, _ids(patients)))))
    )


def as_facts(found: pd.DataFrame) -> pd.DataFrame:
    """The columns FACTS as they are worked with, by `id`: dates as timestamps, texts without nulls."""
    columns = {name: found[name].array for name in found.columns.drop("id")}
    for name in ("birth_date", "death_date", "registered_on", "mobile_confirmed_on"):
        columns[name] = _days(found[name])
    for name in ("given_name", "address", "postcode"):
        columns[name] = pd.array([text or "" for text in found[name].tolist()], dtype="str")
    columns["fictitious"] = found["fictitious"].eq(True).array
    return pd.DataFrame(columns, index=pd.Index(found["id"].astype("int64"), name="id"))


def _days(given: pd.Series[Any]) -> Any:
    """Dates as timestamps: on SQLite they are text. What is none is missing."""
    days = [day or "NaT" for day in given.tolist()]  # twenty times as quick to read as None
    try:
        return pd.array(np.array(days, dtype="datetime64[us]"))
    except ValueError:
        return pd.to_datetime(given, errors="coerce", format="ISO8601").astype("M8[us]").array


def _ids(keys: Iterable[int]) -> list[int]:
    """Those of patients in the record, in their order on disk."""
    given = np.unique(np.fromiter(keys, dtype="int64"))
    return given[given > 0].tolist()  # type: ignore[no-any-return]


def elsewhere(own: pd.DataFrame, other: pd.DataFrame) -> pd.Series[bool]:
    """Whether the record places the two at different addresses."""
    here, there = (
        (one["address"] + one["postcode"]).str.casefold().str.replace(r"\W+", "", regex=True)
        for one in (own.fillna(""), other.fillna(""))
    )
    return here.ne("") & there.ne("") & here.ne(there)


def key_of(channel: str) -> ColumnElement[str]:
    """By which patients are found: what the index has."""
    return sa.literal_column(EMAIL_PLAIN if channel == "email" else MOBILE_TAIL, sa.Text)


def key_in(channel: str, address: ColumnElement[str]) -> ColumnElement[str]:
    """The same of an address of ours; through a function, else an index of an expression would not serve."""
    if channel == "email":
        return sa.func.lower(address)
    return sa.func.substr(address, sa.func.length(address) - (TAIL_DIGITS - 1))


def keys_of(channel: str, rows: pd.DataFrame) -> list[str]:
    """Of each of these addresses, the same: its last digits, or the whole of it."""
    addresses: list[str] = rows["address"].tolist()
    return addresses if channel == "email" else [one[-TAIL_DIGITS:] for one in addresses]


def _count(connection: Connection, channel: str, asked: pd.DataFrame) -> pd.DataFrame:
    """
    Of each key: how many patients have it as the record writes it, and the first of them; not of one that
    its own patient alone has, as almost all are.
    """
    key = key_of(channel)
    query = sa.select(
        key.label("key"), sa.func.count().label("count"), sa.func.min(patient.c.id).label("first")
    ).where(is_any_of(key, asked["key"].unique().tolist()))
    own = dict(zip(asked["own"].tolist(), asked["key"].tolist(), strict=True))
    senders = asked["key"].value_counts()
    repeated = set(senders.index[senders > 1])
    rows = [
        row
        for row in plain_rows(connection.execute(query.group_by(sa.text("1"))))
        if row[1] > 1 or own.get(row[2]) != row[0] or row[0] in repeated
    ]
    return pd.DataFrame(rows, columns=["key", "count", "first"]).astype(
        {"key": "str", "count": "int64", "first": "int64"}
    )


def _read(connection: Connection, channel: str, keys: list[str], phones: Phones) -> pd.DataFrame:
    """`address` as messages have it, and `other`: a patient who has it."""
    text = patient.c.email if channel == "email" else patient.c.mobile
    rows = connection.execute(
        sa.select(patient.c.id, text).where(is_any_of(key_of(channel), keys))
    ).all()
    texts = pd.Series([row[1] for row in rows], dtype="str")
    judged = judge_for(channel, texts, phones)
    return pd.DataFrame(
        {"address": judged["address"].tolist(), "other": [row[0] for row in rows]}
    ).astype({"address": "str", "other": "int64"})
