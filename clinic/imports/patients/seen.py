"""The patients of a file's earlier rows, by their ids: 8 bytes an id, so that a long file needs little."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

IDS = ("nhs_number", "local_id")
# Of the hash: the same text is another id in another column
_KEYS = {"nhs_number": "seen by number..", "local_id": "seen by own id.."}


class Seen:
    """
    Ids as hashes of 64 bits, in few sorted arrays: two ids of a million have one hash once in a million files
    or so, and then a row is listed as repeated.
    """

    def __init__(self) -> None:
        self._sorted: list[np.ndarray] = []

    def has(self, name: str, ids: Iterable[str | None]) -> np.ndarray:
        """Which of these stood in an earlier row; None never did."""
        values, there = _hashes(name, ids)
        found = np.zeros(len(values), dtype=bool)
        for known in self._sorted:
            place = np.searchsorted(known, values).clip(max=len(known) - 1)
            found |= known[place] == values
        mine: np.ndarray = found & there
        return mine

    def add(self, name: str, ids: Iterable[str | None]) -> None:
        """Note them."""
        values, there = _hashes(name, ids)
        new = np.sort(values[there])
        while self._sorted and len(self._sorted[-1]) <= len(new):
            new = np.sort(np.concatenate([self._sorted.pop(), new]))
        if len(new):
            self._sorted.append(new)


def _hashes(name: str, ids: Iterable[str | None]) -> tuple[np.ndarray, np.ndarray]:
    texts = np.array(list(ids), dtype=object)
    there = ~pd.isna(texts)
    texts[~there] = ""
    hashed = pd.util.hash_array(texts, hash_key=_KEYS[name], categorize=False)
    return np.asarray(hashed), there
