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
        left = _times(np.concatenate(self._added or [_NONE]))
        rows = _take(left, np.concatenate(self._cancelled or [_NONE]))
        given = _take(left, np.concatenate(self._given or [_NONE]))
        absent = _take(left, np.array(gone, dtype="int64"))
        _shift(result.counts, {"added": rows + given + absent}, BOOKED_AGAIN)
        _shift(result.counts, {"cancelled": rows}, REPLACED)
        _shift(result.also, {"given_to_another": given, "no_longer_there": absent}, MOVED_AWAY)


_NONE: Final = np.array([], dtype="int64")


def _times(patients: np.ndarray) -> dict[int, int]:
    found, times = np.unique(patients, return_counts=True)
    return dict(zip(found.tolist(), times.tolist(), strict=True))


def _take(left: dict[int, int], cancelled: np.ndarray) -> int:
    """How many of these have a new booking of their patient among those that are left, which are then taken."""
    paired = 0
    for who, times in _times(cancelled).items():
        together = min(times, left.get(who, 0))
        if together:
            left[who] -= together
            paired += together
    return paired


def _shift(counts: dict[str, int], which: dict[str, int], to: str) -> None:
    """Count these many of each as another one."""
    for name, number in which.items():
        if number:
            counts[name] -= number
            counts[to] = counts.get(to, 0) + number
            if not counts[name]:
                del counts[name]
