"""
A cancellation and a new booking of one patient in one import are one move, and are counted as one.

Many systems move a visit by cancelling it and booking another under another id. For the record these stay two
appointments, each with the id by which its source knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from clinic.imports.result import Imported

BOOKED_AGAIN: Final = "booked_again"
REPLACED: Final = "replaced"
MOVED_AWAY: Final = "moved_away"


@dataclass
class Pairs:
    """Whose appointments an import adds and cancels: patients' ids, once an appointment; 8 bytes each."""

    _added: list[np.ndarray] = field(default_factory=list)
    _cancelled: list[np.ndarray] = field(default_factory=list)
    _given: list[np.ndarray] = field(default_factory=list)

    def note(self, *, added: np.ndarray, cancelled: np.ndarray, given: np.ndarray) -> None:
        """Of a block. given: of slots that are another patient's now."""
        self._added.append(added)
        self._cancelled.append(cancelled)
        self._given.append(given)

    def count(self, result: Imported, gone: list[int]) -> None:
        """
        Count what belongs together as one move, in place of what was counted before.

        Args:
            gone: whose appointments are cancelled for not being in the file
        """
        if not gone and not self._some(self._cancelled) and not self._some(self._given):
            return  # a first import: nothing to pair, whatever number of patients it has
        left = _Left(*_times(_joined(self._added)))
        rows = left.take(_joined(self._cancelled))
        given = left.take(_joined(self._given))
        absent = left.take(np.array(gone, dtype="int64"))
        _shift(result.counts, {"added": rows + given + absent}, BOOKED_AGAIN)
        _shift(result.counts, {"cancelled": rows}, REPLACED)
        _shift(result.also, {"given_to_another": given, "no_longer_there": absent}, MOVED_AWAY)

    @staticmethod
    def _some(blocks: list[np.ndarray]) -> bool:
        return any(len(block) for block in blocks)


@dataclass
class _Left:
    """New bookings that no cancellation was paired with: patients' ids in order, and how many each has."""

    patients: np.ndarray
    times: np.ndarray

    def take(self, cancelled: np.ndarray) -> int:
        """How many of these have a new booking of their patient among those left, which are then taken."""
        who, times = _times(cancelled)
        if not len(self.patients) or not len(who):
            return 0
        place = np.minimum(np.searchsorted(self.patients, who), len(self.patients) - 1)
        there = self.patients[place] == who
        together = np.minimum(times[there], self.times[place[there]])
        self.times[place[there]] -= together
        return int(together.sum())


def _joined(blocks: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(blocks or [np.array([], dtype="int64")])


def _times(patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(patients, return_counts=True)


def _shift(counts: dict[str, int], which: dict[str, int], to: str) -> None:
    """Count these many of each as another one."""
    for name, number in which.items():
        if number:
            counts[name] -= number
            counts[to] = counts.get(to, 0) + number
            if not counts[name]:
                del counts[name]
