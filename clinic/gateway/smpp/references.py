"""
The reference that holds the parts of a long message together on the phone.

It has 8 bits (or 16), and a phone joins parts of one sender by it: given again to the same number while parts
may still be on their way, it would join halves of two messages. So a number's references are remembered for
as long as a network tries to deliver. Each begins with our message's own number: of two processes that send
at once, neither knows the other's, and would meet it once in 256 times at most.
"""

from __future__ import annotations

from typing import Final

IN_FLIGHT_SECONDS: Final = 3 * 24 * 3600.0


class References:
    """Gives references. Two generations, each as long as messages may be in flight, so that old ones go."""

    def __init__(self, *, wide: bool, keep: float = IN_FLIGHT_SECONDS) -> None:
        self._size = 2 if wide else 1
        self._keep = keep
        self._new: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}
        self._since: float | None = None

    def take(self, number: str, first: int, now: float) -> int:
        """
        A reference that this number has not got now; the oldest of all, if it has every one.

        Args:
            first: tried first: our message's own number
            now: seconds of a clock that only goes on
        """
        self._forget(now)
        size = self._size
        kept = self._old.get(number, b"") + self._new.get(number, b"")
        used = {kept[at : at + size] for at in range(0, len(kept), size)}
        every = 256**size
        for step in range(every):
            found = ((first + step) % every).to_bytes(size, "big")
            if found not in used:
                break
        else:
            found = kept[:size]
        self._new[number] = self._new.get(number, b"") + found
        return int.from_bytes(found, "big")

    def _forget(self, now: float) -> None:
        if self._since is None:
            self._since = now
        elif now - self._since >= self._keep:
            stale = now - self._since >= 2 * self._keep
            self._old, self._new = ({} if stale else self._new), {}
            self._since = now
