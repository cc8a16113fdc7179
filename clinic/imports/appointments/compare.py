"""
Looks at all rows of a file before one is written: rows with one id that say different things, or the same.

A row's digest is of its cells. Rows are read only where that says too little: those without an id, which
patient and time stand for, and those whose id comes again with other cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from clinic.imports.formats import order_from, orders_in
from clinic.settings import SourceFormat
from clinic.values.dates import Order

Cells: TypeAlias = "Callable[[], Iterator[tuple[pd.DataFrame, np.ndarray]]]"
Read: TypeAlias = "Callable[[pd.DataFrame, np.ndarray, Order], pd.DataFrame]"


@dataclass(frozen=True)
class Compared:
    """
    Of each row of the file, in order.

    digests: of its cells, int64; contradicts: another row with its id says otherwise; again: an earlier row
    says the same of it; order: of day and month in the file's dates
    """

    digests: np.ndarray
    contradicts: np.ndarray
    again: np.ndarray
    order: Order


def compare_rows(cells: Cells, read: Read, how: SourceFormat) -> Compared:
    """
    Compare the rows of a file; memory: 17 bytes a row.

    Args:
        cells: block by block, the cells in our fields and which rows cannot be read
        read: from them, what the rows say: `key`, `nhs_number`, `local_id`, `starts_at` and others
    """
    keys, digests, free = [], [], []
    proven: set[Order] = set()
    for given, unreadable in cells():
        key = given["key"] if "key" in given else pd.Series("", given.index, dtype="str")
        keys.append(_hash(key))
        digests.append(_hash(given) ^ unreadable.astype("uint64"))
        free.append((key == "").to_numpy(dtype=bool))
        proven |= orders_in(given["date"])
    order = order_from(how, proven)
    ids, said, without = _joined(keys, "uint64"), _joined(digests, "uint64"), _joined(free, "bool")
    again, contradicts = np.zeros(len(ids), bool), np.zeros(len(ids), bool)
    twice = _come_again(ids) | without
    if not twice.any():
        return Compared(said.view("int64"), contradicts, again, order)
    raw = said.view("int64").copy()
    frame = pd.DataFrame({"key": ids, "said": said})
    _read_twice(cells, lambda cells, bad: read(cells, bad, order), frame, twice, without)
    part = frame[twice]
    again[twice] = part.duplicated(["key", "said"]).to_numpy(dtype=bool)
    contradicts[twice] = (part.groupby("key")["said"].transform("nunique") > 1).to_numpy(bool)
    return Compared(raw, contradicts, again, order)


def _joined(blocks: list[np.ndarray], dtype: str) -> np.ndarray:
    """One array of them; the blocks are given up."""
    whole = np.concatenate(blocks) if blocks else np.array([], dtype)
    blocks.clear()
    return whole


def _come_again(keys: np.ndarray) -> np.ndarray:
    """Which of these are there more than once: sorted, which needs a tenth of what a table of all does."""
    ordered = np.sort(keys)
    more = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(more):
        return np.zeros(len(keys), dtype=bool)
    place = np.searchsorted(more, keys).clip(max=len(more) - 1)
    found: np.ndarray = more[place] == keys
    return found


def _read_twice(
    cells: Cells,
    read: Callable[[pd.DataFrame, np.ndarray], pd.DataFrame],
    frame: pd.DataFrame,
    twice: np.ndarray,
    without: np.ndarray,
) -> None:
    """Put what these rows say in place of their cells, and an identity in place of an id that is not there."""
    start = 0
    for given, unreadable in cells():
        stop = start + len(given)
        mine = twice[start:stop]
        places = np.flatnonzero(mine) + start
        start = stop
        if not mine.any():
            continue
        rows = read(given[mine], unreadable[mine])
        ids = rows[["nhs_number", "local_id"]].apply(lambda ids: ids.str.replace(" ", ""))
        said = rows.drop(columns=["outcome", "nhs_number", "local_id"]).join(ids)
        frame.loc[places, "said"] = _hash(said.astype(str))
        who = ids.assign(at=rows["starts_at"].astype(str))
        sure = rows["starts_at"].notna() & (ids != "").any(axis=1)
        own = np.where(sure, _hash(who), frame.loc[places, "said"])
        none = without[places]
        frame.loc[places[none], "key"] = own[none]


def _hash(values: pd.DataFrame | pd.Series[str]) -> np.ndarray:
    return pd.util.hash_pandas_object(values, index=False).to_numpy()
