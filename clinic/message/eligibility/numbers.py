"""
The numbers and addresses of a list against those of the record (NEW-24).

    the same                                          nothing to say
    another one, that nobody else has                 counted; the setting says which of the two is used
    that of another patient of the record, not this   the row may be about somebody else: `number_of_another`

A column that was sorted by itself is full of other patients' numbers. A family's is not: who shares a home
and a name, or the home's whole address, may have given each other's number. Nor does one count that belonged
to somebody deceased or gone.
"""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.eligibility.decisions import find_sharers
from clinic.record.bulk import is_any_of, plain_frame
from clinic.record.schema.people import patient
from clinic.settings import Phones

DIFFERS = "number_differs"  # of an accepted row, as its detail: the record has another number


def compare_numbers(
    connection: Connection,
    patients: pd.Series[int],
    listed: pd.Series[str],
    recorded: pd.Series[str],
    *,
    channel: str,
    phones: Phones,
) -> pd.DataFrame:
    """
    Compare the list's usable addresses with the record's.

    Args:
        patients: who the rows mean, Int64, empty where nobody is found
        listed, recorded: E.164 or e-mail, "" where there is none that could be used

    Returns:
        same index, bool: `number_of_another`, and `number_differs` where both have one, of nobody else
    """
    asked = patients.notna() & (listed != "") & (listed != recorded)
    result = pd.DataFrame(False, index=patients.index, columns=["number_of_another", DIFFERS])
    if not asked.any():
        return result
    owners = find_sharers(connection, channel, listed[asked].unique().tolist(), phones)
    pairs = [
        (row, own, other)
        for row, own, address in zip(
            patients[asked].index, patients[asked].tolist(), listed[asked].tolist(), strict=True
        )
        for other in owners[address]
        if other != own
    ]
    found = pd.DataFrame(pairs, columns=["row", "own", "other"])
    if pairs:
        strangers = found.loc[~_is_family(connection, found), "row"]
        result["number_of_another"] = result.index.isin(strangers)
    result[DIFFERS] = asked & (recorded != "") & ~result["number_of_another"]
    return result


def _is_family(connection: Connection, pairs: pd.DataFrame) -> pd.Series[bool]:
    """Whether the number's owner lives with the row's patient, or is no longer a patient here."""
    ids = pd.unique(pairs[["own", "other"]].to_numpy().ravel()).tolist()
    columns = ("id", "family_name", "postcode", "address", "death_date", "deregistered_on")
    query = sa.select(*(patient.c[name] for name in columns)).where(is_any_of(patient.c.id, ids))
    known = plain_frame(connection.execute(query)).set_index("id")
    own, other = (
        known.reindex(pairs[name]).reset_index(drop=True).fillna("") for name in ("own", "other")
    )
    same = {
        name: _plain(own[name]).eq(_plain(other[name])) & _plain(own[name]).ne("")
        for name in ("family_name", "postcode", "address")
    }
    gone = other["death_date"].ne("") | other["deregistered_on"].ne("")
    at_home = (same["postcode"] & (same["family_name"] | same["address"])) | same["address"]
    return (at_home | gone).set_axis(pairs.index)


def _plain(texts: pd.Series[str]) -> pd.Series[str]:
    return texts.astype("str").str.casefold().str.replace(r"\W+", "", regex=True)
