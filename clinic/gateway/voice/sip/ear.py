"""
Who answers a call, by how the greeting sounds: a word and a silence is a person, a long speech a machine.

The usual rule and the usual figures of telephone exchanges (Asterisk's app_amd), which are right about nine
times in ten. What fits neither is unknown, and stays so.
"""

from __future__ import annotations

import array
from typing import Final

_LOUD: Final = 256  # mean of a frame's samples, of 32,767
_FRAME: Final = 160  # samples: 20 ms
_FIRST_WORD: Final = 2.5  # seconds until somebody must have said something
_LONG: Final = 1.8  # a greeting of so many seconds is a machine's
_PAUSE: Final = 0.8  # after a person's greeting
_UNDECIDED: Final = 6.0
_MACHINE_PAUSE: Final = 1.5  # after a machine's greeting, with its tone
_MACHINE_LONGEST: Final = 30.0


class Ear:
    """Listens to one call. Times are seconds since it was answered."""

    def __init__(self) -> None:
        self.who = ""  # human, machine; empty: not known
        self._first: float | None = None
        self._last = 0.0

    def listen(self, pcm: bytes, now: float) -> bool:
        """Take what came since the last time; whether it is time to speak."""
        if _is_loud(pcm):
            self._first = now if self._first is None else self._first
            self._last = now
        if self.who == "machine":
            return now - self._last >= _MACHINE_PAUSE or now >= _MACHINE_LONGEST
        if self._first is None:
            return now >= _FIRST_WORD
        if self._last - self._first >= _LONG:
            self.who = "machine"
            return False
        if now - self._last >= _PAUSE:
            self.who = "human"
            return True
        return now >= _UNDECIDED


def _is_loud(pcm: bytes) -> bool:
    samples = array.array("h", pcm[: len(pcm) // 2 * 2])
    frames = (samples[at : at + _FRAME] for at in range(0, len(samples), _FRAME))
    return any(sum(map(abs, frame)) > _LOUD * len(frame) for frame in frames)
