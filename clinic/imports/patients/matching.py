"""Who each row means, and what of it differs from the record."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.patients.belonging import NAMED_BY, Belonging
from clinic.imports.patients.columns import COLUMNS, DAYS
from clinic.imports.patients.doubt import another_patient, died_unborn, same_but_for_zeros
from clinic.imports.patients.seen import IDS, Seen
from clinic.personal_data.erase.came_back import erased_before
from clinic.record.bulk import is_any_of, plain_frame, plain_rows
from clinic.record.schema.people import patient

_KNOWN: Final = ("id", *COLUMNS, "version")


def mark_repeated(rows: pd.DataFrame, seen: Seen) -> None:
    """Rows of a patient who stood on an earlier one, of this block or of one before."""
    usable = rows["outcome"] == ""
    for name in IDS:
        ids = rows[name].where(usable)
        again = ids.notna() & (ids.duplicated() | seen.has(name, ids))
        rows.loc[again, "outcome"] = "repeated" if name == "nhs_number" else "ids_differ"
        same = again & rows["nhs_number"].isna()
        rows.loc[same, "outcome"] = "repeated"
        usable &= ~again
    for name in IDS:
        seen.add(name, rows.loc[usable, name])


def match(
    connection: Connection, rows: pd.DataFrame, belonging: Belonging, *, owned: tuple[str, ...], lock: bool
) -> pd.DataFrame:  # fmt: skip
    """
    Find each row's patient: `id`, None where there is none; and judge the row. Found patients are locked.

    owned: the columns of which an empty cell takes away what the record has

    Returns:
        the patients as they are, by the index of their rows that are changed or moved
    """
    usable = rows["outcome"] == ""
    first, second = (_ids(connection, name, rows[name].where(usable)) for name in IDS)
    rows["id"] = np.where(pd.isna(first), second, first)
    known = _known(connection, [key for key in rows.loc[usable, "id"].tolist() if key], lock=lock)
    there = rows["id"].map(dict(zip(known.index, range(len(known)), strict=True)))
    place = there.fillna(-1).to_numpy(dtype=np.int64)
    before = {name: _at(known[name], place) for name in (*COLUMNS, "version")}
    two = ~pd.isna(first) & ~pd.isna(second) & (first != second)
    other = _differ(before["nhs_number"], rows["nhs_number"].to_numpy(dtype=object))
    replaced = _differ(before["local_id"], rows["local_id"].to_numpy(dtype=object))
    rows.loc[usable & replaced, "outcome"] = "own_id_differs"
    rows.loc[usable & (two | other), "outcome"] = "ids_differ"
    frame = pd.DataFrame(before, index=rows.index, dtype=object)
    rows["version"] = frame["version"]
    found = (rows["outcome"] == "") & rows["id"].notna()
    rows.loc[found & another_patient(rows, frame), "outcome"] = "another_patient"
    born = rows["birth_date"].where(rows["birth_date"].notna(), frame["birth_date"])
    unborn = found & (rows["outcome"] == "") & died_unborn(rows["death_date"], born)
    rows.loc[unborn, "outcome"] = "death_date_invalid"
    new = (rows["outcome"] == "") & rows["id"].isna()
    zeros = same_but_for_zeros(connection, rows.loc[new, "local_id"].astype("str").fillna(""))
    rows.loc[new[new].index[zeros.to_numpy(dtype=bool)], "outcome"] = "own_id_zeros"
    gone = erased_before(connection, rows.loc[new, "nhs_number"].dropna())
    rows.loc[new & rows["nhs_number"].isin(gone), "outcome"] = "erased_before"
    # One row named the patient by one id, and this row by the other
    found = rows["id"].where(rows["outcome"] == "")
    rows.loc[found.notna() & found.duplicated(), "outcome"] = "repeated"
    rows.loc[(rows["outcome"] == "") & rows["id"].isna(), "outcome"] = "added"
    return _mark_changed(rows, frame, belonging, owned)


def _at(values: pd.Series[Any], place: np.ndarray) -> np.ndarray:
    """The value of each row's patient; None where there is none."""
    padded = np.empty(len(values) + 1, dtype=object)
    padded[:-1] = values.to_numpy(dtype=object)
    found: np.ndarray = padded[place]
    return found


def _differ(before: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Where both are there and are not the same."""
    both = ~pd.isna(before) & ~pd.isna(given)
    result: np.ndarray = both & (before != given)
    return result


def _ids(connection: Connection, name: str, values: pd.Series[str]) -> np.ndarray:
    column = patient.c[name]
    wanted = values.dropna().tolist()
    query = sa.select(column, patient.c.id).where(is_any_of(column, wanted))
    ids = dict(plain_rows(connection.execute(query)))
    return np.array([ids.get(value) for value in values.tolist()], dtype=object)


def _known(connection: Connection, ids: list[int], *, lock: bool) -> pd.DataFrame:
    """The patients as they are, by id."""
    query = sa.select(*(patient.c[name] for name in _KNOWN)).where(is_any_of(patient.c.id, ids))
    found = plain_frame(connection.execute(query.with_for_update() if lock else query))
    for name in DAYS:
        found[name] = pd.Series([_day(value) for value in found[name]], dtype=object)
    return found.set_index("id")


@lru_cache(50_000)
def _date(text: str) -> date:
    return date.fromisoformat(text)


def _day(value: Any) -> date | None:
    return _date(value) if isinstance(value, str) else value


def _mark_changed(
    rows: pd.DataFrame, frame: pd.DataFrame, belonging: Belonging, owned: tuple[str, ...]
) -> pd.DataFrame:
    """Fill what the file leaves empty with what is known; what then differs has changed."""
    found = (rows["outcome"] == "") & rows["id"].notna()
    if not found.any():
        return frame[found]
    before = frame[found]
    after = rows.loc[found, list(COLUMNS)]
    for name in COLUMNS:
        if name not in owned:
            values = after[name].to_numpy(dtype=object)
            after[name] = np.where(pd.isna(values), before[name].to_numpy(dtype=object), values)
    given = after.copy()
    moves = belonging.keep(before, after, moves=bool(owned))
    for name in NAMED_BY:  # who stays elsewhere than the file says is counted each time
        here, there = (each[name].to_numpy(dtype=object) for each in (after, given))
        rows.loc[found, "remarkable"] |= (here != there) & ~pd.isna(there)
    same = np.ones(len(after), dtype=bool)
    for name in COLUMNS:
        one, other = (each[name].to_numpy(dtype=object) for each in (after, before))
        same &= (one == other) | (pd.isna(one) & pd.isna(other))
    for name in COLUMNS:
        rows.loc[found, name] = after[name]
    outcome = np.where(same, "unchanged", np.where(moves, "moved", "changed"))
    rows.loc[found, "outcome"] = outcome
    differs = belonging.differs(before, given, pd.Series(same, before.index)) & ~moves
    rows.loc[differs[differs].index, "outcome"] = "facility_differs"
    changed: pd.DataFrame = before[rows.loc[before.index, "outcome"].isin(["changed", "moved"])]
    return changed
