"""How fast: as agreed with the provider, and slower for a while when the SMSC says that it is too much."""

from __future__ import annotations

import asyncio
from typing import Final

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0


class Pace:
    """
    Gives turns. Belongs to one event loop.

    pause: how long everybody waits after the SMSC's last "too many"; twice as long after the next
    """

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._paused_until = 0.0
        self.pause = FIRST_PAUSE

    async def turn(self, until: float) -> float:
        """Wait until the next may be sent: 0; if that is after `until`, at once: the seconds it would take."""
        if not self._gap and not self._paused_until:
            return 0.0
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next, self._paused_until)
        if mine > max(now, until):
            return mine - now
        self._next = mine + self._gap
        if mine > now:
            await asyncio.sleep(mine - now)
        return 0.0

    def slow_down(self) -> float:
        """Too many: nobody has a turn for a while; how long."""
        now = asyncio.get_running_loop().time()
        if self._paused_until <= now:  # the others of the window say the same: once is enough
            self._paused_until = now + self.pause
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
        return self._paused_until - now

    def goes_well(self) -> None:
        """It took one: the next pause is a short one."""
        self.pause = FIRST_PAUSE
