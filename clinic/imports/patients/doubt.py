"""
Rows of an import that may be of another patient than their ids say; nothing of them is imported.

    id 100, where the record has 000100       a spreadsheet dropped zeros: a second record of one patient
    date of birth and family name both differ  the id is somebody else's: their data would be overwritten
    death before the date of birth             one of the two is somebody else's, or a slip
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.bulk import is_any_of
from clinic.record.schema.people import patient

# No id of a practice that is a number has more digits
_LONGEST: Final = 10


def same_but_for_zeros(connection: Connection, own_ids: pd.Series[str]) -> pd.Series[bool]:
    """Which of these ids, none of them on the record, are there with more or fewer zeros in front."""
    numbers = own_ids[own_ids.str.fullmatch(rf"[0-9]{{1,{_LONGEST}}}").fillna(False).astype(bool)]
    padded = _has_zeros(connection)
    forms = {one: list(_forms(one, padded)) for one in numbers.unique()}
    wanted = [form for some in forms.values() for form in some]
    if not wanted:
        return pd.Series(False, index=own_ids.index)
    query = sa.select(patient.c.local_id).where(is_any_of(patient.c.local_id, wanted))
    there = set(connection.execute(query).scalars())
    alike = [one for one, some in forms.items() if not there.isdisjoint(some)]
    return own_ids.isin(alike)


def _has_zeros(connection: Connection) -> bool:
    """Whether any id on the record begins with a zero; else there is nothing to pad ids for."""
    query = sa.select(sa.literal(1)).where(
        patient.c.local_id >= "0", patient.c.local_id < "1", patient.c.local_id.like("0%")
    )
    return connection.execute(query.limit(1)).first() is not None


def _forms(number: str, padded: bool) -> Iterator[str]:
    bare = number.lstrip("0") or "0"
    longest = _LONGEST if padded else len(number)
    for length in range(len(bare), longest + 1):
        if length != len(number):
            yield bare.zfill(length)


def another_patient(rows: pd.DataFrame, known: pd.DataFrame) -> pd.Series[bool]:
    """Which rows differ both in date of birth and in family name from the patient of their id.

    known: as the record has them, same index
    """
    differs = pd.Series(True, index=rows.index)
    for name in ("birth_date", "family_name"):
        old, new = (each[name].to_numpy(dtype=object) for each in (known, rows))
        differs &= ~pd.isna(old) & ~pd.isna(new) & (old != new)
        for place in differs[differs].index:  # few: most are as they were
            one, other = _plain(known.at[place, name]), _plain(rows.at[place, name])
            differs.at[place] = one != "" and other != "" and one != other
    return differs


def died_unborn(deaths: pd.Series[Any], births: pd.Series[Any]) -> np.ndarray:
    """Which dates of death are before that of birth; neither need be there."""
    both = (deaths.notna() & births.notna()).to_numpy(dtype=bool)
    found = np.zeros(len(deaths), dtype=bool)
    if both.any():
        pairs = zip(deaths[both].tolist(), births[both].tolist(), strict=True)
        found[both] = [died < born for died, born in pairs]
    return found


def _plain(value: object) -> str:
    """For comparison: neither capitals, hyphens nor spaces make another name."""
    if value is None or value is pd.NaT or value != value:
        return ""
    return "".join(filter(str.isalnum, str(value).casefold()))
